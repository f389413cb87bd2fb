"""Recorded orders, with where their speech lies and which words are said when.

Looking at a recording takes 0.4 s, so what was found is kept under the system's folder for
temporary files, by the content of the recording.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import soundfile
import soxr

from bench.hesitation import Word
from bench.speech_bounds import speech_bounds, voice_activity
from bench.transcripts import Transcriber
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm

CACHE = Path(tempfile.gettempdir()) / "overture-bench-recordings"
CACHE_FORMAT = 1
"""Count up when bounds or words are found differently."""

LEAD = 0.3
"""Seconds of the quiet before the first word that are kept; a bench need not wait for more."""


class RecordingsError(ValueError):
    """The folder is not what the bench needs; the message says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One order as recorded, from LEAD before its first word.

    samples: 24 kHz. first, last: its first and last speech sample among them. words: times in
    seconds from samples[0]. slots: what was ordered.
    """

    name: str
    samples: Pcm
    first: int
    last: int
    words: tuple[Word, ...]
    slots: Mapping[str, str]

    @property
    def speech_seconds(self) -> float:
        """How long the person speaks."""
        return (self.last - self.first) / SPEAKING_RATE


def default_folder() -> Path:
    """`$OVERTURE_DATASETS/spoken-orders`, else the shared folder beside the checkout."""
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "datasets"
    return Path(os.environ.get("OVERTURE_DATASETS", shared)) / "spoken-orders"


def load(folder: Path, count: int | None = None, seed: int = 0) -> list[Recording]:
    """`count` of the recordings in random order, or all; raises RecordingsError."""
    try:
        labels: list[dict[str, Any]] = json.loads((folder / "labels.json").read_text())
    except (OSError, ValueError) as problem:
        raise RecordingsError(
            f"{folder}: {problem}; --data names a folder with labels.json and audio/"
        ) from problem
    Random(seed).shuffle(labels)
    transcriber: list[Transcriber] = []
    return [_load(folder, label, transcriber) for label in labels[:count]]


def _load(folder: Path, label: Mapping[str, Any], transcriber: list[Transcriber]) -> Recording:
    content = (folder / label["file"]).read_bytes()
    samples = _read(folder / label["file"])
    slots = {name: value.lower() for name, value in label["slots"].items()}
    key = hashlib.blake2b(content + json.dumps([CACHE_FORMAT, slots]).encode(), digest_size=16)
    kept = CACHE / f"{key.hexdigest()}.json"
    if kept.is_file():
        found = json.loads(kept.read_text())
    else:
        transcriber[:] = transcriber or [Transcriber()]
        found = _look(samples, slots, transcriber[0])
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found))
    words = [Word(*word) for word in found["words"]]
    return prepared(
        Path(label["file"]).stem, samples, (found["first"], found["last"]), words, slots
    )


def _read(path: Path) -> Pcm:
    samples, rate = soundfile.read(path, dtype="int16")
    if samples.ndim != 1:
        raise RecordingsError(f"{path} has {samples.shape[1]} channels; recordings are mono")
    if rate == HEARING_RATE:
        return samples  # type: ignore[no-any-return]  # soundfile has no types
    return soxr.resample(samples, rate, HEARING_RATE)  # type: ignore[no-any-return]  # nor soxr


def _look(samples: Pcm, slots: Mapping[str, str], transcriber: Transcriber) -> dict[str, Any]:
    bounds = speech_bounds(samples, voice_activity(samples))
    words = transcriber.words(samples, slots)
    return {
        "first": bounds.first,
        "last": bounds.last,
        "words": [[word.text, word.start, word.end] for word in words],
    }


def prepared(
    name: str,
    samples: Pcm,
    bounds: tuple[int, int],
    words: Sequence[Word],
    slots: Mapping[str, str],
) -> Recording:
    """A recording cut to its LEAD and brought to 24 kHz.

    samples: 16 kHz; bounds: its first and last speech sample; words: seconds from samples[0].
    """
    skip = max(0, bounds[0] - int(LEAD * HEARING_RATE))
    seconds = skip / HEARING_RATE
    return Recording(
        name,
        soxr.resample(samples[skip:], HEARING_RATE, SPEAKING_RATE),
        (bounds[0] - skip) * SPEAKING_RATE // HEARING_RATE,
        (bounds[1] - skip) * SPEAKING_RATE // HEARING_RATE,
        tuple(Word(w.text, w.start - seconds, w.end - seconds) for w in words),
        slots,
    )
