"""One clock for all clients of a process: each gets its tick in real time, without drift."""

import asyncio
import time
from collections.abc import Callable

SLOT = 0.005
"""Seconds between the moments at which clients may be due; spreads them over their frame."""


class Metronome:
    """Calls each member once a frame. Use as an asynchronous context manager.

    The n-th moment is computed from the start, so that a late one does not move the next.
    """

    def __init__(self, frame_seconds: float = 0.02) -> None:
        """frame_seconds: a whole number of slots."""
        self.frame_seconds = frame_seconds
        self._slots: list[list[Callable[[float], None]]] = [
            [] for _ in range(round(frame_seconds / SLOT))
        ]
        self._next_slot = 0
        self._task: asyncio.Task[None] | None = None
        self.lateness: list[float] = []
        """Seconds each moment was late: whether this process kept up, and may be believed."""

    async def __aenter__(self) -> "Metronome":
        self._task = asyncio.create_task(self._run(), name="metronome")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def join(self, tick: Callable[[float], None]) -> None:
        """`tick(moment)` is called every frame from now on; moment: when it should have been."""
        self._slots[self._next_slot].append(tick)
        self._next_slot = (self._next_slot + 1) % len(self._slots)

    def leave(self, tick: Callable[[float], None]) -> None:
        """Ends the calls; unknown members are ignored."""
        for members in self._slots:
            if tick in members:
                members.remove(tick)

    async def _run(self) -> None:
        began = time.monotonic()
        moment = 0
        while True:
            due = began + moment * SLOT
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.lateness.append(time.monotonic() - due)
            for tick in tuple(self._slots[moment % len(self._slots)]):
                tick(due)
            moment += 1
