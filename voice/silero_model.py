"""The Silero model that faster-whisper ships, changed to take one frame of many streams.

As shipped, the batch is a sequence: the LSTM walks over it with one state, as if its frames were
one recording. Here the batch's rows are frames of different streams, each with its own state of
shape (1, streams, 128). Only two transpositions around the LSTM and the declared shapes differ,
so three small edits in the file's protobuf (onnx.proto3) do it: the `onnx` package would cost
50 MB and 350 ms of every start.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 1, 11, 12, 13
_LENGTH_DELIMITED = 2
_FIXED_BYTES = {1: 8, 5: 4}


class SileroModelError(Exception):
    """The model is missing or not the one this was written for. The message says what to do."""


def model_path() -> Path:
    """Where faster-whisper keeps it, without importing faster-whisper (slow)."""
    spec = importlib.util.find_spec("faster_whisper")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        path = Path(place) / "assets" / "silero_vad_v6.onnx"
        if path.is_file():
            return path
    raise SileroModelError(
        "faster_whisper/assets/silero_vad_v6.onnx is not installed; "
        "install the locked dependencies (script/server does), or faster-whisper 1.2"
    )


def batched_model(model: bytes) -> bytes:
    """The shipped model's bytes, changed; raises SileroModelError if it is another model."""
    # From (streams, 128, 1) to (1, streams, 128) before the LSTM, and from that to
    # (1, 128, streams) after it. A repeated int64 is a tag byte (0x40) and a byte each.
    edits = {_perm(0, 2, 1): _perm(2, 0, 1), _perm(1, 2, 0): _perm(0, 2, 1)}
    states = 0

    def graph_field(number: int, field: bytes) -> bytes:
        nonlocal states
        if number == _GRAPH_VALUE_INFO:  # the shapes inside, which hold no longer
            return b""
        if number == _GRAPH_NODE:
            found = next((old for old in edits if old in field), None)
            return field.replace(found, edits.pop(found)) if found else field
        if number in (_GRAPH_INPUT, _GRAPH_OUTPUT) and _ONE_STATE in field:
            states += 1
            return field.replace(_ONE_STATE, _ANY_STATES)
        return field

    try:
        changed = b"".join(
            _delimited(number, b"".join(graph_field(*part[:2]) for part in _fields(payload)))
            if number == _MODEL_GRAPH
            else field
            for number, field, payload in _fields(model)
        )
    except (IndexError, KeyError) as error:
        raise SileroModelError(f"not an ONNX file: {error!r}; reinstall faster-whisper") from error
    if edits or states != 4:
        raise SileroModelError(
            "the Silero model is not the one of faster-whisper 1.2; install that version"
        )
    return changed


def _perm(*axes: int) -> bytes:
    return b"\x0a\x04perm" + b"".join(bytes((0x40, axis)) for axis in axes)


# Dimensions (1, 1, 128); the middle one becomes a dimension without a value (an empty
# denotation fills its two bytes, so that no length around it changes).
_ONE_STATE = bytes.fromhex("0a020801 0a020801 0a03088001")
_ANY_STATES = bytes.fromhex("0a020801 0a021a00 0a03088001")


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(number, the whole field, its payload) of each field of a protobuf message."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        if key & 7 == _LENGTH_DELIMITED:
            length, at = _varint(message, at)
            payload = at
            at += length
        elif key & 7 == 0:
            payload = at
            _, at = _varint(message, at)
        else:
            payload = at
            at += _FIXED_BYTES[key & 7]
        yield key >> 3, message[start:at], message[payload:at]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _delimited(number: int, payload: bytes) -> bytes:
    return _encoded(number << 3 | _LENGTH_DELIMITED) + _encoded(len(payload)) + payload


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
