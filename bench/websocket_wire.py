"""A WebSocket as a bench's wire: audio goes as base64 in events, both ways."""

from base64 import b64encode
from collections.abc import Callable

from bench.microphone import Microphone
from bench.text_socket import TextSocket
from bench.wire import Target
from voice.audio import Pcm, pcm_to_bytes

_APPEND = b'{"type":"input_audio_buffer.append","audio":"%s"}'


class WebSocketWire:
    """See `bench.wire.Wire`."""

    hidden_lateness = 0.0

    def __init__(self, socket: TextSocket) -> None:
        self._socket = socket

    @classmethod
    async def open(
        cls, target: Target, receive: Callable[[bytes], None], _: Callable[[Pcm], None]
    ) -> "WebSocketWire":
        """Connects; raises ConnectionFailedError."""
        url = f"ws{target.base.removeprefix('http')}/v1/realtime?{target.query}"
        return cls(await TextSocket.open(url, receive, target.headers))

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up."""
        return self._socket.is_open

    def send(self, message: bytes) -> None:
        """One text frame."""
        self._socket.send(message)

    def send_audio(self, microphone: Microphone, count: int) -> None:
        """An append event."""
        self._socket.send(_APPEND % b64encode(pcm_to_bytes(microphone.take(count))))

    async def aclose(self) -> None:
        """Says goodbye."""
        await self._socket.aclose()
