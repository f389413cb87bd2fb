"""`/v1/realtime/calls`: an offer in, an answer out, and the call runs until somebody hangs up."""

import asyncio
import importlib
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from server.bodies import read_body
from server.door import Caller
from server.host import ServerHost
from server.realtime import errors
from server.realtime.connection import Connection
from server.realtime.query import Query
from server.realtime.websocket_line import WebSocketLine
from server.refusals import RefusedError
from server.sessions import Live, Sessions
from server.webrtc.offer import MAX_BYTES, OfferError, parse_offer

if TYPE_CHECKING:
    from server.webrtc.peer import Peer

log = structlog.get_logger("overture.webrtc")

MAX_BODY = MAX_BYTES + 256 * 1024
"""Bytes of an offer with a session object beside it."""
PEER = "server.webrtc.peer"
"""Imported late: aiortc and what it needs take half a second, and not every server has calls."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One that runs. task: ends when nothing of it is left."""

    caller: Caller
    connection: Connection
    task: asyncio.Task[None]


class Calls:
    """The calls of this process."""

    def __init__(self, host: ServerHost, sessions: Sessions) -> None:
        self._host = host
        self._sessions = sessions
        self._calls: dict[str, Call] = {}
        self._loading: asyncio.Task[Any] | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def load(self) -> None:
        """Begins to import what calls need, so that the first need not wait for it."""
        self._loaded()

    async def aclose(self) -> None:
        """Ends every call; returns when they have ended."""
        if self._loading is not None:
            self._loading.cancel()
        calls = tuple(self._calls.values())
        for call in calls:
            call.connection.end(errors.GOING_AWAY, "the server is stopping")
        await asyncio.gather(*(call.task for call in calls), return_exceptions=True)

    async def create(self, request: Request, caller: Caller) -> Response:
        """`POST /v1/realtime/calls`; raises RefusedError."""
        sdp, settings = await _read(request)
        query = self._sessions.query(caller, request)
        query = replace(query, settings=_over(query.settings, settings))
        await asyncio.shield(self._loaded())
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._sessions.place(caller, query))
            peer, live = self._pick_up(request, sdp, caller, query)
            stack.callback(self._sessions.drop, live)
            stack.push_async_callback(peer.aclose)
            answer = await self._answer(peer)
            call_id = f"rtc_{secrets.token_hex(12)}"
            task = asyncio.create_task(self._run(call_id, peer, live, stack.pop_all()), name="call")
        self._calls[call_id] = Call(caller, live.connection, task)
        headers = {"Location": f"/v1/realtime/calls/{call_id}"}
        return Response(answer, 201, headers, media_type="application/sdp")

    async def hang_up(self, request: Request, caller: Caller) -> Response:
        """`POST /v1/realtime/calls/{call_id}/hangup`; raises RefusedError."""
        call = self._find(request.path_params["call_id"], caller)
        call.connection.end(errors.NORMAL, "hung up")
        return Response(status_code=200)

    async def join(self, websocket: WebSocket, caller: Caller) -> None:
        """`/v1/realtime?call_id=`, accepted: until one of both ends. Raises RefusedError."""
        call = self._find(websocket.query_params["call_id"], caller)
        await call.connection.join(WebSocketLine(websocket))

    def _find(self, call_id: str, caller: Caller) -> Call:
        call = self._calls.get(call_id)
        # Another key's call, or another person's, is as good as none.
        if (
            call is None
            or call.caller.key != caller.key
            or caller.user
            not in (
                None,
                call.caller.user,
            )
        ):
            raise RefusedError(404, "call_id_not_found", "no such call, or it has ended", "call_id")
        return call

    def _loaded(self) -> asyncio.Task[Any]:
        if self._loading is None:
            importing = asyncio.to_thread(importlib.import_module, PEER)
            self._loading = asyncio.create_task(importing, name="load-webrtc")
        return self._loading

    def _pick_up(
        self, request: Request, sdp: str, caller: Caller, query: Query
    ) -> "tuple[Peer, Live]":
        from server.webrtc.ice import local_addresses
        from server.webrtc.peer import Peer

        try:
            offer = parse_offer(sdp)
        except OfferError as error:
            raise RefusedError(400, "invalid_offer", f"the offer: {error}", "sdp") from None
        host = self._host
        peer = Peer(offer, host.ice, local_addresses(request.url.hostname or ""), host.limits)
        live = self._sessions.begin(peer.line, caller, query)
        peer.hear = live.connection.hear
        return peer, live

    async def _answer(self, peer: "Peer") -> str:
        from server.webrtc.ice import NoPortError

        try:
            return await peer.answer()
        except NoPortError as error:
            raise RefusedError(503, "no_udp_port", str(error)) from None

    async def _run(self, call_id: str, peer: "Peer", live: Live, stack: AsyncExitStack) -> None:
        """stack: the place that is given back in the end."""
        async with stack:
            media = asyncio.create_task(peer.run(), name="call-media")
            try:
                await live.connection.run()
            finally:
                media.cancel()
                await asyncio.gather(media, return_exceptions=True)
                self._calls.pop(call_id, None)


async def _read(request: Request) -> tuple[str, dict[str, Any]]:
    """The offer and the session object beside it; raises RefusedError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request, MAX_BODY)
    if kind == "application/sdp":
        return _text(body), {}
    if kind == "multipart/form-data":
        return await _read_form(request, body)
    raise RefusedError(
        415,
        "unsupported_media_type",
        "send the offer as application/sdp, or as multipart/form-data with sdp and session",
    )


async def _read_form(request: Request, body: bytes) -> tuple[str, dict[str, Any]]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, stream(), max_files=2, max_fields=4, max_part_size=MAX_BODY
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise RefusedError(400, "invalid_request", f"the form: {error}") from None
    parts: dict[str, bytes] = {}
    for name in ("sdp", "session"):
        value = form.get(name)
        if isinstance(value, UploadFile):
            parts[name] = await value.read()
        elif value is not None:
            parts[name] = value.encode()
    await form.close()
    if "sdp" not in parts:
        raise RefusedError(400, "missing_required_parameter", "the form has no sdp", "sdp")
    return _text(parts["sdp"]), _session(parts.get("session", b"{}"))


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise RefusedError(413, "request_too_large", f"the offer has over {MAX_BYTES} bytes", "sdp")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RefusedError(400, "invalid_offer", "the offer is not UTF-8", "sdp") from None


def _session(data: bytes) -> dict[str, Any]:
    try:
        session = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "invalid_json", f"session: {error}", "session") from None
    if not isinstance(session, dict):
        raise RefusedError(400, "invalid_type", "session should be a JSON object", "session")
    return session


def _over(settings: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A client secret's settings with the call's own over them."""
    merged = dict(settings)
    for name, value in patch.items():
        before = merged.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[name] = _over(before, value) if both and before is not None else value
    return merged
