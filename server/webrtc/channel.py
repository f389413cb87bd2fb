"""A call's data channel as a line."""

import asyncio
from collections.abc import Awaitable, Callable

from aiortc import RTCDataChannel

from server.realtime import errors
from server.realtime.errors import Close, ClosingError
from server.realtime.line import LineGoneError, Speaker
from server.realtime.websocket_line import NOT_TEXT

LABEL = "oai-events"
"""The channel that carries the events, by the protocol's name."""
WAITING = 256
"""Client events that wait to be carried out; one is never long at it."""
UNSENT = 64 * 1024
"""Bytes that are handed to the channel before its peer has taken the earlier ones."""
TOO_BIG = 1009
"""RFC 6455 §7.4.1: a message too big to process."""


class ChannelLine:
    """The events of one call. Usable before there is a channel: what is sent waits for it.

    events: False for a client that offered no data channel; it hears and is heard, and no more.
    limit: bytes of one message. hang_up: ends the transport below.
    """

    def __init__(
        self, speaker: Speaker, *, events: bool, limit: int, hang_up: Callable[[], Awaitable[None]]
    ) -> None:
        self.speaker: Speaker | None = speaker
        self._events = events
        self._limit = limit
        self._hang_up = hang_up
        self._incoming: asyncio.Queue[str | Close] = asyncio.Queue(WAITING + 1)
        self._channel: RTCDataChannel | None = None
        self._can_send = asyncio.Event()
        self._gone: Close | None = None

    def take(self, channel: RTCDataChannel) -> None:
        """A channel was opened by the client; the first of the right name is used."""
        if channel.label != LABEL or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.bufferedAmountLowThreshold = UNSENT // 2
        channel.on("message", self._on_message)
        channel.on("bufferedamountlow", self._can_send.set)
        channel.on("close", self._on_close)
        self._can_send.set()

    @property
    def is_open(self) -> bool:
        """Whether events flow, or never will."""
        return self._channel is not None or not self._events

    def lose(self, close: Close) -> None:
        """Nothing more comes or goes; the first reason counts."""
        if self._gone is not None:
            return
        self._gone = close
        self._can_send.set()
        if self._incoming.full():
            self._incoming.get_nowait()
        self._incoming.put_nowait(close)

    async def send(self, message: str) -> None:
        """One event, once the client takes events."""
        if not self._events:
            return
        await self._can_send.wait()
        if self._gone is not None:
            raise LineGoneError(self._gone.code, self._gone.reason)
        if self._channel is None or self._channel.readyState != "open":
            raise LineGoneError(errors.NORMAL, "the client closed the data channel")
        try:
            self._channel.send(message)
        except ValueError as error:  # over the max-message-size of its offer
            raise LineGoneError(TOO_BIG, str(error)[:120]) from None
        if self._channel.bufferedAmount > UNSENT:
            self._can_send.clear()

    async def receive(self) -> str:
        """The next event of the client's."""
        message = await self._incoming.get()
        if isinstance(message, Close):
            raise LineGoneError(message.code, message.reason)
        if len(message) > self._limit:
            raise ClosingError(TOO_BIG, f"a message over {self._limit} bytes")
        return message

    async def close(self, close: Close) -> None:
        """Hangs up: a call has no way to say why."""
        self.lose(close)
        await self._hang_up()

    def _on_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.lose(Close(NOT_TEXT, "binary messages are not understood; send JSON as text"))
        elif self._incoming.qsize() >= WAITING:
            self.lose(Close(errors.POLICY, "messages came faster than they can be carried out"))
        elif self._gone is None:
            self._incoming.put_nowait(message)

    def _on_close(self) -> None:
        self.lose(Close(errors.NORMAL, "the client closed the data channel"))
