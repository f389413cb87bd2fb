"""Serving the application: uvicorn with our settings, and a clean stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from server.host import Limits
from server.websocket_protocol import RealtimeProtocol

GRACE = 5
"""Seconds that connections get to end when the server stops."""
BACKLOG = 128
"""Connections that the kernel holds until they are accepted."""


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own way raises them again when it is done, so that SIGTERM
    would kill the process before engines and stores are closed."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says so once clients can be served."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

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
    app: ASGIApp, limits: Limits, on_ready: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """A server for `app`; run it with `serve(sockets=[...])`, stop it by `should_exit = True`."""
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
            timeout_graceful_shutdown=GRACE,
        ),
        on_ready,
    )


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    limits: Limits,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves until SIGTERM or SIGINT, then ends every session and returns; a second one hurries.

    listening: from `bind`. on_ready: called once when the first client can be served.
    """
    server = make_server(app, limits, on_ready)
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
