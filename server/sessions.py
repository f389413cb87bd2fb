"""The live connections of this process: how many may be, and one a session."""

import asyncio

import structlog
from starlette.websockets import WebSocket

from server.host import ServerHost
from server.metrics import Metrics
from server.origins import is_allowed
from server.realtime import errors
from server.realtime.connection import Connection
from server.realtime.query import Query, QueryError, parse_query
from server.realtime.websocket_line import WebSocketLine

log = structlog.get_logger("overture.server")

SUBPROTOCOL = "realtime"
"""What browser clients of the protocol offer, beside one that carries a key."""


class Sessions:
    """Takes connections in, or says why not."""

    def __init__(self, host: ServerHost, metrics: Metrics) -> None:
        self._host = host
        self._metrics = metrics
        self._live: dict[str, tuple[Connection, asyncio.Event]] = {}

    def __len__(self) -> int:
        return len(self._live)

    async def endpoint(self, websocket: WebSocket) -> None:
        """`/v1/realtime`: runs one connection to its end."""
        headers = websocket.headers
        if not is_allowed(headers.get("origin"), headers.get("host"), self._host.allowed_origins):
            self._refused("origin", f"a page from {headers.get('origin', '')[:100]!r}")
            await websocket.close()  # before it was accepted: HTTP 403
            return
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            query = parse_query(websocket.query_params, self._host.agent.id)
        except QueryError as error:
            await self._turn_away(websocket, errors.POLICY, "query", str(error))
            return
        await self._take_over(query.session)
        full = len(self._live) >= self._host.limits.max_sessions
        reason = self._host.not_ready() or ("all places are taken" if full else "")
        if reason:
            await self._turn_away(websocket, errors.TRY_LATER, "full" if full else "ready", reason)
        else:
            await self._run(websocket, query)

    async def _run(self, websocket: WebSocket, query: Query) -> None:
        line = WebSocketLine(websocket)
        connection = Connection(line, self._host, self._metrics, query)
        gone = asyncio.Event()
        self._live[query.session] = (connection, gone)
        self._metrics.sessions_total.inc()
        self._metrics.sessions.set(len(self._live))
        try:
            await connection.run()
        finally:
            if self._live.get(query.session, (None,))[0] is connection:
                del self._live[query.session]
            self._metrics.sessions.set(len(self._live))
            gone.set()
            self._host.on_session_ended()

    async def _take_over(self, session: str) -> None:
        """A client that comes back need not wait until its old, perhaps dead connection is found
        out: that one ends, and its context is stored, before the new one begins."""
        while session in self._live:
            connection, gone = self._live[session]
            connection.end(errors.POLICY, "the session goes on in another connection")
            await gone.wait()

    async def _turn_away(self, websocket: WebSocket, code: int, why: str, reason: str) -> None:
        """By a close code: a browser does not show an HTTP status to its page."""
        self._refused(why, reason)
        await websocket.close(code, reason[:120])

    def _refused(self, why: str, reason: str) -> None:
        self._metrics.refused(why)
        log.warning("connection_refused", why=why, reason=reason)
