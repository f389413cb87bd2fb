"""G.711, the telephone's two codes: 16-bit samples squeezed into a byte each, at 8 kHz.

Both codes write sign, segment and step of a magnitude whose segments double in width (ITU-T
G.711, tables 1 and 2). Every code and every sample is worked out once, here; then one look-up
in a table does for a whole frame.
"""

import numpy as np
import numpy.typing as npt

from voice.audio import Pcm

G711_RATE = 8_000
"""Samples per second."""

_Bytes = npt.NDArray[np.uint8]

_BIAS = 132
"""What µ-law adds to a magnitude, so that every segment begins at a power of two."""
_LOUDEST = 32_635
"""The largest magnitude that still fits with it."""
_EVEN_BITS = 0x55
"""A-law's even bits are sent inverted, so that silence is not a line of zeros."""

_ALL_SAMPLES = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
"""Every 16-bit sample, at the index that its bits are when read without a sign."""
_ALL_CODES = np.arange(256, dtype=np.int32)


def _segment(magnitude: npt.NDArray[np.int32], first: int) -> npt.NDArray[np.int32]:
    """Position of the highest bit, counted from bit `first`; 0 below it."""
    highest = np.log2(np.maximum(magnitude, 1)).astype(np.int32)
    return np.maximum(highest - first, 0)


def _ulaw_codes() -> _Bytes:
    magnitude = np.minimum(np.abs(_ALL_SAMPLES), _LOUDEST) + _BIAS
    segment = _segment(magnitude, 7)
    code = segment << 4 | (magnitude >> (segment + 3)) & 0x0F
    return (~(code | np.where(_ALL_SAMPLES < 0, 0x80, 0)) & 0xFF).astype(np.uint8)


def _ulaw_samples() -> Pcm:
    code = ~_ALL_CODES & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << (code >> 4 & 7)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_codes() -> _Bytes:
    magnitude = np.minimum(np.abs(_ALL_SAMPLES), 32_767) >> 3
    segment = _segment(magnitude, 4)
    code = segment << 4 | (magnitude >> np.maximum(segment, 1)) & 0x0F
    return ((code | np.where(_ALL_SAMPLES < 0, 0, 0x80)) ^ _EVEN_BITS).astype(np.uint8)


def _alaw_samples() -> Pcm:
    code = _ALL_CODES ^ _EVEN_BITS
    segment, step = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = np.where(segment == 0, step + 0x08, (step + 0x108) << (np.maximum(segment, 1) - 1))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_ULAW_CODES, _ULAW_SAMPLES = _ulaw_codes(), _ulaw_samples()
_ALAW_CODES, _ALAW_SAMPLES = _alaw_codes(), _alaw_samples()


def ulaw_from_pcm(samples: Pcm) -> bytes:
    """µ-law of samples; a byte each."""
    return _ULAW_CODES[samples.view(np.uint16)].tobytes()


def pcm_from_ulaw(data: bytes) -> Pcm:
    """Samples of µ-law."""
    return _ULAW_SAMPLES[np.frombuffer(data, np.uint8)]


def alaw_from_pcm(samples: Pcm) -> bytes:
    """A-law of samples; a byte each."""
    return _ALAW_CODES[samples.view(np.uint16)].tobytes()


def pcm_from_alaw(data: bytes) -> Pcm:
    """Samples of A-law."""
    return _ALAW_SAMPLES[np.frombuffer(data, np.uint8)]
