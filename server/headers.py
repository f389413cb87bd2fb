"""Headers that tell a browser what our pages may do, on every answer."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.origins import LOOPBACK_NAMES

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

STRICT = "max-age=31536000"
"""For a year browsers come by TLS only. Not for subdomains, which may be somebody else's, and not
for localhost, whose every port would have to speak TLS."""

REVALIDATE = "no-cache"
"""Files are asked for again each time and answered with 304: no build step gives them new names
when they change, and a page half old and half new does not work."""


class SecurityHeaders:
    """ASGI middleware for HTTP answers; WebSockets pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers when the answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", REVALIDATE)
                if scope["scheme"] == "https" and not _is_loopback(scope):
                    headers["Strict-Transport-Security"] = STRICT
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_loopback(scope: Scope) -> bool:
    host = Headers(scope=scope).get("host", "")
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK_NAMES
    except ValueError:
        return False  # no host at all, such as "["
