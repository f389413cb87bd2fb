"""The short sound before a prompt that asks for one: two soft rising tones."""

from functools import cache

import numpy as np

from voice.audio import SPEAKING_RATE, Pcm

TONES_HZ = (660.0, 880.0)
TONE_S = 0.11
PAUSE_S = 0.12
"""Between it and the first word."""
LOUDNESS = 0.12
"""Of full scale; voices are at about 0.2."""


@cache
def earcon() -> Pcm:
    """24 kHz mono, a third of a second; ends in silence."""
    at = np.arange(int(TONE_S * SPEAKING_RATE)) / SPEAKING_RATE
    # A tone that swells for 10 ms and dies away: no click at either end.
    shape = np.minimum(at / 0.01, 1.0) * np.exp(-at / 0.05) * np.minimum((TONE_S - at) / 0.01, 1.0)
    tones = [np.sin(2 * np.pi * hz * at) * shape for hz in TONES_HZ]
    whole = np.concatenate([*tones, np.zeros(int(PAUSE_S * SPEAKING_RATE))])
    samples: Pcm = (whole * LOUDNESS * 32767).astype(np.int16)
    return samples
