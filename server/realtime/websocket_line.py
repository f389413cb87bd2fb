"""A WebSocket as a line."""

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from server.realtime.errors import Close, ClosingError
from server.realtime.line import LineGoneError, Speaker

CLOSE_PATIENCE = 2.0
"""Seconds that a client which does not read gets to take the close frame; then it is cut off."""

ABORT = "overture.abort"
"""ASGI extension of `server.websocket_protocol`: ends the TCP connection without waiting."""

NOT_TEXT = 1003
"""RFC 6455 §7.4.1: a kind of data that is not accepted."""


class WebSocketLine:
    """An accepted WebSocket; everything travels in its events, the agent's voice too."""

    speaker: Speaker | None = None

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send(self, message: str) -> None:
        """One event as a text frame."""
        try:
            await self._websocket.send_text(message)
        except WebSocketDisconnect as gone:
            raise LineGoneError(gone.code, gone.reason or "the client left") from None

    async def receive(self) -> str:
        """The next text frame."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            reason = message.get("reason") or "the client left"
            raise LineGoneError(message.get("code", 1005), reason)
        text: str | None = message.get("text")
        if text is None:
            raise ClosingError(NOT_TEXT, "binary messages are not understood; send JSON as text")
        return text

    async def close(self, close: Close) -> None:
        """The close frame, and the line is cut if they do not take it."""
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._websocket.close(close.code, close.reason)
        except (RuntimeError, WebSocketDisconnect):
            pass  # it was closed before
        except TimeoutError:
            abort = self._websocket.scope.get("extensions", {}).get(ABORT)
            if abort is not None:
                abort()
