"""A Piper voice of the right shape, made on the spot: piper-tts loads it as any other.

Every phoneme takes FRAMES frames of a tone, with silence before and after the sentence; so the
length follows from the text and the speed, as a real voice's does.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE = 22_050
HOP = 256
FRAMES = 4
SILENT_SAMPLES = 4000
"""Before and after each sentence."""

_HZ = 330.0


def make_small_piper(
    folder: Path, name: str = "en_US-small-low", *, tells_times: bool = False
) -> Path:
    """Writes the voice; its .onnx file. tells_times: with phonemes' durations as an output."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.onnx"
    onnx.save(_model(tells_times=tells_times), str(file))
    config = {
        "audio": {"sample_rate": RATE, "quality": "low"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
        "hop_length": HOP,
    }
    Path(f"{file}.json").write_text(json.dumps(config))
    return file


def _model(*, tells_times: bool) -> onnx.ModelProto:
    """Inputs input, input_lengths, scales; output audio, shape (1, 1, samples)."""
    constants = {
        "length_scale_at": np.array([1], np.int64),
        "frames": np.array([FRAMES], np.float32),
        "hop": np.array(HOP, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "turn": np.array(2 * np.pi * _HZ / RATE, np.float32),
        "loudness": np.array(0.5, np.float32),
        "silent": np.array(SILENT_SAMPLES, np.float32),
        "shape": np.array([1, 1, -1], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Gather", ["scales", "length_scale_at"], ["length_scale"]),
        node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        node("Mul", ["ids", "zero"], ["nothing"]),
        node("Add", ["nothing", "frames"], ["usual"]),
        node("Mul", ["usual", "length_scale"], ["widths"]),
        node("Ceil", ["widths"], ["w_ceil"]),
        node("ReduceSum", ["w_ceil"], ["all_frames"], keepdims=0),
        node("Mul", ["all_frames", "hop"], ["samples"]),
        node("Range", ["zero", "samples", "one"], ["time"]),
        node("Mul", ["time", "turn"], ["angle"]),
        node("Sin", ["angle"], ["tone"]),
        node("Sub", ["samples", "silent"], ["ends"]),
        node("Greater", ["time", "silent"], ["begun"]),
        node("Less", ["time", "ends"], ["goes_on"]),
        node("And", ["begun", "goes_on"], ["sounds"]),
        node("Cast", ["sounds"], ["gate"], to=TensorProto.FLOAT),
        node("Mul", ["tone", "gate"], ["gated"]),
        node("Mul", ["gated", "loudness"], ["speech"]),
        node("Reshape", ["speech", "shape"], ["output"]),
    ]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, None])]
    if tells_times:
        outputs.append(helper.make_tensor_value_info("w_ceil", TensorProto.FLOAT, [1, None]))
    graph = helper.make_graph(
        nodes,
        "small_piper",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model
