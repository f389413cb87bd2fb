"""Server events on their way to one client: bounded, in order, never blocking who tells."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable


class Outbox:
    """Holds what has not been sent. `limit` is in bytes of JSON (its characters: it is ASCII but
    for people's words)."""

    def __init__(self, send: Callable[[str], Awaitable[None]], limit: int) -> None:
        self._send = send
        self._limit = limit
        self._waiting: deque[str] = deque()
        self._came = asyncio.Event()
        self.unread = 0
        self.sent_bytes = 0

    def put(self, message: str) -> bool:
        """Takes a message; False if the client is too far behind, and then it is dropped."""
        if self.unread + len(message) > self._limit:
            return False
        self._waiting.append(message)
        self.unread += len(message)
        self._came.set()
        return True

    async def run(self) -> None:
        """Sends, until cancelled; raises what `send` raises when the client is gone."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                message = self._waiting.popleft()
                await self._send(message)
                self.unread -= len(message)
                self.sent_bytes += len(message)
