"""The agent's audio of one response: 24 kHz PCM in, bytes in the wire's format out."""

import numpy as np
import soxr

from server.realtime.audio_formats import AudioFormat
from voice.audio import SPEAKING_RATE, Pcm

QUALITY = "MQ"
"""soxr's. The telephone's band ends at 4 kHz, and what lies above must not fold onto it; LQ lets
some through. It holds back some ms of audio, which the listener's own buffer hides."""


class Loudspeaker:
    """One response's. Never gives more ms than it got: a client may truncate at what it got."""

    def __init__(self, format: AudioFormat) -> None:
        self._format = format
        self._resampler: soxr.ResampleStream | None = None
        self._came = 0
        self._left = 0

    def encode(self, samples: Pcm) -> bytes:
        """The next audio, b"" while the filter fills; what it holds back comes later."""
        if self._format.rate == SPEAKING_RATE:
            return self._format.encode(samples)
        return self._format.encode(self._resampled(samples, last=False))

    def rest(self) -> bytes:
        """What was held back, once nothing more comes; b"" if nothing was."""
        if self._resampler is None:
            return b""
        return self._format.encode(self._resampled(np.zeros(0, np.int16), last=True))

    def _resampled(self, samples: Pcm, *, last: bool) -> Pcm:
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                SPEAKING_RATE, self._format.rate, 1, dtype="int16", quality=QUALITY
            )
        self._came += len(samples)
        whole = self._came * self._format.rate // SPEAKING_RATE
        resampled: Pcm = self._resampler.resample_chunk(samples, last=last)
        resampled = resampled[: whole - self._left]
        self._left += len(resampled)
        return resampled
