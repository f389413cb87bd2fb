"""The two sample rates of the house, and PCM as numpy arrays."""

import ctypes
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

HEARING_RATE = 16_000
"""Samples per second of everything that listens: VAD, recognizers, echo."""

SPEAKING_RATE = 24_000
"""Samples per second of everything that is said, and of PCM on the Realtime wire."""

Pcm: TypeAlias = npt.NDArray[np.int16]
"""Mono 16-bit linear PCM, shape (samples,)."""


def pcm_from_bytes(data: bytes) -> Pcm:
    """Little-endian 16-bit PCM as an array; raises ValueError on half a sample."""
    if len(data) % 2:
        raise ValueError(f"{len(data)} bytes are not whole 16-bit samples; send an even number")
    return np.frombuffer(data, dtype="<i2")


def pcm_to_bytes(samples: Pcm) -> bytes:
    """Little-endian bytes of `samples`."""
    return samples.astype("<i2", copy=False).tobytes()


def pcm_at(pointer: Any, start: int, count: int) -> Pcm:
    """A copy of `count` samples from index `start` of a C array of shorts.

    numpy's own way makes a ctypes type for each length, and those are kept for good.
    """
    address = ctypes.addressof(pointer.contents) + 2 * start
    return np.frombuffer(ctypes.string_at(address, 2 * count), dtype=np.int16)
