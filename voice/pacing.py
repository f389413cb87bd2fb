"""Paced output: audio leaves in real time, never more than a small lead ahead of the ear.

What has left cannot be taken back, so the lead is what a listener still hears after the agent was
stopped. Time is an argument; `OutputClock` is the one timer of the process that drives them all.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from voice.audio import SPEAKING_RATE, Pcm

LEAD = 0.08
"""Seconds of audio ahead of the listener, at most (DESIGN §2, rule 3)."""
FRAME = 0.04
"""Seconds of audio a frame holds: half the messages of 20 ms frames, and still inside the lead."""
TICK = 0.01
"""Seconds between two looks at the clock: a frame is at most this late."""


class Playout:
    """The audio of one speaker: written as it is made, due as time passes.

    Samples are 24 kHz mono. Times are seconds on the caller's monotonic clock.
    """

    def __init__(self) -> None:
        self._waiting: deque[Pcm] = deque()
        self._waiting_samples = 0
        self._sent = 0
        self._ends_at = 0.0
        self._paused = False

    @property
    def sent(self) -> int:
        """Samples that have left."""
        return self._sent

    @property
    def waiting(self) -> int:
        """Samples that were written and have not left."""
        return self._waiting_samples

    @property
    def ends_at(self) -> float:
        """When the listener will have heard what has left."""
        return self._ends_at

    def write(self, samples: Pcm) -> None:
        """Puts audio behind what waits."""
        if len(samples):
            self._waiting.append(samples)
            self._waiting_samples += len(samples)

    def due(self, now: float) -> Pcm | None:
        """The frame that leaves now, or None. Call again until it is None."""
        if self._paused or not self._waiting_samples:
            return None
        begins_at = max(self._ends_at, now)
        if begins_at + FRAME > now + LEAD + 1e-6:
            return None
        frame = self._take(int(FRAME * SPEAKING_RATE))
        self._sent += len(frame)
        self._ends_at = begins_at + len(frame) / SPEAKING_RATE
        return frame

    def played(self, now: float) -> int:
        """Samples that the listener has heard by now, if they play what comes as it comes."""
        return self._sent - int(max(0.0, self._ends_at - now) * SPEAKING_RATE)

    def pause(self) -> None:
        """Nothing more leaves; the lead plays out."""
        self._paused = True

    def resume(self) -> None:
        """Goes on with the next sample."""
        self._paused = False

    def drop_waiting(self) -> None:
        """Forgets what has not left."""
        self._waiting.clear()
        self._waiting_samples = 0

    def drop_after(self, sample: int) -> None:
        """Forgets what has not left and lies after that sample, counted from the start."""
        keep = max(0, sample - self._sent)
        if keep < self._waiting_samples:
            kept = self._take(keep) if keep else None
            self.drop_waiting()
            if kept is not None:
                self.write(kept)

    def _take(self, count: int) -> Pcm:
        parts: list[Pcm] = []
        while count > 0 and self._waiting:
            part = self._waiting.popleft()
            if len(part) > count:
                self._waiting.appendleft(part[count:])
                part = part[:count]
            parts.append(part)
            count -= len(part)
            self._waiting_samples -= len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class Timer(Protocol):
    """Something that will happen."""

    def when(self) -> float:
        """At what time, on its clock."""
        ...

    def cancel(self) -> None:
        """It will not."""
        ...


class OutputClock:
    """The time of all conversations, and the one timer that paces whoever speaks."""

    def __init__(self) -> None:
        self._speakers: dict[int, Callable[[float], bool]] = {}
        self._ticking = False
        self._ids = 0

    def now(self) -> float:
        """Seconds, monotonic."""
        return asyncio.get_running_loop().time()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls back at that time."""
        return asyncio.get_running_loop().call_at(when, callback)

    def add(self, advance: Callable[[float], bool]) -> Callable[[], None]:
        """Calls `advance(now)` at every tick until it returns False; returns how to stop that."""
        self._ids += 1
        speaker = self._ids
        self._speakers[speaker] = advance
        if not self._ticking:
            self._ticking = True
            self.call_at(self.now() + TICK, self._tick)
        return lambda: self._remove(speaker)

    def _remove(self, speaker: int) -> None:
        self._speakers.pop(speaker, None)

    def _tick(self) -> None:
        now = self.now()
        for speaker, advance in list(self._speakers.items()):
            if speaker in self._speakers and not advance(now):
                self._remove(speaker)
        self._ticking = bool(self._speakers)
        if self._ticking:
            self.call_at(now + TICK, self._tick)


@dataclass(order=True, slots=True)
class _SteppedTimer:
    at: float
    order: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.cancelled = True


class SteppedClock(OutputClock):
    """Time that passes only when it is told to: hours of talk in seconds, the same every time."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._timers: list[_SteppedTimer] = []

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls back when `step` reaches that time."""
        self._ids += 1
        timer = _SteppedTimer(when, self._ids, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def step(self, seconds: float) -> None:
        """Lets that much time pass; whatever falls due in it is called in order."""
        end = self._now + seconds
        while self._timers and self._timers[0].at <= end:
            timer = heapq.heappop(self._timers)
            self._now = max(self._now, timer.at)
            if not timer.cancelled:
                timer.callback()
        self._now = end
