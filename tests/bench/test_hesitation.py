"""Pauses put into recordings after words that dangle."""

from random import Random

import numpy as np
import pytest

from bench.hesitation import Silence, Word, choose, dangling_ends, hesitate

RATE = 24_000
ORDER = tuple(
    Word(text, i * 0.4, i * 0.4 + 0.35)
    for i, text in enumerate(["a", "large", "latte", "with", "milk"])
)


def speech(words=ORDER):
    random = np.random.default_rng(0)
    samples = random.normal(0, 5, 3 * RATE)
    for word in words:
        begin, end = int(word.start * RATE), int(word.end * RATE)
        samples[begin:end] += random.normal(0, 3_000, end - begin)
    return samples.astype(np.int16)


def test_only_words_that_something_must_follow_dangle():
    assert dangling_ends(ORDER) == [0, 1, 3]


def test_the_last_word_is_never_chosen():
    assert dangling_ends((Word("latte", 0, 1), Word("with", 1, 2))) == []
    assert choose((Word("latte", 0, 1),), Random(0)) is None


def test_rare_words_are_chosen_as_often_as_frequent_ones():
    words = (*(Word("a", i, i + 1) for i in range(9)), Word("with", 9, 10), Word("milk", 10, 11))
    chosen = [choose(words, Random(seed)) for seed in range(200)]
    assert 70 < chosen.count(9) < 130


@pytest.mark.parametrize("silence", Silence)
def test_a_pause_makes_the_recording_longer_and_moves_the_words_after_it(silence):
    samples = speech()
    longer, words = hesitate(samples, ORDER, 3, silence)
    assert len(longer) == len(samples) + int(0.6 * RATE)
    assert words[:4] == ORDER[:4]
    assert words[4].start == pytest.approx(ORDER[4].start + 0.6)
    pause = longer[int(1.65 * RATE) : int(2.1 * RATE)].astype(int)
    assert np.abs(pause).max() == 0 if silence is Silence.DIGITAL else 0 < np.abs(pause).max() < 50


def test_the_cut_falls_between_the_words_and_no_speech_is_lost():
    samples = speech()
    longer, _ = hesitate(samples, ORDER, 3, Silence.DIGITAL)
    before, after = (np.abs(s.astype(float)).sum() for s in (samples, longer))
    assert after == pytest.approx(before, rel=0.001)


def test_a_very_short_word_still_ends_after_it_began():
    words = (Word("with", 0.0, 0.5), Word("a", 0.5, 0.53), Word("lot", 0.53, 0.9))
    samples = speech(words)
    samples[int(0.46 * RATE) : int(0.49 * RATE)] = 0
    _, moved = hesitate(samples, words, 1, Silence.ROOM)
    assert all(word.start <= word.end for word in moved)
    assert moved[1].end <= moved[2].start
