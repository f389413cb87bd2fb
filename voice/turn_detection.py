"""Where stretches of speech begin and pause, from frame probabilities.

Counts audio samples, never wall time, so a recording always gives the same marks however fast it
is fed. Whether a pause ends a turn is not decided here: that is the conversation machine's.
"""

from dataclasses import dataclass
from typing import TypeAlias

from voice.audio import HEARING_RATE
from voice.vad import FRAME_SAMPLES

ONSET_FRAMES = 2
"""Frames in a row over the threshold that begin speech: 64 ms; a click is shorter."""
PAUSE_FRAMES = 3
"""Silent frames that make a pause worth preparing for: 96 ms. Over nine tenths of the pauses
inside a word or phrase are shorter (119 recorded orders, Silero v6)."""
RELEASE_BELOW = 0.15
"""Speech goes on until the probability is this much under the threshold (Silero's own default)."""
REPORTED_SILENCE_MS = 4_000
"""Silence is not reported beyond this: every turn has ended by then (hard limit 3 s)."""


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began at this sample of the session's input."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Continued:
    """Speech goes on. samples: length of this stretch."""

    samples: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Speech ended at at_sample, `silence` samples ago."""

    at_sample: int
    silence: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Still silent. silence: samples since the last speech."""

    silence: int


Mark: TypeAlias = Started | Continued | Paused | Silent


class TurnDetector:
    """Feed it one probability a frame; it tells where speech starts and pauses.

    >>> detector = TurnDetector()
    >>> [detector.feed(p, threshold=0.5) for p in (0.9, 0.9, 0.9)]
    [None, Started(at_sample=0), Continued(samples=1536)]
    """

    def __init__(self) -> None:
        self._frames = 0
        self._over = 0
        self._silent = 0
        self._speech_since = 0
        self._speaking = False
        self._ever = False

    @property
    def speaking(self) -> bool:
        """Between `Started` and `Paused`."""
        return self._speaking

    def feed(self, probability: float, threshold: float) -> Mark | None:
        """Takes the next frame's probability; `threshold` begins speech."""
        self._frames += 1
        if self._speaking:
            return self._while_speaking(probability >= threshold - RELEASE_BELOW)
        return self._while_silent(probability >= threshold)

    def _while_speaking(self, speech: bool) -> Mark | None:
        if speech:
            self._silent = 0
            return Continued((self._frames - self._speech_since) * FRAME_SAMPLES)
        self._silent += 1
        if self._silent < PAUSE_FRAMES:
            return None
        self._speaking = False
        self._over = 0
        silence = self._silent * FRAME_SAMPLES
        return Paused(self._frames * FRAME_SAMPLES - silence, silence)

    def _while_silent(self, speech: bool) -> Mark | None:
        self._over = self._over + 1 if speech else 0
        if self._over == ONSET_FRAMES:
            self._speaking = self._ever = True
            self._silent = 0
            self._speech_since = self._frames - ONSET_FRAMES
            return Started(self._speech_since * FRAME_SAMPLES)
        if not self._ever:
            return None
        self._silent += 1
        silence = self._silent * FRAME_SAMPLES
        return Silent(silence) if silence <= REPORTED_SILENCE_MS * HEARING_RATE // 1000 else None
