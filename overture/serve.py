"""`overture serve`: the parts joined, the server started, and lines that say what was taken."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from live.config import SessionConfig
from live.events import LiveEvent
from live.parts import Parts
from live.session import LiveSession
from overture.agent_folder import Agent
from overture.compose import Assembly, assemble
from overture.errors import UserError
from overture.garbage import Garbage, leave_out_start_up
from overture.logs import set_up_logging
from overture.metering import Meters
from overture.outreach_metering import meter_outreach
from overture.settings import Settings
from overture.tracing import Tracing, tracing
from server.app import create_app
from server.host import AgentCard, Limits, OpenSession, ServerHost
from server.keys import KeyRing, KeysError
from server.run import bind
from server.run import serve as serve_app
from server.tls import TlsError, tls_context
from server.webrtc.ice_config import IceConfig

STOPPED_EARLY = 143
"""Exit code when SIGTERM came before the server was ready: 128 + SIGTERM, as a shell has it."""

STATIC = Path(__file__).resolve().parent.parent / "static"


def serve(settings: Settings, agent: Agent) -> int:
    """Runs until SIGTERM or Ctrl-C; the exit code. Raises UserError when it cannot start."""
    set_up_logging(level=settings.log_level, format=settings.log_format, words=settings.log_words)
    keys, tls = _keys(settings), _tls(settings)
    # First of all, because nothing takes long to say that the port is taken.
    listening = _listen(settings)
    with listening, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(settings, agent, listening, keys, tls))
        except asyncio.CancelledError:
            return STOPPED_EARLY
    return 0


async def _serve(
    settings: Settings,
    agent: Agent,
    listening: socket.socket,
    keys: KeyRing | None,
    tls: ssl.SSLContext | None,
) -> None:
    starting = asyncio.current_task()
    assert starting is not None
    # Until the server takes over the signals, SIGTERM must close what was opened so far.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, starting.cancel)
    async with (
        assemble(settings, agent, speaks_first=True) as assembly,
        tracing(settings.otlp_endpoint, agent.name) as traces,
    ):
        registry = CollectorRegistry()
        limits = Limits(
            max_sessions=settings.max_sessions,
            sessions_per_user=settings.sessions_per_user,
            sessions_per_address=settings.sessions_per_address,
        )
        host = ServerHost(
            agent=_card(agent),
            open_session=_opener(_metered(assembly, registry), traces),
            registry=registry,
            static_dir=STATIC,
            client_secrets=assembly.client_secrets,
            keys=keys,
            allowed_origins=frozenset(settings.allowed_origins),
            config=assembly.config,
            limits=limits,
            voices=assembly.parts.synthesizer.voices,
            engines={engine.port: engine.name for engine in assembly.engines},
            ice=IceConfig(settings.ice_servers, settings.udp_ports),
            log_words=settings.log_words,
            on_session_ended=Garbage().session_ended,
            operations=None if assembly.first is None else assembly.first.operations,
        )

        def ready() -> None:
            leave_out_start_up()
            print(start_up_lines(assembly, address(listening, tls=tls is not None)), flush=True)

        app = create_app(host)
        await serve_app(app, listening, limits, ready, tls=tls, proxies=settings.behind_proxy)


def _listen(settings: Settings) -> socket.socket:
    try:
        return bind(settings.host, settings.port)
    except OSError as error:
        raise UserError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            "choose another port with --port or OVERTURE_PORT, or stop what uses it"
        ) from None


def _keys(settings: Settings) -> KeyRing | None:
    try:
        return None if settings.keys_file is None else KeyRing(settings.keys_file)
    except KeysError as error:
        raise UserError(str(error)) from None


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return tls_context(settings.tls_cert, settings.tls_key)
    except TlsError as error:
        raise UserError(str(error)) from None


def address(listening: socket.socket, *, tls: bool = False) -> str:
    """Where a browser finds the server."""
    host, port = listening.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def start_up_lines(assembly: Assembly, url: str) -> str:
    """What runs, on which engines, and how to get better ones."""
    rows = [(engine.port, engine.name, engine.better) for engine in assembly.engines]
    memory, _, better = assembly.memory.partition(". ")
    rows.append(("sessions", memory, better))
    if assembly.first is not None:
        rows.append(("bus", assembly.first.bus.name, assembly.first.bus.trouble))
        live = sum(rule.status == "live" for rule in assembly.agent.rules)
        rows.append(("rules", f"{len(assembly.agent.rules)} in the folder, {live} live", ""))
    lines = [f"Overture: {assembly.agent.settings.name} is listening at {url}"]
    for port, name, hint in rows:
        lines.append(f"  {port:<12} {name}" + (f"   (better: {hint})" if hint else ""))
    lines += [f"  notice       {notice}" for notice in assembly.agent.notices]
    return "\n".join([*lines, "Ctrl-C stops it."])


def _card(agent: Agent) -> AgentCard:
    settings = agent.settings
    return AgentCard(agent.name, settings.name, settings.greeting, settings.examples)


def _metered(assembly: Assembly, registry: CollectorRegistry) -> Parts:
    meters = Meters(registry)
    meters.queues(assembly.queues)
    assembly.index.on_lookup = meters.lookups.observe
    if assembly.model_counts is not None:
        meters.model(assembly.parts.answerer.name, assembly.model_counts)
    if (first := assembly.first) is not None:
        meter_outreach(registry, first.scheduler, first.desk, first.bus)
    return meters.parts(assembly.parts)


def _opener(parts: Parts, traces: Tracing) -> OpenSession:
    def open_session(
        listener: Callable[[LiveEvent], None], *, session_id: str, user: str, config: SessionConfig
    ) -> LiveSession:
        listener = traces.listener(session_id, listener)
        return LiveSession(parts, listener, session_id=session_id, user=user, config=config)

    return open_session
