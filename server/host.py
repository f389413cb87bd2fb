"""What the server is joined to: handed in by the front door, never imported from it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from live.config import SessionConfig
from live.events import LiveEvent
from live.session import LiveSession
from server.keys import KeyRing
from server.operations.services import Operations
from server.webrtc.ice_config import IceConfig
from sessions.client_secrets import SecretStore


class OpenSession(Protocol):
    """Makes a live session; called on the event loop. The caller starts and closes it."""

    def __call__(
        self,
        listener: Callable[[LiveEvent], None],
        *,
        session_id: str,
        user: str,
        config: SessionConfig,
    ) -> LiveSession:
        """The session, not yet started."""
        ...


@dataclass(frozen=True, slots=True)
class AgentCard:
    """What the talk page shows. id: the model's name on the wire; examples: things to say."""

    id: str
    name: str
    greeting: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client, and all of them together, may ask for.

    frame_bytes: one message; ten seconds of audio in base64 are 640 kB.
    messages_per_second: on average, with twice that at once; 10 ms frames of audio are 100.
    audio_speed: times real time, on average, with `audio_burst_s` seconds at once: a client that
        sends a whole recording in one go is no attack.
    unread_bytes: server events waiting for a client that does not read; 8 s of the agent's voice.
    ping_s: how often a client is asked whether it is there, and how long it may take to answer.
    connect_s: how long a call may take from our answer to media, and from there to its events.
    sessions_per_user, sessions_per_address: of callers whose key is one person's.
    headers_s: for a TLS handshake, and for a request's headers. request_s: for all of an HTTP
        request, its answer read to the end. half_open: connections that have not sent their headers
        yet; of more, the oldest is cut off, as whoever means it has sent them within a round trip.
    """

    max_sessions: int = 100
    sessions_per_user: int = 10
    sessions_per_address: int = 20
    frame_bytes: int = 1024 * 1024
    messages_per_second: int = 250
    audio_speed: float = 10.0
    audio_burst_s: float = 30.0
    unread_bytes: int = 512 * 1024
    ping_s: float = 20.0
    connect_s: float = 15.0
    headers_s: float = 10.0
    request_s: float = 60.0
    half_open: int = 256


@dataclass(frozen=True, slots=True)
class ServerHost:
    """Everything the server needs from outside.

    config: what a session has before its client says anything.
    voices: names that the synthesizer knows; others are accepted and get the agent's own voice.
    not_ready: why no session can be taken now, "" when one can.
    engines: port ("recognizer") to the engine taken, for the page.
    client_secrets: where the secrets of browsers are kept.
    keys: who may reach us; None for everyone, on a server that only this machine can reach.
    allowed_origins: web origins besides the server's own on loopback, "https://talk.example.org".
    ice: how the media of calls finds its way.
    wall_clock: seconds since the epoch, for what expires.
    log_words: whether what people and the agent say may be logged.
    on_session_ended: called when a connection's session is over and nothing of it runs any more.
    """

    agent: AgentCard
    open_session: OpenSession
    static_dir: Path
    client_secrets: SecretStore
    keys: KeyRing | None = None
    config: SessionConfig = field(default_factory=SessionConfig)
    voices: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    not_ready: Callable[[], str] = lambda: ""
    engines: Mapping[str, str] = field(default_factory=dict)
    allowed_origins: frozenset[str] = frozenset()
    ice: IceConfig = field(default_factory=IceConfig)
    wall_clock: Callable[[], float] = time.time
    log_words: bool = False
    on_session_ended: Callable[[], None] = lambda: None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    operations: Operations | None = None
