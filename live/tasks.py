"""Tasks that belong to one owner: none is lost, and what goes wrong in one is said."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from sessions.ending import end

log = structlog.get_logger(__name__)


class Tasks:
    """Started here, ended here."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[None]] = set()

    def start(self, doing: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        """Runs it until it ends, or all are ended."""
        task = asyncio.create_task(self._run(doing, what), name=f"{self._name}-{what}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def settled(self, patience_s: float) -> None:
        """Returns when nothing runs, or after so many seconds."""
        end = asyncio.get_running_loop().time() + patience_s
        while self._running and (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._running), timeout=left)

    async def aclose(self) -> None:
        """Ends everything that runs."""
        while self._running:
            await end(*self._running)

    async def _run(self, doing: Coroutine[Any, Any, None], what: str) -> None:
        try:
            await doing
        except Exception:  # the task's edge
            log.exception("background_task_failed", task=f"{self._name}-{what}")
