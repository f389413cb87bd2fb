"""The ear plays audio as it arrives."""

import numpy as np
import pytest

from bench.ear import Ear

RATE = 24_000


def tone(seconds: float, level: int = 5_000):
    return np.full(int(seconds * RATE), level, np.int16)


def test_audio_that_comes_early_waits_for_the_audio_before_it():
    ear = Ear()
    ear.hear("a", tone(0.1), now=1.0)
    ear.hear("a", tone(0.1), now=1.01)
    assert ear.end == pytest.approx(1.2)
    assert ear.gaps == []


def test_audio_that_comes_late_leaves_a_gap():
    ear = Ear()
    ear.hear("a", tone(0.1), now=1.0)
    ear.hear("a", tone(0.1), now=1.15)
    assert [round(gap.seconds, 3) for gap in ear.gaps] == [0.05]
    assert ear.end == pytest.approx(1.25)


def test_the_pause_between_two_responses_is_no_gap():
    ear = Ear()
    ear.hear("a", tone(0.1), now=1.0)
    ear.hear("b", tone(0.1), now=5.0)
    assert ear.gaps == []


def test_the_first_audible_sample_is_found_behind_silence():
    ear = Ear()
    ear.hear("a", np.concatenate([tone(0.02, 0), tone(0.1)]), now=1.0)
    assert ear.first_audible(0.5) == pytest.approx(1.02)


def test_an_earlier_answer_is_not_taken_for_the_reply():
    ear = Ear()
    ear.hear("a", tone(0.1), now=1.0)
    assert ear.first_audible(1.1) is None
    ear.hear("b", tone(0.1), now=2.0)
    assert ear.first_audible(1.1) == pytest.approx(2.0)


def test_faint_noise_is_not_audible():
    ear = Ear()
    ear.hear("a", tone(0.1, 50), now=1.0)
    assert ear.first_audible(0.0) is None


def test_a_flush_drops_what_was_not_yet_played():
    ear = Ear()
    ear.hear("a", tone(1.0), now=1.0)
    ear.flush(1.25)
    assert ear.heard_seconds("a") == pytest.approx(0.25)
    assert ear.arrived_seconds("a") == pytest.approx(1.0)
    assert ear.last_audible("a") == pytest.approx(1.25, abs=1e-3)
    ear.hear("b", tone(0.1), now=1.3)
    assert ear.first_audible(1.26) == pytest.approx(1.3)


def test_what_was_played_lies_at_its_time():
    ear = Ear()
    ear.hear("a", tone(0.01), now=1.0)
    played = ear.played(0.99, 720)
    assert played[:240].max() == 0
    assert (played[240:480] == 5_000).all()
    assert played[480:].max() == 0


def test_old_sound_is_forgotten():
    ear = Ear(memory=1.0)
    ear.hear("a", tone(0.1), now=1.0)
    ear.hear("b", tone(0.1), now=5.0)
    assert ear.last_audible("a") is None
