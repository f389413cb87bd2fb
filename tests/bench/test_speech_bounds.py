"""First and last speech sample of a recording."""

import numpy as np
import pytest

from bench.speech_bounds import NoSpeechError, speech_bounds

RATE = 16_000


def recording(speech: tuple[float, float], seconds: float = 3.0, noise: float = 10.0):
    random = np.random.default_rng(0)
    samples = random.normal(0, noise, int(seconds * RATE))
    begin, end = (int(at * RATE) for at in speech)
    samples[begin:end] += 6_000 * np.sin(np.arange(end - begin) / 20)
    return samples.astype(np.int16)


def activity(speech: tuple[float, float], seconds: float = 3.0):
    frames = np.arange(int(seconds * RATE) // 512) * 512 / RATE
    return ((frames >= speech[0]) & (frames < speech[1])).astype(np.float32)


def test_energy_dates_what_voice_activity_only_bounds():
    samples = recording((1.0, 2.0))
    bounds = speech_bounds(samples, activity((0.95, 2.1)))
    assert bounds.first == pytest.approx(1.0 * RATE, abs=160)
    assert bounds.last == pytest.approx(2.0 * RATE, abs=160)


def test_a_click_long_after_the_voice_is_not_speech():
    samples = recording((1.0, 2.0))
    samples[int(2.7 * RATE) : int(2.71 * RATE)] = 9_000
    bounds = speech_bounds(samples, activity((1.0, 2.05)))
    assert bounds.last == pytest.approx(2.0 * RATE, abs=160)


def test_a_recording_without_a_voice_says_so():
    with pytest.raises(NoSpeechError, match=r"no voice in 3\.00 s"):
        speech_bounds(recording((1.0, 2.0)), np.zeros(90, np.float32))
