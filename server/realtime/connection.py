"""One WebSocket and the live session behind it: reading, writing, limits, the end."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from live.events import LiveEvent
from server.host import ServerHost
from server.metrics import Metrics
from server.realtime import errors
from server.realtime.errors import ClientError, Close, ClosingError
from server.realtime.incoming import AFTER_AUDIO, APPEND, event_id_of, parse
from server.realtime.outbox import Outbox
from server.realtime.outgoing import Encoder
from server.realtime.query import Query
from server.realtime.rates import Allowance
from server.realtime.requests import Requests
from server.realtime.session_config import wire_session
from server.realtime.session_log import SessionLog
from server.realtime.telling import Teller
from voice.audio import SPEAKING_RATE

CLOSE_PATIENCE = 2.0
"""Seconds that a client which does not read gets to take the close frame; then it is cut off."""

ABORT = "overture.abort"
"""ASGI extension of `server.websocket_protocol`: ends the TCP connection without waiting."""


class Connection:
    """Runs one client's session from `session.created` to the end. Owns two tasks and no more."""

    def __init__(
        self, websocket: WebSocket, host: ServerHost, metrics: Metrics, query: Query
    ) -> None:
        loop = asyncio.get_running_loop()
        limits = host.limits
        self._websocket = websocket
        self._metrics = metrics
        self._clock: Callable[[], float] = loop.time
        self._log = SessionLog(query.session, log_words=host.log_words)
        self._encoder = Encoder()
        session = wire_session(query.session, query.model, host.config)
        self._teller = Teller(self._encoder, session, extras=query.extras)
        self._outbox = Outbox(websocket.send_text, limits.unread_bytes)
        self._live = host.open_session(
            self._on_live_event, session_id=query.session, user=query.user, config=host.config
        )
        self._requests = Requests(
            self._live,
            self._teller,
            self._encoder,
            host.config,
            host.voices,
            extras=query.extras,
        )
        self._messages = Allowance(
            limits.messages_per_second, 2.0 * limits.messages_per_second, loop.time()
        )
        self._audio = Allowance(limits.audio_speed, limits.audio_burst_s, loop.time())
        self._closing: asyncio.Future[Close] = loop.create_future()

    def end(self, code: int, reason: str) -> None:
        """Has the connection closed; the first reason given counts."""
        if not self._closing.done():
            self._closing.set_result(Close(code, reason))

    async def run(self) -> None:
        """Until either side ends it; afterwards nothing of it is left."""
        close = Close(errors.INTERNAL, "the server failed; the log says why")
        self._log.began()
        try:
            close = await self._converse()
        except Exception:
            self._log.failed()
        finally:
            await self._live.aclose()
            await self._close(close)
            self._metrics.closed(close.code)
            self._log.ended(close)

    async def _converse(self) -> Close:
        session = self._teller.session.model_dump()
        self._tell(self._encoder.event("session.created", session=session))
        tasks: list[asyncio.Future[None]] = [
            asyncio.create_task(self._outbox.run(), name="realtime-write"),
            asyncio.create_task(self._read(), name="realtime-read"),
        ]
        try:
            waited_for: set[asyncio.Future[Any]] = {*tasks, self._closing}
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        return self._why(results)

    def _why(self, results: Sequence[object]) -> Close:
        """Of everything that may have ended it, what tells most."""
        if self._closing.done():
            return self._closing.result()
        for result in results:
            if isinstance(result, ClosingError):
                return result.close
        for result in results:
            if isinstance(result, WebSocketDisconnect):
                return Close(result.code, result.reason or "the client left")
        for result in results:
            if isinstance(result, Exception):
                raise result
        return Close(errors.GOING_AWAY, "the server is stopping")

    async def _read(self) -> None:
        await self._live.start()
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
            data = message.get("text")
            if data is None:
                raise ClosingError(1003, "binary messages are not understood; send JSON as text")
            self._metrics.received(len(data))
            if not self._messages.take(1, self._clock()):
                raise ClosingError(errors.POLICY, "too many messages a second")
            await self._handle(data)

    async def _handle(self, data: str) -> None:
        """One message; what is wrong with it is answered and changes nothing."""
        event_id = None
        try:
            event = parse(data)
            event_id = event_id_of(event)
            if event["type"] == APPEND:
                self._append(event)
                return
            if event["type"] in AFTER_AUDIO:
                await self._live.heard_all()
            for reply in self._requests.carry_out(event):
                self._tell(reply)
        except ClientError as error:
            self._fault(error, event_id)

    def _append(self, event: dict[str, Any]) -> None:
        samples = self._requests.decode(event)
        if not self._audio.take(len(samples) / SPEAKING_RATE, self._clock()):
            raise ClosingError(errors.POLICY, "audio came ten times faster than real time")
        self._requests.hear(samples)

    def _fault(self, error: ClientError, event_id: str | None) -> None:
        self._metrics.error(error.code)
        self._log.fault(error, event_id)
        self._tell(self._encoder.error(error, event_id))

    def _on_live_event(self, event: LiveEvent) -> None:
        self._metrics.live_event(event)
        self._log.live_event(event)
        for message in self._teller.tell(event):
            self._tell(message)

    def _tell(self, message: str) -> None:
        if self._closing.done():
            return
        if self._outbox.put(message):
            self._metrics.sent(len(message))
        else:
            self.end(errors.TRY_LATER, "the client does not read what is sent to it")

    async def _close(self, close: Close) -> None:
        """Says goodbye if anybody is there to hear it, and cuts the line if they do not take it."""
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._websocket.close(close.code, close.reason)
        except (RuntimeError, WebSocketDisconnect):
            pass  # it was closed before
        except TimeoutError:
            abort = self._websocket.scope.get("extensions", {}).get(ABORT)
            if abort is not None:
                abort()
