"""Sounds of a café that are no words: coughs, a door, cups. Made up, so that none is recorded.

Each takes a seed: another seed is another cough. 24 kHz mono, shape (samples,), peak 0.5.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from voice.audio import SPEAKING_RATE, Pcm

Wave = npt.NDArray[np.float64]

PEAK = 0.5
"""Of full scale: as loud as the speech of the recordings at its loudest."""


def cough(seed: int) -> Pcm:
    """Two or three bursts through a vocal tract: a hard breathy onset, then a voiced tail.

    Silero takes eight of the first ten for speech somewhere, for 60 to 400 ms: as it does with
    people's coughs, and unlike bursts of noise without a voice, which it never takes for speech.
    """
    random = np.random.default_rng(seed)
    tract = np.array([700, 1250, 2600]) * random.uniform(0.85, 1.2)
    bursts = []
    for _ in range(int(random.integers(2, 4))):
        seconds = random.uniform(0.2, 0.34)
        breath = _noise(random, seconds) * _decay(seconds, 0.006, 0.06)
        pitch = random.uniform(130, 300) * np.linspace(1.15, 0.8, _count(seconds))
        voice = (np.cumsum(pitch) / SPEAKING_RATE % 1 * 2 - 1) * _decay(seconds, 0.04, 0.08)
        burst = _through(tract, breath / np.abs(breath).max() + voice)
        bursts += [burst / np.abs(burst).max(), _quiet(random.uniform(0.05, 0.15))]
    return _scaled(np.concatenate(bursts))


def throat_clearing(seed: int) -> Pcm:
    """A rough low hum of half a second, cut by noise."""
    random = np.random.default_rng(seed)
    seconds = random.uniform(0.35, 0.6)
    rough = np.sign(_sine(seconds, random.uniform(70, 110))) * (
        0.4 + np.abs(_noise(random, seconds))
    )
    return _scaled(_band(rough, 120, 1800) * _decay(seconds, 0.04, 0.25))


def door(seed: int) -> Pcm:
    """A slam: a damped thump, the latch's click, a rattle."""
    random = np.random.default_rng(seed)
    seconds = 0.7
    thump = _sine(seconds, random.uniform(55, 110)) * _decay(seconds, 0.004, 0.09)
    click = _band(_noise(random, seconds), 1500, 7000) * _decay(seconds, 0.001, 0.015)
    rattle = _band(_noise(random, seconds), 300, 2500) * _decay(seconds, 0.03, 0.12)
    return _scaled(thump + 0.5 * click / np.abs(click).max() + 0.15 * rattle)


def cups(seed: int) -> Pcm:
    """Crockery: a few short strikes with inharmonic ringing."""
    random = np.random.default_rng(seed)
    out = np.zeros(SPEAKING_RATE)
    for _ in range(int(random.integers(3, 6))):
        tones = sum(_sine(0.25, f) for f in random.uniform(1800, 6500, 4))
        strike = tones * _decay(0.25, 0.001, 0.04) * random.uniform(0.3, 1.0)
        at = int(random.uniform(0, 0.7) * SPEAKING_RATE)
        out[at : at + len(strike)] += strike
    return _scaled(out)


SOUNDS: Mapping[str, Callable[[int], Pcm]] = {
    "cough": cough,
    "throat": throat_clearing,
    "door": door,
    "cups": cups,
}


def _count(seconds: float) -> int:
    return int(seconds * SPEAKING_RATE)


def _noise(random: np.random.Generator, seconds: float) -> Wave:
    return random.standard_normal(_count(seconds))


def _sine(seconds: float, hertz: float) -> Wave:
    wave: Wave = np.sin(2 * np.pi * hertz * np.arange(_count(seconds)) / SPEAKING_RATE)
    return wave


def _quiet(seconds: float) -> Wave:
    return np.zeros(_count(seconds))


def _decay(seconds: float, attack: float, fall: float) -> Wave:
    """Rises over `attack` seconds, then falls by e every `fall` seconds."""
    time = np.arange(_count(seconds)) / SPEAKING_RATE
    envelope: Wave = np.minimum(time / attack, 1.0) * np.exp(-np.maximum(time - attack, 0.0) / fall)
    return envelope


def _band(wave: Wave, low: float, high: float) -> Wave:
    """Only the frequencies from `low` to `high` hertz."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / SPEAKING_RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return np.fft.irfft(spectrum, len(wave))


def _through(formants: Wave, wave: Wave) -> Wave:
    """The wave after a vocal tract with three resonances (hertz)."""
    hertz = np.fft.rfftfreq(len(wave), 1 / SPEAKING_RATE)
    widths, weights = (130, 150, 250), (1.0, 0.7, 0.4)
    gain = sum(
        weight / (1 + ((hertz - formant) / width) ** 2)
        for formant, width, weight in zip(formants, widths, weights, strict=True)
    )
    return np.fft.irfft(np.fft.rfft(wave) * gain, len(wave))


def _scaled(wave: Wave) -> Pcm:
    scaled: Pcm = (wave / np.abs(wave).max() * PEAK * 32767).astype(np.int16)
    return scaled
