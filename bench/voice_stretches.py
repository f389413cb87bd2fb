"""When a voice sounds: stretches of a clip without a pause that a listener would notice."""

import numpy as np

from bench.speech_bounds import BELOW_LOUDEST, OVER_FLOOR
from voice.audio import SPEAKING_RATE, Pcm

STEP = SPEAKING_RATE // 100
"""Energy is measured over 10 ms."""
PAUSE = 0.3
"""Seconds; a shorter silence is a stop consonant or a breath, not a pause."""
SHORTEST = 0.06
"""Seconds; what is shorter is a click."""


def stretches(samples: Pcm) -> list[tuple[int, int]]:
    """First and last sample of each stretch of voice in 24 kHz PCM that holds one speaker."""
    steps = samples[: len(samples) // STEP * STEP].reshape(-1, STEP).astype(np.float32)
    if not len(steps):
        return []
    level = np.sqrt((steps**2).mean(axis=1))
    threshold = max(
        float(np.percentile(level, 99)) * BELOW_LOUDEST,
        float(np.percentile(level, 10)) * OVER_FLOOR,
    )
    found: list[tuple[int, int]] = []
    for step in np.flatnonzero(level > threshold):
        begin, end = int(step) * STEP, (int(step) + 1) * STEP - 1
        if found and begin - found[-1][1] <= PAUSE * SPEAKING_RATE:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return [each for each in found if each[1] - each[0] >= SHORTEST * SPEAKING_RATE]
