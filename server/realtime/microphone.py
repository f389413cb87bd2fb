"""The client's audio: base64 of the wire's formats in, 16 kHz PCM out. The hottest path in."""

import binascii

import soxr

from server.realtime.audio_formats import FORMATS
from server.realtime.errors import ClientError
from server.realtime.g711 import G711_RATE
from server.realtime.telephone_band import TelephoneBand, from_telephone
from voice.audio import HEARING_RATE, Pcm

QUALITY = "LQ"
"""soxr's filters cost 0.22 to 0.36 ms a second of audio, QQ to VHQ, so delay decides: LQ holds
back 6 ms, MQ 15, HQ 21. QQ holds back none, but lets 8-12 kHz fold onto the speech below."""


class Microphone:
    """One session's input. Keeps the filter's state between frames.

    received_ms: how much audio came so far, in whatever format.
    """

    def __init__(self) -> None:
        self._format = FORMATS["audio/pcm"]
        self._resampler: soxr.ResampleStream | None = None
        self._band: TelephoneBand | None = None
        self.received_ms = 0.0

    @property
    def rate(self) -> int:
        """Samples a second of what `decode` returns."""
        return self._format.rate

    def take_format(self, name: str) -> None:
        """What comes from now on is in this format, a name of the wire's."""
        if name != self._format.name:
            self._format = FORMATS[name]
            # A few ms that the old filter still holds are lost with it.
            self._resampler = None
            self._band = from_telephone() if self._format.rate == G711_RATE else None

    def decode(self, audio: object) -> Pcm:
        """PCM at `rate` out of an append event's `audio`; raises ClientError."""
        if not isinstance(audio, str):
            raise ClientError("invalid_type", "audio should be a string of base64", "audio")
        try:
            return self._format.decode(binascii.a2b_base64(audio, strict_mode=True))
        except ValueError as error:
            raise ClientError(
                "invalid_value",
                f"audio should be base64 of {self._format.description}, as the session's "
                f"audio.input.format says: {error}",
                "audio",
            ) from None

    def hear(self, samples: Pcm) -> Pcm:
        """The next samples at 16 kHz; what the filter holds back comes with later ones."""
        self.received_ms += len(samples) * 1000 / self._format.rate
        if self._band is not None:
            return self._band.next(samples)
        if self._resampler is None:
            # Not before it is needed: a session that only types needs no filter.
            self._resampler = soxr.ResampleStream(
                self._format.rate, HEARING_RATE, 1, dtype="int16", quality=QUALITY
            )
        resampled: Pcm = self._resampler.resample_chunk(samples)
        return resampled
