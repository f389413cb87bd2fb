"""Audio to and from the telephone's 8 kHz, sample by sample.

soxr, which does this for PCM, works in blocks: at these rates it would hold back 60 ms. A filter
of 4 ms in plain numpy holds back 2.
"""

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from voice.audio import Pcm

PASS_HZ, STOP_HZ = 3_300.0, 4_200.0
"""What the telephone carries, and what must not be left: 60 dB less."""
_KAISER_BETA = 5.65
"""Of the window that gives those 60 dB (Kaiser 1974)."""


class TelephoneBand:
    """One stream made `up` times denser and `down` times thinner. Keeps what the filter needs.

    rate: samples a second between the two steps, where the filter works.
    """

    def __init__(self, up: int, down: int, rate: int) -> None:
        self._up, self._down = up, down
        self._taps = _low_pass(rate) * up
        # What comes out is as late as the filter's middle: so much of the beginning is left out,
        # and as much comes with `rest`.
        self._late = len(self._taps) // 2
        self._before = np.zeros(len(self._taps) - 1 - self._late, np.float32)
        self._skip = 0

    def next(self, samples: Pcm) -> Pcm:
        """The next of them at the other rate."""
        dense = np.zeros(len(samples) * self._up, np.float32)
        dense[:: self._up] = samples
        joined = np.concatenate([self._before, dense])
        new = len(joined) - len(self._taps) + 1
        if new <= 0:
            self._before = joined
            return np.zeros(0, np.int16)
        self._before = joined[new:]
        windows = sliding_window_view(joined, len(self._taps))[self._skip :: self._down]
        self._skip = (self._skip - new) % self._down
        return np.clip(np.rint(windows @ self._taps), -32_768, 32_767).astype(np.int16)

    def rest(self) -> Pcm:
        """The last of them, once nothing more comes."""
        return self.next(np.zeros(self._late // self._up, np.int16))


def from_telephone() -> TelephoneBand:
    """8 kHz made 16 kHz, for the ears."""
    return TelephoneBand(up=2, down=1, rate=16_000)


def to_telephone() -> TelephoneBand:
    """24 kHz made 8 kHz, for the listener."""
    return TelephoneBand(up=1, down=3, rate=24_000)


def _low_pass(rate: int) -> npt.NDArray[np.float32]:
    """A windowed sinc with a middle tap."""
    width = 2 * np.pi * (STOP_HZ - PASS_HZ) / rate
    half = int(np.ceil((60 - 8) / (2.285 * width) / 2))
    at = np.arange(-half, half + 1)
    cutoff = (PASS_HZ + STOP_HZ) / rate
    taps = cutoff * np.sinc(cutoff * at) * np.kaiser(len(at), _KAISER_BETA)
    whole: npt.NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return whole
