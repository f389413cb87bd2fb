"""Running a subscription's handlers: so many at once, each for so long at most."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum

import structlog

from messaging.bus import CLOSE_S, Handler, Message

log = structlog.get_logger(__name__)

CANCEL_AGAIN_S = 0.1


class Ended(Enum):
    """How the handling of a message ended."""

    HANDLED = "handled"
    FAILED = "failed"
    CUT_OFF = "cut off"
    """The subscription closed before the handler had finished."""


Settle = Callable[[Message, Ended, str], Awaitable[None]]
"""Tells the broker how it ended, and why it failed; does not raise."""


class Handlers:
    """The handlers of one subscription that run now.

    at_once: how many may run. handling_s: how long one may take; then it is cancelled and has
    failed. settle: called once for every message begun. freed: called when another may begin.
    """

    def __init__(
        self,
        handler: Handler,
        settle: Settle,
        freed: Callable[[], None],
        *,
        at_once: int,
        handling_s: float,
    ) -> None:
        self._handler = handler
        self._settle = settle
        self._freed = freed
        self._at_once = at_once
        self._handling_s = handling_s
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def free(self) -> int:
        """How many more may begin; none once closing."""
        return 0 if self._closing else max(0, self._at_once - len(self._running))

    def begin(self, message: Message) -> None:
        """Handles a message in a task of its own."""
        task = asyncio.create_task(self._run(message), name=f"bus-{message.topic}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._freed()

    async def _run(self, message: Message) -> None:
        ended, reason = Ended.HANDLED, ""
        try:
            async with asyncio.timeout(self._handling_s) as limit:
                await self._handler(message)
        except asyncio.CancelledError:
            # Settled in spite of it, so that another consumer can have the message now.
            ended, reason = Ended.CUT_OFF, "its consumer closed"
            if not self._closing:
                ended, reason = Ended.FAILED, "its handler cancelled itself"
        except Exception as error:
            ended, reason = Ended.FAILED, f"{type(error).__name__}: {error}"
            if limit.expired():
                reason = f"not handled within {self._handling_s:g} s"
            log.warning(
                "a message was not handled",
                topic=message.topic,
                message=message.id,
                attempt=message.attempt,
                reason=reason,
            )
        await self._settle(message, ended, reason)

    async def aclose(self, finish_s: float) -> None:
        """Begins no more, gives those that run `finish_s`, then cuts them off."""
        self._closing = True
        if self._running:
            await asyncio.wait(self._running, timeout=finish_s)
        for task in self._running:
            task.cancel()
        if self._running:  # those that were cut off tell the broker so
            await asyncio.wait(self._running, timeout=CLOSE_S)
        await end(*self._running)


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks until they have really ended.

    Once is not enough: asyncio.wait_for of Python 3.11, through which redis-py sends every
    command, loses a cancellation that arrives as it ends.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
