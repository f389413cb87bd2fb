"""How late the event loop is: a timer that measures itself."""

import asyncio
import time
from collections.abc import Callable

EVERY = 0.1
"""Seconds between two samples: at twice as often it was the most an idle server had to do."""


class LoopLag:
    """Reports the lag in seconds, over and over, while it runs.

    Not by `loop.time()`: under uvloop that is whole milliseconds, as of the iteration's start.
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins; on the running loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(EVERY, self._due, time.perf_counter() + EVERY)

    def stop(self) -> None:
        """Ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, due: float) -> None:
        self._report(max(0.0, time.perf_counter() - due))
        self.start()
