"""Coughs, slams and other talk come back without words; what was said comes back whole."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from bench.sounds import SOUNDS
from overture.agent_folder import load_agent
from overture.expected_speech import expected_speech
from tests.support.recordings import VOICES, speak
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm
from voice.recognition import RecognizedWord, Utterance
from voice.recognizers.noise_rejection import were_said
from voice.recognizers.pocketsphinx import PocketsphinxRecognizer

CAFE = Path(__file__).resolve().parents[3] / "agents" / "cafe"


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
async def recognizer(corpus_folder: Path) -> AsyncIterator[PocketsphinxRecognizer]:
    corpus = expected_speech(load_agent(CAFE))
    made = PocketsphinxRecognizer(corpus, workers=1, cache_dir=corpus_folder)
    await made.start()
    yield made
    await made.aclose()


def in_a_room(sound: Pcm) -> Pcm:
    """24 kHz sound as a microphone's 16 kHz, with a faint noise floor around it."""
    heard = soxr.resample(sound, SPEAKING_RATE, HEARING_RATE)
    around = np.concatenate([np.zeros(4800, np.int16), heard, np.zeros(2400, np.int16)])
    floor = np.random.default_rng(0).standard_normal(len(around)) * 30
    mixed: Pcm = (around + floor).astype(np.int16)
    return mixed


async def test_noises_have_no_words(recognizer: PocketsphinxRecognizer) -> None:
    words = {
        (kind, seed): (await recognizer.recognize(Utterance(in_a_room(sound(seed))))).text
        for kind, sound in SOUNDS.items()
        for seed in range(5)
    }
    assert {noise: text for noise, text in words.items() if text} == {}


@pytest.mark.parametrize(
    "said", ["yes please", "can I get a large latte", "when do you close on Sunday", "good morning"]
)
async def test_what_was_said_is_not_rejected(recognizer: PocketsphinxRecognizer, said: str) -> None:
    heard = [(await recognizer.recognize(Utterance(speak(said, v)))).text for v in VOICES]
    assert heard.count("") == 0


def words(*confidences: float, seconds: float = 0.4) -> list[RecognizedWord]:
    return [
        RecognizedWord("latte", at * seconds, (at + 1) * seconds, confidence)
        for at, confidence in enumerate(confidences)
    ]


def test_uncertain_words_were_not_said() -> None:
    assert were_said(words(0.9, 0.5, 0.7))
    assert not were_said(words(0.3, 0.2, 0.5))


def test_few_words_must_be_more_certain_than_many() -> None:
    assert were_said(words(0.55, 0.55, 0.55))
    assert not were_said(words(0.55))


@pytest.mark.parametrize("seconds", [0.1, 2.0])
def test_one_word_at_an_inhuman_pace_was_not_said(seconds: float) -> None:
    assert not were_said(words(0.95, seconds=seconds))


def test_no_words_were_not_said() -> None:
    assert not were_said([])
