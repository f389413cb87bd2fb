"""Pages from other origins that may begin calls: their browsers ask us first (CORS)."""

import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/v1/realtime/"
"""What pages elsewhere may reach beside the WebSocket: `calls` and `client_secrets`."""

_HEADER_NAMES = re.compile(r"[A-Za-z0-9-]{1,64}( ?, ?[A-Za-z0-9-]{1,64}){0,31}")
MAX_AGE_S = 600
EXPOSED = "Location"
"""A call's id is in it, and a page sees no other header that it is not shown."""


class CrossOrigin:
    """ASGI middleware. is_listed: whether an origin may; no other gets any of these headers.

    No cookies are used, so credentials are not allowed; the key travels in `Authorization`.
    """

    def __init__(self, app: ASGIApp, is_listed: Callable[[str], bool]) -> None:
        self._app = app
        self._is_listed = is_listed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers preflights, and shows other answers to the page that asked."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin")
        if scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            await self._preflight(asked)(scope, receive, send)
            return

        async def send_shown(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if origin is not None and self._is_listed(origin):
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = EXPOSED
            await send(message)

        await self._app(scope, receive, send_shown)

    def _preflight(self, asked: Headers) -> Response:
        """Any header may be sent: stock clients add names of their own with each version."""
        origin = asked.get("origin", "")
        wanted = asked.get("access-control-request-headers", "")
        if not self._is_listed(origin):
            return Response("this origin is not allowed", 403, {"Vary": "Origin"})
        if wanted and not _HEADER_NAMES.fullmatch(wanted):
            return Response("these header names are not understood", 400, {"Vary": "Origin"})
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Max-Age": str(MAX_AGE_S),
            "Vary": "Origin, Access-Control-Request-Headers",
        }
        if wanted:
            headers["Access-Control-Allow-Headers"] = wanted
        return Response(status_code=204, headers=headers)
