"""Everything reached over HTTP and WebSocket, as one ASGI application.

Starlette, not FastAPI: importing FastAPI costs 0.75 s of CPU more than Starlette does (0.94 to
0.19 s); the API's description is made from its table when it is asked for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from server.client_secrets import ClientSecrets
from server.cors import CrossOrigin
from server.door import Caller, Door, Right
from server.headers import SecurityHeaders
from server.host import ServerHost
from server.loop_lag import LoopLag
from server.metrics import Metrics
from server.minting import Minting
from server.operations.table import Table
from server.refusal_log import RefusalLog
from server.refusals import unrouted
from server.sessions import Sessions
from server.webrtc.calls import Calls


def create_app(host: ServerHost) -> Starlette:
    """The application; `app.state.sessions` are its live connections."""
    metrics = Metrics(host.registry)
    client_secrets = ClientSecrets(host.client_secrets, host.wall_clock)
    refusals = RefusalLog(metrics)
    door = Door(host, client_secrets, refusals)
    sessions = Sessions(host, metrics, door, refusals)
    calls = Calls(host, sessions)
    sessions.join = calls.join
    metrics.watch(sessions.count_by, sessions.unread_bytes)
    minting = Minting(host, client_secrets)
    table = None if host.operations is None else Table(host.operations, door.in_force)
    pages = _Pages(host, table)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        lag = LoopLag(metrics.loop_lag.observe)
        lag.start()
        watch = asyncio.create_task(sessions.watch_keys(), name="watch-keys")
        calls.load()
        try:
            yield
        finally:
            await calls.aclose()
            if table is not None:
                await table.aclose()
            lag.stop()
            watch.cancel()

    app = Starlette(
        routes=[
            Route("/", pages.index),
            Route("/healthz", pages.health),
            Route("/readyz", pages.readiness),
            Route("/metrics", door.guard(Right.OPERATE, pages.metrics)),
            Route("/v1/agent", pages.agent),
            WebSocketRoute("/v1/realtime", sessions.endpoint),
            Route(
                "/v1/realtime/client_secrets",
                door.guard(Right.MINT, minting.create),
                methods=["POST"],
            ),
            Route("/v1/realtime/calls", door.guard(Right.TALK, calls.create), methods=["POST"]),
            Route(
                "/v1/realtime/calls/{call_id}/hangup",
                door.guard(Right.TALK, calls.hang_up),
                methods=["POST"],
            ),
            Route("/console", pages.console),
            *(table.routes(door) if table is not None else ()),
            Mount("/static", StaticFiles(directory=host.static_dir)),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(CrossOrigin, door.is_listed)],
        exception_handlers={HTTPException: unrouted},
        lifespan=lifespan,
    )
    app.state.sessions = sessions
    return app


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


class _Pages:
    """The plain HTTP side."""

    def __init__(self, host: ServerHost, table: Table | None) -> None:
        self._host = host
        self._table = table

    async def index(self, _: Request) -> Response:
        """The talk page."""
        return FileResponse(self._host.static_dir / "index.html")

    async def console(self, _: Request) -> Response:
        """The operators' page; it asks for their key itself."""
        return FileResponse(self._host.static_dir / "console.html")

    async def health(self, _: Request) -> Response:
        """The process is alive and its event loop turns."""
        return _json({"status": "alive"})

    async def readiness(self, _: Request) -> Response:
        """Whether a session can begin now; degraded: what does not work all the same."""
        degraded = self._table.degraded() if self._table is not None else []
        reason = self._host.not_ready()
        if reason:
            return _json({"status": "not ready", "reason": reason, "degraded": degraded}, 503)
        return _json({"status": "ready", "degraded": degraded})

    async def metrics(self, _: Request, __: Caller) -> Response:
        """For Prometheus."""
        text = generate_latest(self._host.registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def agent(self, _: Request) -> Response:
        """Who is there to talk to."""
        agent = self._host.agent
        return _json(
            {
                "id": agent.id,
                "name": agent.name,
                "greeting": agent.greeting,
                "examples": agent.examples,
                "engines": dict(self._host.engines),
                "ice_servers": [{"urls": url} for url in self._host.ice.public_urls],
            }
        )
