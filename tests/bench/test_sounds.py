"""Noises that are no words."""

import numpy as np
import pytest
import soxr

from bench.sounds import PEAK, SOUNDS
from bench.speech_bounds import voice_activity


@pytest.mark.parametrize("kind", SOUNDS)
def test_each_noise_is_as_loud_as_speech(kind):
    assert np.abs(SOUNDS[kind](1).astype(int)).max() == pytest.approx(PEAK * 32_767, rel=0.01)


@pytest.mark.parametrize("kind", SOUNDS)
def test_another_seed_is_another_noise_and_the_same_seed_the_same(kind):
    once, again, other = SOUNDS[kind](1), SOUNDS[kind](1), SOUNDS[kind](2)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_most_coughs_pass_for_a_voice():
    scores = [
        voice_activity(soxr.resample(SOUNDS["cough"](seed), 24_000, 16_000)).max()
        for seed in range(10)
    ]
    assert sum(score > 0.5 for score in scores) >= 5
