"""A WebSocket client that costs little: no task and no queue a message.

websockets' sans-I/O protocol on an asyncio transport. Messages are handed over as they arrive,
and sending never waits: what a server does not read is counted against LIMIT, then the
connection is closed.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

LIMIT = 4 << 20
"""Bytes that may wait for the server to read them: over 60 s of speech."""


class ConnectionFailedError(ConnectionError):
    """No WebSocket came about; the message says what the server answered."""


class TextSocket(asyncio.Protocol):
    """A connection; `open` makes one."""

    def __init__(
        self, url: str, receive: Callable[[bytes], None], headers: Mapping[str, str] | None = None
    ) -> None:
        self._protocol = ClientProtocol(parse_uri(url), max_size=16 << 20)
        self._headers = headers or {}
        self._receive = receive
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[str] = loop.create_future()
        """Done with the reason once the connection is gone."""

    @classmethod
    async def open(
        cls, url: str, receive: Callable[[bytes], None], headers: Mapping[str, str] | None = None
    ) -> "TextSocket":
        """Connects; `receive` gets each text message. Raises ConnectionFailedError."""
        uri = parse_uri(url)
        loop = asyncio.get_running_loop()
        try:
            _, socket = await loop.create_connection(
                lambda: cls(url, receive, headers), uri.host, uri.port, ssl=uri.secure or None
            )
            await asyncio.wait_for(socket._opened, 10)
        except (OSError, TimeoutError) as problem:
            raise ConnectionFailedError(f"{url}: {problem}; is the server running?") from problem
        return socket

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is State.OPEN

    def send(self, message: bytes) -> None:
        """Sends one text message; nothing happens once the connection is gone."""
        if not self.is_open or self._transport is None:
            return
        self._protocol.send_text(message)
        self._flush()
        if self._transport.get_write_buffer_size() > LIMIT:
            self._transport.abort()

    async def aclose(self) -> None:
        """Says goodbye, waits a second for the answer, then hangs up."""
        if self.is_open:
            self._protocol.send_close(1000)
            self._flush()
        try:
            await asyncio.wait_for(asyncio.shield(self.closed), 1)
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        request = self._protocol.connect()
        request.headers.update(self._headers)
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response) and not self._opened.done():
                self._answered(event)
        self._flush()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(ConnectionFailedError("hung up during the handshake"))
            self._opened.exception()  # seen: nobody may be waiting for it any more
        if not self.closed.done():
            self.closed.set_result(self._protocol.close_reason or str(exc or "closed"))

    def _answered(self, response: Response) -> None:
        problem = self._protocol.handshake_exc
        if problem is None:
            self._opened.set_result(None)
        else:
            text = bytes(response.body or b"").decode(errors="replace")[:200]
            refusal = f"{response.status_code} {response.reason_phrase} {text}"
            self._opened.set_exception(ConnectionFailedError(f"{refusal}: {problem}"))

    def _frame(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.CONT):
            return  # pings are answered by the protocol itself
        self._parts.append(bytes(frame.data))
        if frame.fin:
            message = b"".join(self._parts)
            self._parts.clear()
            self._receive(message)

    def _flush(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()  # the protocol's sign for the end of the stream
