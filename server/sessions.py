"""The live sessions of this process: who may have one, how many there may be, and one connection
a session."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from server.credentials import REALTIME
from server.door import Caller, Door, Right
from server.host import ServerHost
from server.metrics import Metrics
from server.places import Places
from server.realtime import errors
from server.realtime.connection import Connection
from server.realtime.errors import ClientError
from server.realtime.line import Line
from server.realtime.query import Query, QueryError, parse_query
from server.realtime.websocket_line import WebSocketLine
from server.refusal_log import RefusalLog
from server.refusals import RefusedError, refuse_websocket

RECHECK_S = 2.0
"""How often keys that were withdrawn are looked for."""

Join: TypeAlias = Callable[[WebSocket, Caller], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Live:
    """A session that runs. gone: set when nothing of it is left."""

    session: str
    caller: Caller
    user: str
    connection: Connection
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """Takes sessions in, on whatever line they come, or says why not."""

    def __init__(
        self, host: ServerHost, metrics: Metrics, door: Door, refusals: RefusalLog
    ) -> None:
        self._host = host
        self._refusals = refusals
        self._metrics = metrics
        self._door = door
        self._places = Places(host.limits)
        self._live: dict[str, Live] = {}
        self.join: Join | None = None
        """How `?call_id=` takes part in a call; None where there are none."""

    def __len__(self) -> int:
        return len(self._live)

    def all(self) -> tuple[Live, ...]:
        """Those that run now."""
        return tuple(self._live.values())

    def count_by(self, transport: str) -> int:
        """How many came by it."""
        return sum(live.connection.transport == transport for live in self.all())

    def unread_bytes(self) -> int:
        """Of events that wait for their clients to read them."""
        return sum(live.connection.unread_bytes for live in self.all())

    async def endpoint(self, websocket: WebSocket) -> None:
        """`/v1/realtime`: runs one WebSocket to its end."""
        try:
            caller = await self._door.admit(websocket, Right.TALK)
        except RefusedError as refused:
            self._refusals.note(refused, websocket)
            await refuse_websocket(websocket, refused)
            return
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(REALTIME if REALTIME in offered else None)
        try:
            if self.join is not None and "call_id" in websocket.query_params:
                await self.join(websocket, caller)
                return
            query = self.query(caller, websocket)
            async with self.place(caller, query):
                await self.run(WebSocketLine(websocket), caller, query)
        except RefusedError as refused:
            self._refusals.note(refused, websocket)
            await websocket.close(refused.close_code, str(refused)[:120])

    def query(self, caller: Caller, connection: HTTPConnection) -> Query:
        """What a caller asks for, as far as their key lets them; raises RefusedError."""
        try:
            return parse_query(
                connection.query_params,
                self._host.agent.id,
                user=caller.user,
                settings=caller.session,
                keyed=bool(caller.key),
            )
        except QueryError as error:
            raise RefusedError(400, "invalid_value", str(error)) from None

    @asynccontextmanager
    async def place(self, caller: Caller, query: Query) -> AsyncIterator[None]:
        """Room for a session; raises RefusedError when there is none."""
        if reason := self._host.not_ready():
            raise RefusedError(503, "not_ready", reason)
        await self._take_over(query)
        with self._places.taken_by(caller):
            yield

    async def run(self, line: Line, caller: Caller, query: Query) -> None:
        """Runs a session to its end, on a place that was taken; raises RefusedError."""
        live = self.begin(line, caller, query)
        try:
            await live.connection.run()
        finally:
            self.drop(live)

    def begin(self, line: Line, caller: Caller, query: Query) -> Live:
        """A session for whoever runs its connection and drops it then; raises RefusedError."""
        try:
            connection = Connection(line, self._host, self._metrics, query)
        except ClientError as error:
            # A client secret's settings are checked when it is made, perhaps by another version.
            raise RefusedError(400, error.code, str(error), error.param) from None
        if (other := self._live.get(query.session)) is not None:
            # Two came back at once, and both found nobody to take over from.
            other.connection.end(errors.POLICY, "the session goes on in another connection")
        live = Live(query.session, caller, query.user, connection)
        self._live[query.session] = live
        self._metrics.sessions_total.inc()
        self._metrics.sessions.set(len(self._live))
        return live

    def drop(self, live: Live) -> None:
        """Nothing of it runs any more."""
        if self._live.get(live.session) is live:
            del self._live[live.session]
        self._metrics.sessions.set(len(self._live))
        live.connection.let_go()
        live.gone.set()
        self._host.on_session_ended()

    async def watch_keys(self) -> None:
        """For as long as the server runs: ends the sessions of keys that were withdrawn."""
        while True:
            await asyncio.sleep(RECHECK_S)
            for live in self.all():
                if not self._door.in_force(live.caller):
                    live.connection.end(errors.POLICY, "the key was withdrawn")

    async def _take_over(self, query: Query) -> None:
        """A client that comes back need not wait until its old, perhaps dead connection is found
        out: that one ends, and its context is stored, before the new one begins."""
        while (live := self._live.get(query.session)) is not None:
            if not await live.connection.leave_to(query.back):
                raise RefusedError(403, "wrong_user", "?session= is another user's", "session")
            if self._live.get(query.session) is live:
                del self._live[query.session]
