"""The client's audio: base64 of 24 kHz PCM in, 16 kHz PCM out. The hottest path in."""

import binascii

import soxr

from server.realtime.errors import ClientError
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm, pcm_from_bytes

QUALITY = "LQ"
"""soxr's filters cost 0.22 to 0.36 ms a second of audio, QQ to VHQ, so delay decides: LQ holds
back 6 ms, MQ 15, HQ 21. QQ holds back none, but lets 8-12 kHz fold onto the speech below."""


class Microphone:
    """One session's input. Keeps the filter's state between frames."""

    def __init__(self) -> None:
        self._resampler: soxr.ResampleStream | None = None
        self.received_ms = 0.0

    def decode(self, audio: object) -> Pcm:
        """24 kHz PCM out of an append event's `audio`; raises ClientError."""
        if not isinstance(audio, str):
            raise ClientError("invalid_type", "audio should be a string of base64", "audio")
        try:
            return pcm_from_bytes(binascii.a2b_base64(audio, strict_mode=True))
        except ValueError as error:
            raise ClientError(
                "invalid_value",
                f"audio should be base64 of 16-bit little-endian mono PCM at 24 kHz: {error}",
                "audio",
            ) from None

    def hear(self, samples: Pcm) -> Pcm:
        """The next 24 kHz samples at 16 kHz; what the filter holds back comes with later ones."""
        if self._resampler is None:
            # Not before it is needed: a session that only types needs no filter.
            self._resampler = soxr.ResampleStream(
                SPEAKING_RATE, HEARING_RATE, 1, dtype="int16", quality=QUALITY
            )
        self.received_ms += len(samples) * 1000 / SPEAKING_RATE
        resampled: Pcm = self._resampler.resample_chunk(samples)
        return resampled
