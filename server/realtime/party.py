"""One line of a session: what waits to be sent on it, and how much may come from it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from server.host import Limits
from server.realtime import errors
from server.realtime.errors import Close, ClosingError
from server.realtime.line import Line, LineGoneError
from server.realtime.outbox import Outbox
from server.realtime.rate_limits import rate_limits
from server.realtime.rates import Allowance

OWN_EVENT = '{"type":"overture.'
"""How our own events begin: they go only to who asked for them."""


Begin: TypeAlias = Callable[[], Awaitable[None]]
Handle: TypeAlias = Callable[[str], Awaitable[None]]


class Party:
    """Whoever takes part over one line: the client itself, or one that joined its call later."""

    def __init__(self, line: Line, limits: Limits, *, extras: bool) -> None:
        loop = asyncio.get_running_loop()
        self._clock: Callable[[], float] = loop.time
        self.line = line
        self._extras = extras
        self._outbox = Outbox(line.send, limits.unread_bytes)
        self._messages = Allowance(
            limits.messages_per_second, 2.0 * limits.messages_per_second, loop.time()
        )
        self._audio = Allowance(limits.audio_speed, limits.audio_burst_s, loop.time())
        self._closing: asyncio.Future[Close] = loop.create_future()

    def tell(self, message: str) -> bool:
        """Has an event sent; False if it is not for this party, or the party is on its way out."""
        if self._closing.done() or (not self._extras and message.startswith(OWN_EVENT)):
            return False
        if self._outbox.put(message):
            return True
        self.end(Close(errors.TRY_LATER, "the client does not read what is sent to it"))
        return False

    def end(self, close: Close) -> None:
        """Has the line closed; the first reason given counts."""
        if not self._closing.done():
            self._closing.set_result(close)

    def take_audio(self, seconds: float) -> None:
        """Counts audio that came in an event; raises ClosingError."""
        if not self._audio.take(seconds, self._clock()):
            raise ClosingError(errors.POLICY, "audio came ten times faster than real time")

    @property
    def unread_bytes(self) -> int:
        """Of events that wait to be sent."""
        return self._outbox.unread

    def rate_limits(self) -> list[dict[str, Any]]:
        """How many more messages may come; see `server.realtime.rate_limits`."""
        return rate_limits(self._messages, self._clock())

    async def converse(self, handle: Handle, begin: Begin | None = None) -> Close:
        """Sends what is told and hands over what comes until one side ends it; says why.

        begin: what must be done before anything is handed over; events are sent meanwhile.
        """
        tasks: list[asyncio.Future[None]] = [
            asyncio.create_task(self._outbox.run(), name="realtime-write"),
            asyncio.create_task(self._read(handle, begin), name="realtime-read"),
        ]
        try:
            waited_for: set[asyncio.Future[Any]] = {*tasks, self._closing}
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        return self._why(results)

    def _why(self, results: list[BaseException | None]) -> Close:
        """Of everything that may have ended it, what tells most."""
        if self._closing.done():
            return self._closing.result()
        for kind in (ClosingError, LineGoneError):
            for result in results:
                if isinstance(result, kind):
                    return result.close
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Close(errors.GOING_AWAY, "the server is stopping")

    async def _read(self, handle: Handle, begin: Begin | None) -> None:
        if begin is not None:
            await begin()
        while True:
            message = await self.line.receive()
            if not self._messages.take(1, self._clock()):
                raise ClosingError(errors.POLICY, "too many messages a second")
            await handle(message)
