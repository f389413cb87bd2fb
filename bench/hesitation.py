"""A recording whose speaker stops to think in the middle of a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

import numpy as np

from voice.audio import SPEAKING_RATE, Pcm

DANGLING = frozenset(
    {"a", "an", "the", "with", "and", "of", "some", "lots", "like"}
    | {"small", "medium", "large", "light", "dark", "single", "double", "triple"}
    | {"eight", "twelve", "sixteen", "twenty"}
)
"""Words of an order after which no one is finished."""

SEARCH = 0.06
"""Seconds around the words' boundary in which the quietest place is looked for."""

FADE = SPEAKING_RATE // 200
"""5 ms of cross-fade at both seams, so that neither clicks."""


class Silence(Enum):
    """What fills the pause: the recording's own quiet, or exact zeros as a gated mic sends."""

    ROOM = "room"
    DIGITAL = "digital"


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word; start, end: seconds from the recording's first sample."""

    text: str
    start: float
    end: float


def dangling_ends(words: Sequence[Word]) -> list[int]:
    """Indices of the words that dangle and that something follows."""
    return [i for i, word in enumerate(words[:-1]) if word.text in DANGLING]


def choose(words: Sequence[Word], random: Random) -> int | None:
    """One of the words that dangle; None when there is none.

    Kinds of words are drawn before places, or "a" would be most of them.
    """
    places: dict[str, list[int]] = {}
    for i in dangling_ends(words):
        places.setdefault(words[i].text, []).append(i)
    return random.choice(places[random.choice(sorted(places))]) if places else None


def quiet_place(samples: Pcm, before: Word, after: Word) -> int:
    """The middle of the quietest 10 ms around the boundary of two words, 24 kHz.

    Looked for within SEARCH of it, and no further than half way into either word.
    """
    step = SPEAKING_RATE // 100
    boundary = (before.end + after.start) / 2
    earliest = max(boundary - SEARCH, (before.start + before.end) / 2)
    latest = min(boundary + SEARCH, (after.start + after.end) / 2)
    low = int(earliest * SPEAKING_RATE)
    window = samples[low : int(latest * SPEAKING_RATE)].astype(np.float64) ** 2
    if len(window) <= step:
        return int(boundary * SPEAKING_RATE)
    energy = np.convolve(window, np.ones(step), mode="valid")
    return low + int(np.argmin(energy)) + step // 2


def quietest(samples: Pcm, count: int) -> Pcm:
    """`count` samples of the recording's own noise floor: its quietest stretch, back and forth."""
    step = SPEAKING_RATE // 4
    starts = range(0, max(1, len(samples) - step), step // 2)
    stretch = min((samples[i : i + step] for i in starts), key=lambda s: float((s * 1.0).std()))
    loop = np.concatenate([stretch, stretch[::-1]])
    return np.resize(loop, count)


def hesitate(
    samples: Pcm, words: Sequence[Word], after: int, silence: Silence, seconds: float = 0.6
) -> tuple[Pcm, tuple[Word, ...]]:
    """The 24 kHz recording with a pause after words[after], and its words with their new times."""
    cut = quiet_place(samples, words[after], words[after + 1])
    count = int(seconds * SPEAKING_RATE)
    pause = quietest(samples, count) if silence is Silence.ROOM else np.zeros(count, np.int16)
    longer = np.concatenate([_faded(samples[:cut], out=True), pause, _faded(samples[cut:])])
    at = cut / SPEAKING_RATE
    moved = tuple(
        word if i <= after else replace(word, start=word.start + seconds, end=word.end + seconds)
        for i, word in enumerate(words)
    )
    spoken = replace(moved[after], end=min(moved[after].end, at))
    return longer, (*moved[:after], spoken, *moved[after + 1 :])


def _faded(samples: Pcm, *, out: bool = False) -> Pcm:
    """`samples` with 5 ms of fade at the seam: at the end (`out`), or at the start."""
    faded = samples.astype(np.float32)
    length = min(FADE, len(faded))
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    if out:
        faded[len(faded) - length :] *= ramp[::-1]
    else:
        faded[:length] *= ramp
    return faded.astype(np.int16)
