"""What every recognizer does, whatever its engine."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.support.recordings import speak
from tests.support.small_whisper import SAID, make_small_whisper
from tests.support.speech_api_server import speech_api_server
from voice.audio import HEARING_RATE, Pcm
from voice.corpus import SpokenCorpus
from voice.recognition import Recognition, Recognizer, RecognizerError, Utterance
from voice.recognizers.faster_whisper import FasterWhisperRecognizer
from voice.recognizers.openai import OpenAIRecognizer
from voice.recognizers.pocketsphinx import PocketsphinxRecognizer
from voice.recognizers.scripted import ScriptedRecognizer
from voice.speech_api import RemoteEngine

EXPECTED = SpokenCorpus.from_texts(
    [
        (f"{opening} a {size} {drink}", 1.0)
        for opening in ("can I get", "I'd like", "")
        for size in ("large", "small", "medium")
        for drink in ("latte", "mocha", "cappuccino")
    ]
)
SCRIPT = json.dumps(
    [[word, 0.3 + 0.2 * at, 0.5 + 0.2 * at] for at, word in enumerate(SAID.split())]
)


TELL_TIMES = ("pocketsphinx", "scripted")
"""Recognizers that say when each word was said."""


async def made(name: str, folder: Path, stack: AsyncExitStack) -> Recognizer:
    match name:
        case "pocketsphinx":
            return PocketsphinxRecognizer(EXPECTED, workers=1, cache_dir=folder)
        case "faster-whisper":
            return FasterWhisperRecognizer(make_small_whisper(folder / "small"))
        case "openai":
            server = await stack.enter_async_context(speech_api_server(SAID))
            return OpenAIRecognizer(RemoteEngine(server.url, "whisper-1"))
        case _:
            return ScriptedRecognizer()


@pytest.fixture(params=[*TELL_TIMES, "faster-whisper", "openai"])
async def recognizer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Recognizer]:
    async with AsyncExitStack() as stack:
        recognizer = await made(request.param, tmp_path, stack)
        await recognizer.start()
        stack.push_async_callback(recognizer.aclose)
        yield recognizer


of_those_that_tell_times = pytest.mark.parametrize("recognizer", TELL_TIMES, indirect=True)


def utterance(samples: Pcm) -> Utterance:
    return Utterance(samples, prompt=SCRIPT)


async def test_the_words_that_were_said_are_heard(recognizer: Recognizer) -> None:
    heard = await recognizer.recognize(utterance(speak(SAID)))
    assert heard.text == SAID


@of_those_that_tell_times
async def test_the_text_is_its_words(recognizer: Recognizer) -> None:
    heard = await recognizer.recognize(utterance(speak(SAID)))
    assert " ".join(word.text for word in heard.words) == heard.text


@of_those_that_tell_times
async def test_words_follow_each_other_inside_the_utterance(recognizer: Recognizer) -> None:
    samples = speak(SAID)
    heard = await recognizer.recognize(utterance(samples))
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(samples) / HEARING_RATE


async def test_confidence_is_a_share(recognizer: Recognizer) -> None:
    heard = await recognizer.recognize(utterance(speak(SAID)))
    assert 0 < heard.confidence <= 1
    assert all(0 < word.confidence <= 1 for word in heard.words)


@pytest.mark.parametrize("length", [0, 1, 100])
async def test_an_utterance_of_almost_nothing_has_no_words(
    recognizer: Recognizer, length: int
) -> None:
    heard = await recognizer.recognize(Utterance(np.zeros(length, dtype=np.int16)))
    assert heard == Recognition(text="", confidence=0.0)


async def test_silence_has_no_words(recognizer: Recognizer) -> None:
    heard = await recognizer.recognize(Utterance(np.zeros(HEARING_RATE * 2, dtype=np.int16)))
    assert heard.text == ""


async def test_many_sessions_may_ask_at_once(recognizer: Recognizer) -> None:
    asked = [recognizer.recognize(utterance(speak(SAID))) for _ in range(8)]
    assert {heard.text for heard in await asyncio.gather(*asked)} == {SAID}


async def test_the_same_utterance_is_always_heard_the_same_way(recognizer: Recognizer) -> None:
    first = await recognizer.recognize(utterance(speak(SAID)))
    await recognizer.recognize(utterance(speak("I'd like a small mocha", "rms")))
    assert await recognizer.recognize(utterance(speak(SAID))) == first


async def test_work_that_was_given_up_does_not_disturb_the_next(recognizer: Recognizer) -> None:
    given_up = asyncio.ensure_future(recognizer.recognize(utterance(speak(SAID, "rms"))))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await recognizer.recognize(utterance(speak(SAID)))).text == SAID


async def test_a_closed_recognizer_says_so(recognizer: Recognizer) -> None:
    await recognizer.aclose()
    with pytest.raises(RecognizerError):
        await recognizer.recognize(utterance(speak(SAID)))


async def test_closing_twice_is_harmless(recognizer: Recognizer) -> None:
    await recognizer.aclose()
    await recognizer.aclose()
    with pytest.raises(RecognizerError):
        await recognizer.recognize(utterance(speak(SAID)))
