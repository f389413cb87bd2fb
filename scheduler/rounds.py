"""Work that is done again and again, and goes on whatever happens to one round of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from outreach.errors import OutreachUnavailableError
from sessions.ending import end
from sessions.store import StoreUnavailableError

log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[None]]


class Round:
    """Does `work` each `every_s` seconds, as long as `wanted` says so.

    A round that finds Redis away is tried again at its time, and told of once. failures: of rounds,
    by name, shared with others; for metrics. wake: set when the next round should not wait.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        every_s: float,
        wanted: Callable[[], bool],
        failures: Counter[str],
        wake: asyncio.Event | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._wanted = wanted
        self._failures = failures
        self._wake = wake or asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away = False

    def start(self) -> None:
        """Begins with the first round."""
        self._task = asyncio.create_task(self._run(), name=f"scheduler-{self._name}")

    async def aclose(self) -> None:
        """Ends; a round that runs is cut off, which its work allows for."""
        if self._task is not None:
            await end(self._task)
            self._task = None

    async def once(self) -> None:
        """One round now; never raises."""
        try:
            await self._work()
            self._away = False
        except (OutreachUnavailableError, StoreUnavailableError) as error:
            self._failures[self._name] += 1
            if not self._away:
                log.warning("waits for Redis", what=self._name, reason=str(error))
            self._away = True
        except Exception:
            self._failures[self._name] += 1
            log.exception("a round failed", what=self._name)

    async def _run(self) -> None:
        while True:
            if self._wanted():
                await self.once()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
