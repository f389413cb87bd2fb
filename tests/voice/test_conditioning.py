"""Level, dither, and the quiet that is cut away."""

import numpy as np
import pytest

from voice.audio import HEARING_RATE, Pcm
from voice.conditioning import AFTER, BEFORE, conditioned, speech_stretch


def tone(seconds: float, level: float = 8000) -> Pcm:
    time = np.arange(round(seconds * HEARING_RATE)) / HEARING_RATE
    return (level * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


def quiet(seconds: float) -> Pcm:
    return np.zeros(round(seconds * HEARING_RATE), dtype=np.int16)


@pytest.mark.parametrize("level", [50, 3000, 32767])
def test_every_utterance_comes_to_half_of_full_range(level: float) -> None:
    loudest = np.abs(conditioned(tone(1, level)).astype(int)).max()
    assert loudest == pytest.approx(0.5 * 32767, rel=0.02)


def test_digital_silence_gets_a_little_noise() -> None:
    assert conditioned(quiet(1)).std() == pytest.approx(0.001 * 32767, rel=0.05)


def test_long_quiet_around_speech_is_cut() -> None:
    samples = np.concatenate([quiet(2), tone(1), quiet(2)])
    stretch = speech_stretch(samples)
    assert stretch.start / HEARING_RATE == pytest.approx(2 - BEFORE, abs=0.05)
    assert stretch.stop / HEARING_RATE == pytest.approx(3 + AFTER, abs=0.05)


def test_a_pause_inside_is_kept() -> None:
    samples = np.concatenate([tone(0.5), quiet(2), tone(0.5)])
    assert speech_stretch(samples) == slice(0, len(samples))


@pytest.mark.parametrize("samples", [quiet(0), quiet(0.001), quiet(0.05), quiet(2)])
def test_where_nothing_stands_out_everything_is_kept(samples: Pcm) -> None:
    assert speech_stretch(samples) == slice(0, len(samples))
