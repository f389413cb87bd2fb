"""What one client's events travel on: a WebSocket, or a call's data channel."""

from typing import Protocol

from server.realtime.errors import Close
from voice.audio import Pcm


class LineGoneError(Exception):
    """The other end has left; nothing more comes or goes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.close = Close(code, reason)


class Speaker(Protocol):
    """Plays the agent's voice on a transport that carries sound beside the events.

    Nothing here blocks, and everything is called on the event loop.
    """

    def play(self, samples: Pcm) -> None:
        """Puts 24 kHz audio behind what waits; it comes in real time."""
        ...

    def hold(self) -> None:
        """Sends nothing more until `resume` or `clear`."""
        ...

    def resume(self) -> None:
        """Goes on with what waits."""
        ...

    def clear(self) -> None:
        """Forgets what waits, at once."""
        ...


class Line(Protocol):
    """A transport for events. speaker: where the voice goes; None: it travels in the events."""

    @property
    def speaker(self) -> Speaker | None:
        """Where the agent's voice goes."""
        ...

    async def send(self, message: str) -> None:
        """One server event; waits for the transport. Raises LineGoneError."""
        ...

    async def receive(self) -> str:
        """The next client event. Raises LineGoneError, or ClosingError for what no client may
        send."""
        ...

    async def close(self, close: Close) -> None:
        """Says goodbye if anybody is there to hear it; returns in bounded time, raises nothing."""
        ...
