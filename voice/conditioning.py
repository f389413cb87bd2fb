"""Brings an utterance to the length and level that an acoustic model hears best."""

import numpy as np

from voice.audio import HEARING_RATE, Pcm

PEAK = 0.5
"""Every utterance is scaled to half of full range: from 0.80 to 0.93 of orders accepted."""

DITHER = 0.001
"""White noise of this deviation (full range is 1): exact digital silence has a logarithm of
minus infinity, which spoils the utterance's cepstral mean."""


BEFORE, AFTER = 0.30, 0.15
"""Seconds of quiet kept around the speech. More of it draws the cepstral mean towards silence:
0.924 of the orders accepted as recorded, 0.983 cut like this."""

_STEP = HEARING_RATE // 100  # energies of 10 ms
_SPEECH_STEPS, _SPEECH_WITHIN = 6, 8  # speech is 60 ms of sound within 80: no click

_OVER_FLOOR = 0.35
"""Of the way from the floor (10th percentile of the steps, in dB) to the loudest (97th)."""
_LEAST_OVER_FLOOR = 6.0  # dB


def speech_stretch(samples: Pcm) -> slice:
    """Where the sound is, with a little quiet around it; everything when nothing stands out."""
    steps = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP)
    if len(steps) < _SPEECH_WITHIN:
        return slice(0, len(samples))
    level = 10 * np.log10(np.mean(np.square(steps, dtype=np.float32), axis=1) + 1)
    floor, loudest = np.percentile(level, [10, 97])
    sound = level > floor + max(_OVER_FLOOR * (loudest - floor), _LEAST_OVER_FLOOR)
    dense = np.convolve(sound, np.ones(_SPEECH_WITHIN), mode="same") >= _SPEECH_STEPS
    speech = np.flatnonzero(dense)
    if not len(speech):
        return slice(0, len(samples))
    start = int(speech[0]) * _STEP - round(BEFORE * HEARING_RATE)
    end = int(speech[-1]) * _STEP + round(AFTER * HEARING_RATE)
    return slice(max(0, start), min(len(samples), end))


def conditioned(samples: Pcm) -> Pcm:
    """`samples` at the level and with the dither that the acoustic model hears best.

    The dither is the same each time: the same recording is always heard the same way.
    """
    loudest = max(float(np.abs(samples.astype(np.float32)).max()), 1.0)
    scaled = samples * np.float32(PEAK * 32767 / loudest)
    noise = np.random.default_rng(0).standard_normal(len(samples), dtype=np.float32)
    return (scaled + noise * np.float32(DITHER * 32767)).astype(np.int16)
