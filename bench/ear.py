"""What a person would hear: audio plays as it arrives, and every sample has its moment."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from voice.audio import SPEAKING_RATE, Pcm

AUDIBLE = 328
"""A sample at or over this is heard: 1 % of full scale, -40 dBFS."""

UNDERRUN = 0.002
"""Seconds a response's next audio may be late before that counts as a gap (one is a click)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch that was played without a break. start: seconds on the client's clock."""

    start: float
    samples: Pcm
    response: str

    @property
    def end(self) -> float:
        """When its last sample has been played."""
        return self.start + len(self.samples) / SPEAKING_RATE


@dataclass(frozen=True, slots=True)
class Gap:
    """The listener's buffer ran dry inside a response, for `seconds`."""

    response: str
    at: float
    seconds: float


class Ear:
    """A playout buffer without prebuffer: audio waits only for the audio before it.

    Times are seconds on one clock that the caller reads. What was heard more than `memory`
    seconds ago is forgotten.
    """

    def __init__(self, memory: float = 60.0, underrun: float = UNDERRUN) -> None:
        """underrun: seconds that audio may be late before that counts as a gap."""
        self._memory = memory
        self._underrun = underrun
        self._heard: deque[Heard] = deque()
        self._arrived: dict[str, int] = {}
        self.gaps: list[Gap] = []
        self.end = 0.0
        """When everything that arrived will have been played."""

    def hear(self, response: str, samples: Pcm, now: float) -> None:
        """Audio of `response` (24 kHz) arrived at `now`."""
        if not len(samples):
            return
        self._arrived[response] = self._arrived.get(response, 0) + len(samples)
        late = now - self.end
        if late > self._underrun and self._heard and self._heard[-1].response == response:
            self.gaps.append(Gap(response, self.end, late))
        piece = Heard(max(now, self.end), samples, response)
        self._heard.append(piece)
        self.end = piece.end
        while self._heard[0].end < now - self._memory:
            self._heard.popleft()

    def flush(self, now: float) -> None:
        """Drops what has not been played by `now`, as clients do when the user begins to speak."""
        while self._heard and self._heard[-1].end > now:
            piece = self._heard.pop()
            played = round((now - piece.start) * SPEAKING_RATE)
            if played > 0:
                self._heard.append(Heard(piece.start, piece.samples[:played], piece.response))
                break
        self.end = min(self.end, now)

    def first_audible(self, after: float) -> float | None:
        """The moment of the first audible sample at or after `after`; None if there is none."""
        for piece in self._heard:
            if piece.end <= after:
                continue
            skip = max(0, int(np.ceil((after - piece.start) * SPEAKING_RATE - 1e-6)))
            loud = np.flatnonzero(np.abs(piece.samples[skip:].astype(np.int32)) >= AUDIBLE)
            if len(loud):
                return piece.start + (skip + int(loud[0])) / SPEAKING_RATE
        return None

    def first_audible_of(self, response: str) -> float | None:
        """The moment of the first audible sample of `response`; None if there is none."""
        for piece in self._heard:
            if piece.response == response:
                loud = np.flatnonzero(np.abs(piece.samples.astype(np.int32)) >= AUDIBLE)
                if len(loud):
                    return piece.start + int(loud[0]) / SPEAKING_RATE
        return None

    def first_audio(self, after: float) -> float:
        """When the first piece that began at or after `after` began; infinity if there is none."""
        return next((piece.start for piece in self._heard if piece.start >= after), float("inf"))

    def last_audible(self, response: str) -> float | None:
        """The moment of the last audible sample of `response`; None if there is none."""
        for piece in reversed(self._heard):
            if piece.response != response:
                continue
            loud = np.flatnonzero(np.abs(piece.samples.astype(np.int32)) >= AUDIBLE)
            if len(loud):
                return piece.start + int(loud[-1]) / SPEAKING_RATE
        return None

    def heard_seconds(self, response: str) -> float:
        """How much of `response` was played or is still to be played."""
        count = sum(len(piece.samples) for piece in self._heard if piece.response == response)
        return count / SPEAKING_RATE

    def arrived_seconds(self, response: str) -> float:
        """How much of `response` came, whether it was played or flushed."""
        return self._arrived.get(response, 0) / SPEAKING_RATE

    def played(self, start: float, count: int) -> Pcm:
        """What came out of the loudspeaker from `start` on, silence included; shape (count,)."""
        out = np.zeros(count, np.int16)
        for piece in self._heard:
            offset = round((piece.start - start) * SPEAKING_RATE)
            begin, end = max(0, offset), min(count, offset + len(piece.samples))
            if begin < end:
                out[begin:end] = piece.samples[begin - offset : end - offset]
        return out
