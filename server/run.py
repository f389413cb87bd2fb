"""Serving the application: uvicorn with our settings, and a clean stop."""

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from server.host import Limits
from server.http_protocol import BoundedHttp, bounded_http
from server.websocket_protocol import RealtimeProtocol

GRACE = 5
"""Seconds that connections get to end when the server stops."""
STARTUP_FAILURE = 3
"""uvicorn's exit code when the application does not start."""
BACKLOG = 128
"""Connections that the kernel holds until they are accepted."""


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own way raises them again when it is done, so that SIGTERM
    would kill the process before engines and stores are closed."""

    def __init__(
        self,
        config: uvicorn.Config,
        http: type[BoundedHttp],
        tls: ssl.SSLContext | None,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._http = http
        self._tls = tls
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, and says so once clients can be served. Instead of uvicorn's own, which gives a
        TLS handshake a minute."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._connection,
                sock=listening,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=self._http.limits.headers_s if self._tls else None,
            )
            for listening in sockets or ()
        ]
        self.started = True
        self._on_ready()

    def _connection(self) -> BoundedHttp:
        return self._http(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing; see `serve`."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError, "address in use" above all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def make_server(
    app: ASGIApp,
    limits: Limits,
    on_ready: Callable[[], None] = lambda: None,
    *,
    tls: ssl.SSLContext | None = None,
    proxies: Sequence[str] = (),
) -> uvicorn.Server:
    """A server for `app`; run it with `serve(sockets=[...])`, stop it by `should_exit = True`.

    tls: from `server.tls`. proxies: addresses or networks whose word on where a client comes from,
    and by which scheme, is believed (X-Forwarded-For, X-Forwarded-Proto).
    """
    return _Server(
        uvicorn.Config(
            app,
            loop="none",  # whoever runs us has chosen one already
            ws=RealtimeProtocol,
            ws_max_size=limits.frame_bytes,
            ws_ping_interval=limits.ping_s,
            ws_ping_timeout=limits.ping_s,
            # Base64 of audio hardly shrinks, and deflate would cost more CPU than all else here.
            ws_per_message_deflate=False,
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_graceful_shutdown=GRACE,
        ),
        bounded_http(limits),
        tls,
        on_ready,
    )


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    limits: Limits,
    on_ready: Callable[[], None] = lambda: None,
    *,
    tls: ssl.SSLContext | None = None,
    proxies: Sequence[str] = (),
) -> None:
    """Serves until SIGTERM or SIGINT, then ends every session and returns; a second one hurries.

    listening: from `bind`. on_ready: called once when the first client can be served. tls, proxies:
    see `make_server`.
    """
    server = make_server(app, limits, on_ready, tls=tls, proxies=proxies)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await server.serve(sockets=[listening])
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
