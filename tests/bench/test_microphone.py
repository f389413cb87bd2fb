"""What a client's microphone picks up."""

import numpy as np

from bench.microphone import ROOM_LEVEL, Microphone

CLIP = np.full(1_000, 9_000, np.int16)


def test_a_clip_begins_at_the_sample_that_is_told():
    microphone = Microphone()
    microphone.take(480)
    start = microphone.play(CLIP, delay=0.01)
    heard = np.concatenate([microphone.take(480) for _ in range(5)])
    assert start == 720
    loud = np.flatnonzero(heard == 9_000)
    assert (loud[0], loud[-1]) == (start - 480, start - 480 + 999)


def test_an_idle_room_is_faint_but_not_exact_silence():
    heard = np.concatenate([Microphone().take(480) for _ in range(5)])
    assert 0 < heard.std() < 2 * ROOM_LEVEL


def test_what_the_loudspeaker_leaks_is_added():
    microphone = Microphone()
    microphone.leak = lambda start, count: np.full(count, 100, np.int16)
    microphone.play(CLIP)
    assert microphone.take(480).min() == 9_100


def test_a_sum_too_loud_is_clipped_and_does_not_wrap():
    microphone = Microphone()
    microphone.leak = lambda start, count: np.full(count, 32_000, np.int16)
    microphone.play(CLIP)
    assert microphone.take(480).max() == 32_767
