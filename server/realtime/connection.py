"""A client and the live session behind it: what comes is carried out, what happens is told.

The transport is a `Line`; several may hang on one session, as a server can join a browser's call.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from live.events import AudioSent, LiveEvent, ResponseBegun
from live.prompts_port import Client
from live.session import SessionError
from server.host import ServerHost
from server.metrics import Metrics
from server.realtime import errors
from server.realtime.errors import ClientError, Close, ClosingError
from server.realtime.incoming import AFTER_AUDIO, APPEND, event_id_of, parse
from server.realtime.line import Line
from server.realtime.outgoing import Encoder
from server.realtime.output_buffer import CLEAR, OutputBuffer
from server.realtime.party import Party
from server.realtime.query import Query
from server.realtime.requests import Requests
from server.realtime.session_config import session_config, wire_session
from server.realtime.session_log import SessionLog
from server.realtime.telling import Teller
from server.realtime.wire_session import changed
from sessions.resuming import Return
from voice.audio import HEARING_RATE, Pcm

MAX_JOINED = 4
"""Lines that may join a call beside its own: each costs a copy of every event."""


class Connection:
    """Runs one client's session from `session.created` to the end. Two tasks a line, no more."""

    def __init__(self, line: Line, host: ServerHost, metrics: Metrics, query: Query) -> None:
        """Raises ClientError when the query's settings cannot be taken."""
        self._host = host
        self._metrics = metrics
        self._log = SessionLog(query.session, log_words=host.log_words)
        self._encoder = Encoder()
        session = changed(
            wire_session(query.session, query.model, host.config), dict(query.settings)
        )
        config = (
            session_config(session, host.config, host.voices) if query.settings else host.config
        )
        self._teller = Teller(self._encoder, session, extras=query.extras)
        self._client = Party(line, host.limits, extras=query.extras)
        self._joined: list[Party] = []
        self._ended = asyncio.Event()
        self._back = query.back
        self._extras = query.extras
        self._taken_up = asyncio.Event()
        self._let_go = asyncio.Event()
        self._output = OutputBuffer(line.speaker, self._encoder) if line.speaker else None
        self._live = host.open_session(
            self._on_live_event, session_id=query.session, user=query.user, config=config
        )
        self._live.prompts.client = Client(
            self.transport, query.time_zone, acknowledges=query.extras
        )
        self._requests = Requests(
            self._live,
            self._teller,
            self._encoder,
            host.config,
            host.voices,
            extras=query.extras,
        )

    @property
    def transport(self) -> str:
        """What the client came by: one of `server.metrics.TRANSPORTS`."""
        return "websocket" if self._output is None else "webrtc"

    @property
    def unread_bytes(self) -> int:
        """Of events that wait for somebody to read them."""
        return sum(party.unread_bytes for party in (self._client, *self._joined))

    def end(self, code: int, reason: str) -> None:
        """Has the connection closed; the first reason given counts."""
        self._client.end(Close(code, reason))

    async def run(self) -> None:
        """Until either side ends it; afterwards nothing of it is left."""
        close = Close(errors.INTERNAL, "the server failed; the log says why")
        self._log.began()
        try:
            self._send(self._client, self._created())
            close = await self._client.converse(self._hear_out(self._client), self._take_up)
        except Exception:
            self._log.failed()
        finally:
            for party in self._joined:
                party.end(close)
            await self._live.aclose()
            self.let_go()
            await self._client.line.close(close)
            self._ended.set()
            self._metrics.closed(close.code)
            self._log.ended(close)

    async def join(self, line: Line) -> None:
        """Lets another line take part until it leaves or the session ends."""
        party = Party(line, self._host.limits, extras=False)
        close = Close(errors.TRY_LATER, f"{MAX_JOINED} connections have joined this call already")
        if len(self._joined) < MAX_JOINED and not self._ended.is_set():
            self._joined.append(party)
            self._send(party, self._created())
            try:
                close = await party.converse(self._hear_out(party))
            except Exception:
                close = Close(errors.INTERNAL, "the server failed; the log says why")
                self._log.failed()
            finally:
                self._joined.remove(party)
        await line.close(close)

    def hear(self, samples: Pcm) -> None:
        """16 kHz audio of a media track. What comes too fast for the ears is lost, as on a line."""
        self._teller.heard_ms += len(samples) * 1000 / HEARING_RATE
        try:
            self._live.hear(samples)
        except SessionError as error:
            self._log.fault(ClientError(error.code, str(error)), None)

    async def leave_to(self, back: Return) -> bool:
        """Ends the connection for a client that comes back, and returns once another may go on
        with the session; this one may still say goodbye, perhaps to nobody.

        False, and it stays, if the session is not that client's.
        """
        await self._taken_up.wait()
        if not self._let_go.is_set():
            if not self._live.is_open_to(back):
                return False
            self.end(errors.POLICY, "the session goes on in another connection")
            await self._let_go.wait()
        return True

    def let_go(self) -> None:
        """The session is over and stored: another connection may go on with it."""
        self._let_go.set()
        self._taken_up.set()

    async def _take_up(self) -> None:
        """Begins the session, or goes on with it; raises ClosingError if it is another's."""
        try:
            await self._live.start(self._back)
        except SessionError as error:
            raise ClosingError(errors.POLICY, str(error)) from None
        self._taken_up.set()
        if self._extras:
            told = self._encoder.event(
                "overture.session",
                session_id=self._teller.session.id,
                resume_token=self._live.resume_token,
                resumed=self._live.resumed,
            )
            self._send(self._client, told)

    def _created(self) -> str:
        session = self._teller.session.model_dump()
        return self._encoder.event("session.created", session=session)

    def _hear_out(self, party: Party) -> Callable[[str], Awaitable[None]]:
        async def handle(data: str) -> None:
            await self._handle(data, party)

        return handle

    async def _handle(self, data: str, party: Party) -> None:
        """One message; what is wrong with it is answered and changes nothing."""
        self._metrics.received(len(data))
        event_id = None
        try:
            event = parse(data)
            event_id = event_id_of(event)
            if event["type"] == APPEND:
                self._append(event, party)
                return
            if event["type"] == CLEAR and self._output is not None:
                self._silence(self._output)
                return
            if event["type"] in AFTER_AUDIO:
                await self._live.heard_all()
            for reply in self._requests.carry_out(event):
                self._tell(reply)
        except ClientError as error:
            self._fault(error, event_id or error.event_id, party)

    def _append(self, event: dict[str, Any], party: Party) -> None:
        if self._output is not None:
            raise ClientError(
                "invalid_value", "a call's audio comes by its media track, not in events", "type"
            )
        samples = self._requests.decode(event)
        party.take_audio(len(samples) / self._requests.input_rate)
        self._requests.hear(samples)

    def _silence(self, output: OutputBuffer) -> None:
        """The agent is cut off: nothing more of it is sent, and what is being said is over."""
        with contextlib.suppress(SessionError):  # nothing was being said
            self._live.cancel()
        for message in output.clear():
            self._send(self._client, message)

    def _fault(self, error: ClientError, event_id: str | None, party: Party) -> None:
        self._metrics.error(error.code)
        self._log.fault(error, event_id)
        self._send(party, self._encoder.error(error, event_id))

    def _on_live_event(self, event: LiveEvent) -> None:
        self._metrics.live_event(event)
        self._log.live_event(event)
        if self._output is not None and isinstance(event, AudioSent):
            for message in self._output.play(event):
                self._send(self._client, message)
            return
        for message in self._teller.tell(event):
            self._tell(message)
        if isinstance(event, ResponseBegun):
            self._tell_limits()
        if self._output is not None:
            for message in self._output.follow(event):
                self._send(self._client, message)

    def _tell_limits(self) -> None:
        for party in (self._client, *self._joined):
            limits = party.rate_limits()
            self._send(party, self._encoder.event("rate_limits.updated", rate_limits=limits))

    def _tell(self, message: str) -> None:
        self._send(self._client, message)
        for party in self._joined:
            self._send(party, message)

    def _send(self, party: Party, message: str) -> None:
        if party.tell(message):
            self._metrics.sent(len(message))
