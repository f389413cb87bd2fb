"""The client's audio: decoded strictly, resampled without seams."""

from base64 import b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.realtime.errors import ClientError
from server.realtime.microphone import Microphone
from voice.audio import HEARING_RATE, SPEAKING_RATE, pcm_to_bytes

TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(SPEAKING_RATE) / SPEAKING_RATE)).astype(np.int16)

DITHER = 2
"""soxr adds noise of this many steps when it rounds to 16 bits."""


def heard(frames: list[int]) -> np.ndarray:
    """The tone, cut into frames of these lengths."""
    microphone = Microphone()
    cuts = np.cumsum(frames)
    return np.concatenate([microphone.hear(part) for part in np.split(TONE, cuts)])


def test_a_tone_stays_a_tone() -> None:
    samples = heard([960] * 24).astype(float)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * HEARING_RATE / len(samples) == pytest.approx(440, abs=2)
    middle = samples[2000:10000]
    assert np.abs(middle).max() == pytest.approx(8000, rel=0.02)


def test_no_more_than_ten_milliseconds_are_held_back() -> None:
    assert len(heard([960] * 24)) >= HEARING_RATE - HEARING_RATE // 100


@given(st.lists(st.integers(1, 4000), max_size=20))
def test_how_the_audio_is_cut_makes_no_difference(frames: list[int]) -> None:
    whole, parts = heard([]), heard(frames)
    common = min(len(whole), len(parts))
    assert common > HEARING_RATE * 0.9
    assert np.abs(whole[:common].astype(int) - parts[:common]).max() <= 2 * DITHER


@pytest.mark.parametrize("audio", [None, 5, "!!!!", "AAA", b64encode(b"odd").decode(), "\u00e9AAA"])
def test_what_is_no_audio_is_refused(audio: object) -> None:
    with pytest.raises(ClientError) as error:
        Microphone().decode(audio)
    assert error.value.param == "audio"


def test_what_was_encoded_comes_out_again() -> None:
    encoded = b64encode(pcm_to_bytes(TONE)).decode()
    assert np.array_equal(Microphone().decode(encoded), TONE)
