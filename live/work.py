"""The tasks of one session, by the machine's work ids: owned, dropped, ended."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from sessions.ending import end


class Work:
    """A task a work id; a dropped one is cancelled."""

    def __init__(self) -> None:
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def start(self, work: int, doing: Coroutine[Any, Any, None]) -> None:
        """Runs it until it ends, is dropped, or the session closes."""
        task = asyncio.create_task(doing, name=f"work-{work}")
        self._tasks[work] = task
        task.add_done_callback(lambda done: self._let_go(work, done))

    def runs(self, work: int) -> bool:
        """Whether it has not ended."""
        task = self._tasks.get(work)
        return task is not None and not task.done()

    def drop(self, work: int) -> None:
        """Cancels it if it still runs."""
        if task := self._tasks.pop(work, None):
            task.cancel()

    async def settled(self) -> None:
        """Returns when nothing runs."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
            await asyncio.sleep(0)  # a task that is done is let go of in the next iteration

    async def aclose(self) -> None:
        """Cancels everything and waits for it to end."""
        await end(*self._tasks.values())

    def _let_go(self, work: int, done: asyncio.Task[None]) -> None:
        if self._tasks.get(work) is done:  # else it was dropped, or its work goes on in another
            del self._tasks[work]
