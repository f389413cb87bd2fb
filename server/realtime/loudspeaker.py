"""The agent's audio of one response: 24 kHz PCM in, bytes in the wire's format out."""

from server.realtime.audio_formats import AudioFormat
from server.realtime.g711 import G711_RATE
from server.realtime.telephone_band import TelephoneBand, to_telephone
from voice.audio import SPEAKING_RATE, Pcm


class Loudspeaker:
    """One response's. Never gives more ms than it got: a client may truncate at what it got."""

    def __init__(self, format: AudioFormat) -> None:
        self._format = format
        self._band: TelephoneBand | None = to_telephone() if format.rate == G711_RATE else None
        self._came = 0
        self._left = 0

    def encode(self, samples: Pcm) -> bytes:
        """The next audio, b"" while the filter fills; the last of it comes with `rest`."""
        if self._band is None:
            return self._format.encode(samples)
        self._came += len(samples)
        return self._encode(self._band.next(samples))

    def rest(self) -> bytes:
        """What was held back, once nothing more comes; b"" if nothing was."""
        if self._band is None or not self._came:
            return b""
        return self._encode(self._band.rest())

    def _encode(self, samples: Pcm) -> bytes:
        whole = self._came * self._format.rate // SPEAKING_RATE
        samples = samples[: whole - self._left]
        self._left += len(samples)
        return self._format.encode(samples)
