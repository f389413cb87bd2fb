"""Server-sent events over HTTP: as many streams as there may be, each with a heartbeat and an end.

The form is that of the HTML standard, section 9.2.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.door import Caller
from server.http_protocol import LONG_ANSWER, LongAnswer
from server.operations.route import EVENT_STREAM
from server.refusals import RefusedError

MOST = 128
"""Streams of one server; each is a connection and a few kilobytes."""
MOST_OF_KEY = 32
"""Of one key, so that no backend keeps operators out."""
HEARTBEAT_S = 10.0
"""Less than proxies wait for a word (60 s), and how soon a withdrawn key's stream ends."""
HEARTBEAT = b": here\n\n"


def sse(event: str, data: str, id: int | None = None) -> bytes:
    """One event; `data` is JSON on one line."""
    known = f"id: {id}\n" if id is not None else ""
    return f"event: {event}\n{known}data: {data}\n\n".encode()


class Streams:
    """How many there are. in_force: whether a caller's key still is."""

    def __init__(self, in_force: Callable[[Caller], bool]) -> None:
        self._in_force = in_force
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    def open(self, caller: Caller, pieces: AsyncGenerator[bytes, None]) -> Response:
        """The answer that sends these pieces until they end; raises RefusedError (429)."""
        if len(self) >= MOST or self._open[caller.key] >= MOST_OF_KEY:
            raise RefusedError(
                429,
                "rate_limit_exceeded",
                f"too many streams are open: {MOST_OF_KEY} a key, {MOST} in all",
            )
        return _EventStream(pieces, caller, self._open, self._in_force)


class _EventStream(Response):
    media_type = EVENT_STREAM

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        caller: Caller,
        count: Counter[str],
        in_force: Callable[[Caller], bool],
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._caller = caller
        self._count = count
        self._allowed = in_force

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until the pieces end, the other side leaves, the key is withdrawn, or we stop."""
        long: LongAnswer | None = scope.get("extensions", {}).get(LONG_ANSWER)
        self._count[self._caller.key] += 1
        waiting = [
            asyncio.create_task(self._send(send, long), name="event-stream"),
            asyncio.create_task(_disconnected(receive), name="event-stream-reader"),
        ]
        if long is not None:
            waiting.append(asyncio.create_task(_set(long.stopping), name="event-stream-stop"))
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
            await self._pieces.aclose()
            self._count[self._caller.key] -= 1
        if waiting[1] not in done:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        for task in done:
            task.result()

    async def _send(self, send: Send, long: LongAnswer | None) -> None:
        start: Message = {
            "type": "http.response.start",
            "status": 200,
            "headers": self.raw_headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        async for piece in self._pieces:
            if not self._allowed(self._caller):
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if long is not None:
                long.prolong()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _set(event: asyncio.Event) -> None:
    await event.wait()
