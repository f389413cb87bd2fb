"""Is what the microphone hears the agent's own voice coming back?

The echo path (loudspeaker, room, microphone) is close to a linear filter behind a delay. So the
delay is found by generalized cross-correlation (Knapp and Carter, 1976), the filter as a complex
gain at each frequency, by least squares over short windows; what it cannot explain of the latest
microphone audio is somebody else. So a person who speaks over the echo stays unexplained.
"""

from collections import deque
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm

_Signal: TypeAlias = npt.NDArray[np.float32]
_Spectra: TypeAlias = npt.NDArray[np.complex128]

LIKELY_ECHO = 0.75
"""At this likeness and above it is the agent. Measured with flite's slt as the agent: over 95 % of
its echo is above, through rooms of up to 0.5 s reverberation; of recorded people's speech over the
echo, over 95 % is below at 6 dB more than the echo and over 80 % at its level."""

_RATE = 8_000
"""Samples per second of the comparison: a voice's energy lies below 4 kHz, and it costs half."""

HEARD_S = 0.6
"""Microphone audio that the filter is fitted to; the caller gives as much as it has of that."""

_JUDGED_S = 0.256
"""The latest part of it, which the answer is about: eight frames of voice activity."""

MAX_DELAY_S = 0.5
_EARLY_S = 0.05
"""How much sooner than told the audio may have been played: clocks differ and jitter."""

_WINDOW, _HOP = 512, 128
"""64 ms and 16 ms: a window holds the room's early echoes, of which a small room's last 30 ms."""

_RIDGE = 1e-3
"""Of the played audio's mean energy, added to each frequency's: its spectrum has gaps."""

_WHITENING = 0.7
"""Exponent of the spectral weighting: 0 plain correlation, 1 PHAT, which noise disturbs."""

_CONTIGUOUS_S = 0.03
"""A chunk whose time is as near to the end of the one before follows it without a gap."""

_QUIET = 1e-8
"""Mean square (-80 dBFS) under which there is nothing to compare."""


class EchoDetector:
    """Remembers what was played of late; compares when asked.

    Times are seconds on any one clock of the caller's.
    """

    def __init__(self) -> None:
        self._played: deque[tuple[float, Pcm]] = deque()

    def played(self, samples: Pcm, at: float) -> None:
        """Speech handed out: 24 kHz PCM whose first sample is played at time `at`."""
        if self._played:
            start, before = self._played[-1]
            end = start + len(before) / SPEAKING_RATE
            at = end if abs(at - end) < _CONTIGUOUS_S else at
        self._played.append((at, samples))
        oldest = at - HEARD_S - MAX_DELAY_S - 1.0  # a second, for a microphone that lags
        while self._played[0][0] + len(self._played[0][1]) / SPEAKING_RATE < oldest:
            self._played.popleft()

    @property
    def kept_s(self) -> float:
        """Seconds of played audio remembered, a few at most."""
        return sum(len(samples) for _, samples in self._played) / SPEAKING_RATE

    def likeness(self, heard: Pcm, until: float) -> float:
        """How much of the latest quarter second is explained by what was played, 0 to 1.

        heard: the microphone's latest 16 kHz audio, HEARD_S of it or what there is.
        until: when its last sample was heard.
        """
        heard = heard[-round(HEARD_S * HEARING_RATE) :]
        reach = len(heard) / HEARING_RATE + MAX_DELAY_S
        source = self._between(until - reach, until + _EARLY_S)
        microphone = _at_common_rate(heard, HEARING_RATE)
        speaker = _at_common_rate(source, SPEAKING_RATE)
        judged = microphone[-round(_JUDGED_S * _RATE) :]
        if len(microphone) < _WINDOW or not _audible(judged) or not _audible(speaker):
            return 0.0
        aligned = speaker[_delay(microphone, speaker) :][: len(microphone)]
        return _explained(_frames(microphone), _frames(aligned))

    def _between(self, start: float, end: float) -> Pcm:
        """What was played from start to end; zeros where nothing was."""
        window = np.zeros(round((end - start) * SPEAKING_RATE), np.int16)
        for at, samples in self._played:
            first = round((at - start) * SPEAKING_RATE)
            begin, stop = max(first, 0), min(first + len(samples), len(window))
            if begin < stop:
                window[begin:stop] = samples[begin - first : stop - first]
        return window


def _at_common_rate(samples: Pcm, rate: int) -> _Signal:
    out: _Signal = soxr.resample(samples.astype(np.float32) / 32768, rate, _RATE, quality="LQ")
    return out


def _audible(signal: _Signal) -> bool:
    return len(signal) > 0 and float(signal @ signal) / len(signal) > _QUIET


def _delay(microphone: _Signal, speaker: _Signal) -> int:
    """Where in `speaker` the microphone's audio most likely begins."""
    lags = len(speaker) - len(microphone) + 1
    size = 1 << len(speaker).bit_length()
    cross = np.conj(np.fft.rfft(microphone, size)) * np.fft.rfft(speaker, size)
    cross /= np.abs(cross) ** _WHITENING + 1e-12
    return int(np.argmax(np.abs(np.fft.irfft(cross, size)[:lags])))


def _frames(signal: _Signal) -> _Spectra:
    """Spectra of overlapping windows, shape (windows, frequencies), the last at the end."""
    windows = np.lib.stride_tricks.sliding_window_view(signal[len(signal) % _HOP :], _WINDOW)
    spectra: _Spectra = np.fft.rfft(windows[::_HOP] * np.hanning(_WINDOW))
    return spectra


def _explained(microphone: _Spectra, speaker: _Spectra) -> float:
    """The part of the microphone's latest energy that one gain per frequency explains."""
    power = (np.abs(speaker) ** 2).sum(axis=0)
    gain = (microphone * np.conj(speaker)).sum(axis=0) / (power + _RIDGE * power.mean() + 1e-12)
    judged = slice(-round(_JUDGED_S * _RATE / _HOP), None)
    rest = microphone[judged] - gain * speaker[judged]
    energy = (np.abs(microphone[judged]) ** 2).sum()
    return float(np.clip(1 - (np.abs(rest) ** 2).sum() / energy, 0, 1))
