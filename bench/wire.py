"""What a bench's client speaks over: events both ways, the microphone up, a track down perhaps."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from bench.microphone import Microphone
from voice.audio import Pcm


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client connects. base: `http://HOST:PORT`; query: without "?"; headers: its key's."""

    base: str
    query: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire(Protocol):
    """One client's connection, open.

    hidden_lateness: seconds of lateness that its listener does not notice; 0 if audio comes in
    events, and the client plays them by itself.
    """

    hidden_lateness: float

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up."""
        ...

    def send(self, message: bytes) -> None:
        """One client event; nothing happens once the server has hung up."""
        ...

    def send_audio(self, microphone: Microphone, count: int) -> None:
        """The next `count` samples of the microphone."""
        ...

    async def aclose(self) -> None:
        """Hangs up."""
        ...


OpenWire: TypeAlias = Callable[
    [Target, Callable[[bytes], None], Callable[[Pcm], None]], Awaitable[Wire]
]
"""Connects to a target; gives what is called with each event, and with 24 kHz audio of a track.
Raises ConnectionFailedError."""
