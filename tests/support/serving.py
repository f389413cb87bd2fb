"""The real server with the café's real parts, on a loopback port of its own thread."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from starlette.applications import Starlette

from live.session import LiveSession
from overture.agent_folder import load_agent
from overture.compose import Assembly, assemble
from overture.settings import Settings
from overture.speaking_first import SpeakingFirst
from server.app import create_app
from server.host import AgentCard, ServerHost
from server.run import bind, make_server

T = TypeVar("T")
CAFE = Path(__file__).parents[2] / "agents" / "cafe"
PATIENCE = 30.0
"""Seconds that anything may take on the slowest machine; when all is well nothing waits so long."""


STARTING = 100.0
"""Seconds for the parts: the recognizer builds its language model on whatever CPU is left."""


class Serving:
    """A server that runs. stop() ends it and returns when it has ended.

    requests: how many are being answered now.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        app: Starlette,
        port: int,
        stop: Callable[[], None],
        requests: Callable[[], int],
    ) -> None:
        self._loop = loop
        self.app = app
        self.port = port
        self.stop = stop
        self.requests = requests

    @property
    def http_url(self) -> str:
        """Without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Up to and with /v1."""
        return f"ws://127.0.0.1:{self.port}/v1"

    def on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs something on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result(PATIENCE)

    def tasks(self) -> set[str]:
        """Names of the tasks that run for connections and sessions."""

        async def names() -> set[str]:
            me = asyncio.current_task()
            return {task.get_name() for task in asyncio.all_tasks() if task is not me}

        return self.on_loop(names)

    def live_sessions(self) -> int:
        """How many clients are connected, as the server sees it."""
        return len(self.app.state.sessions)


class Stage:
    """A thread with an event loop on which the café's parts live; servers are put up on it.

    speaks_first: with the scheduler, the bus and delivery.
    """

    def __init__(self, settings: Settings, *, speaks_first: bool = False) -> None:
        self._settings = settings
        self._speaks_first = speaks_first
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._stack = contextlib.AsyncExitStack()
        self._assembly: Assembly | None = None

    def open(self) -> None:
        """Starts the parts."""
        self._thread.start()
        agent = load_agent(CAFE)
        assembling = assemble(self._settings, agent, speaks_first=self._speaks_first)
        self._assembly = self.run(self._stack.enter_async_context(assembling))

    @property
    def first(self) -> SpeakingFirst:
        """What speaking first is joined from."""
        assert self._assembly is not None
        assert self._assembly.first is not None
        return self._assembly.first

    @property
    def data_dir(self) -> Path:
        """Where they keep what outlives them."""
        return self._settings.data_dir

    def close(self) -> None:
        """Stops them."""
        self.run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs it on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STARTING)

    @property
    def host(self) -> ServerHost:
        """What the front door would hand to the server."""
        assert self._assembly is not None
        agent = self._assembly.agent
        return ServerHost(
            agent=AgentCard("cafe", agent.name, "Hello.", ("A large latte, please",)),
            open_session=partial(LiveSession, self._assembly.parts),
            static_dir=CAFE.parents[1] / "static",
            client_secrets=self._assembly.client_secrets,
            config=self._assembly.config,
            engines={engine.port: engine.name for engine in self._assembly.engines},
        )

    @contextlib.contextmanager
    def serving(
        self, *, tls: ssl.SSLContext | None = None, proxies: tuple[str, ...] = (), **changes: Any
    ) -> Iterator[Serving]:
        """A server with its own limits, whose host differs in `changes`."""
        host = replace(self.host, **changes)
        app = create_app(host)
        listening = bind("127.0.0.1", 0)
        port = listening.getsockname()[1]
        up = threading.Event()
        server = make_server(app, host.limits, up.set, tls=tls, proxies=proxies)
        done = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listening]), self._loop)
        assert up.wait(PATIENCE)

        def stop() -> None:
            server.should_exit = True
            done.result(PATIENCE)

        try:
            yield Serving(self._loop, app, port, stop, lambda: len(server.server_state.tasks))
        finally:
            stop()
