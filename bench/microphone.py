"""What a client's microphone picks up: clips over a quiet room, and what a loudspeaker leaks."""

from collections.abc import Callable

import numpy as np

from voice.audio import SPEAKING_RATE, Pcm

ROOM_LEVEL = 3.0
"""Noise of the quiet room, rms of 32768 (-81 dBFS): as faint as in the recordings' own pauses."""


def quiet_room(seconds: float = 1.0, seed: int = 0) -> Pcm:
    """White noise of a quiet room, 24 kHz, to be repeated."""
    noise = np.random.default_rng(seed).normal(0, ROOM_LEVEL, int(seconds * SPEAKING_RATE))
    return noise.astype(np.int16)


_ROOM = quiet_room()


class Microphone:
    """Gives samples in order; `position` is how many it has given."""

    def __init__(self) -> None:
        self.position = 0
        self._clip: Pcm = _ROOM[:0]
        self._clip_start = 0
        self.leak: Callable[[int, int], Pcm] | None = None
        """Sound that reaches the microphone besides: (first sample, count) to that many samples."""

    def play(self, clip: Pcm, delay: float = 0.0) -> int:
        """Starts `clip` (24 kHz) after `delay` seconds instead of any earlier one; its position."""
        self._clip = clip
        self._clip_start = self.position + int(delay * SPEAKING_RATE)
        return self._clip_start

    def hears_nothing(self, count: int) -> bool:
        """Whether the next `count` samples are the quiet room and nothing else."""
        ended = self._clip_start + len(self._clip) <= self.position
        return self.leak is None and (ended or self._clip_start >= self.position + count)

    def take(self, count: int) -> Pcm:
        """The next `count` samples."""
        start, self.position = self.position, self.position + count
        room = start % (len(_ROOM) - count)
        out = _ROOM[room : room + count]
        begin = max(0, self._clip_start - start)
        offset = start + begin - self._clip_start
        part = self._clip[offset : offset + count - begin] if offset >= 0 else self._clip[:0]
        if begin < count and len(part):
            out = out.copy()
            out[begin : begin + len(part)] = part
        if self.leak is not None:
            mixed = out.astype(np.int32) + self.leak(start, count)
            out = np.clip(mixed, -32768, 32767).astype(np.int16)
        return out
