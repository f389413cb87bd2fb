"""How many recorded orders the embedded recognizer and the agent's intents understand.

    bench/orders.py --json orders.json
    bench/orders.py --noise 12        # with kitchen noise, as the datasets' README defines it
    bench/orders.py --trimmed         # cut as a live session cuts it

Accepted: the intent is right and every slot's value is exactly the label's.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import soundfile

from bench.figures import Figures, percentiles, summary
from bench.options import parser, report, run
from bench.speech_bounds import speech_bounds, voice_activity
from intents.engine import IntentEngine
from overture.agent_folder import Agent, load_agent
from overture.expected_speech import expected_speech
from voice.audio import HEARING_RATE, Pcm
from voice.recognition import Utterance
from voice.recognizers.pocketsphinx import PocketsphinxRecognizer

BEFORE, AFTER = 0.30, 0.15
"""Seconds of sound around the speech that a live session hands to the recognizer."""

FRAME = 2048
"""Samples of the frames whose loudest gives the signal-to-noise ratio."""

CAFE = Path(__file__).resolve().parent.parent / "agents" / "cafe"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recording: what was heard and understood, against the label. latency_ms: wall clock."""

    file: str
    accepted: bool
    heard: str
    intent: str | None
    slots: dict[str, str]
    expected: dict[str, str]
    seconds: float
    latency_ms: float


def trimmed(samples: Pcm) -> Pcm:
    """The utterance as a live session cuts it."""
    bounds = speech_bounds(samples, voice_activity(samples))
    start = max(0, bounds.first - int(BEFORE * HEARING_RATE))
    return samples[start : bounds.last + int(AFTER * HEARING_RATE)]


def with_noise(samples: Pcm, noise: Pcm, decibels: float, seed: int) -> Pcm:
    """`samples` with a stretch of `noise` at that ratio of their loudest frames' energy."""
    start = np.random.default_rng(seed).integers(max(1, len(noise) - len(samples)))
    stretch = np.resize(noise[start:], len(samples)).astype(np.float64)
    ratio = _loudest(samples) / max(_loudest(stretch), 1.0)
    mixed = samples + stretch * np.sqrt(ratio / 10 ** (decibels / 10))
    scaled: Pcm = (mixed * (0.5 * 32767 / np.abs(mixed).max())).astype(np.int16)
    return scaled


def _loudest(samples: npt.NDArray[Any]) -> float:
    wave = np.pad(samples.astype(np.float64), (0, -len(samples) % FRAME))
    return float((wave.reshape(-1, FRAME) ** 2).sum(axis=1).max())


async def measure(agent: Agent, options: argparse.Namespace) -> Figures:
    """Recognises every recording, one after the other in one worker."""
    engine = IntentEngine(agent.intents)
    labels = json.loads((options.data / "labels.json").read_text())
    noise = _read(options.data / "kitchen-noise.flac") if options.noise is not None else None
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        recognizer = PocketsphinxRecognizer(
            expected_speech(agent, options.seed), workers=1, cache_dir=Path(folder)
        )
        await recognizer.start()
        (worker,) = recognizer.worker_process_ids
        for at, label in enumerate(labels):
            samples = _read(options.data / label["file"])
            if noise is not None:
                samples = with_noise(samples, noise, options.noise, at)
            if options.trimmed:
                samples = trimmed(samples)
            outcomes.append(await _recognised(recognizer, engine, samples, label))
        cpu = sum(psutil.Process(worker).cpu_times()[:2])
        memory = psutil.Process(worker).memory_info().rss
        await recognizer.aclose()
    return _figures(outcomes, cpu, memory)


async def _recognised(
    recognizer: PocketsphinxRecognizer,
    engine: IntentEngine,
    samples: Pcm,
    label: Mapping[str, object],
) -> Outcome:
    began = time.perf_counter()
    heard = await recognizer.recognize(Utterance(samples))
    latency = time.perf_counter() - began
    understood = engine.understand(heard.text)
    expected = label["slots"]
    assert isinstance(expected, dict)
    return Outcome(
        file=str(label["file"]),
        accepted=understood.intent == label["intent"] and dict(understood.slots) == expected,
        heard=heard.text,
        intent=understood.intent,
        slots=dict(understood.slots),
        expected=expected,
        seconds=len(samples) / HEARING_RATE,
        latency_ms=latency * 1000,
    )


def _figures(outcomes: Sequence[Outcome], cpu: float, memory: int) -> Figures:
    seconds = sum(outcome.seconds for outcome in outcomes)
    return {
        "recordings": len(outcomes),
        "accepted": round(sum(outcome.accepted for outcome in outcomes) / len(outcomes), 4),
        "real_time_factor": round(cpu / seconds, 4),
        "latency_ms": summary([outcome.latency_ms for outcome in outcomes]),
        "worker_rss_mb": round(memory / 2**20, 1),
        "missed": [asdict(outcome) for outcome in outcomes if not outcome.accepted],
    }


def _read(path: Path) -> Pcm:
    samples: Pcm = soundfile.read(path, dtype="int16")[0]
    return samples


def _print(figures: Figures) -> None:
    for miss in figures["missed"]:
        print(f"{miss['file']}: {miss['heard']!r}")
        print(f"    expected {', '.join(miss['expected'].values())}; got {miss['slots']}")
    print(
        f"accepted {figures['accepted']:.3f} of {figures['recordings']} · "
        f"real-time factor {figures['real_time_factor']:.3f} · "
        f"worker {figures['worker_rss_mb']:.0f} MB · "
        f"latency ms {percentiles(figures['latency_ms'])}"
    )


async def main(arguments: argparse.Namespace) -> None:
    """One run."""
    figures = await measure(load_agent(arguments.agent), arguments)
    _print(figures)
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--agent", type=Path, default=CAFE, metavar="DIR")
    options.add_argument("--noise", type=float, metavar="DB", help="mix kitchen noise in")
    options.add_argument("--trimmed", action="store_true", help="as a live session cuts it")
    options.add_argument("--seed", type=int, default=0, help="of the sampled sentences")
    run(main, options.parse_args())
