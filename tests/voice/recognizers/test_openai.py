"""What is special to a remote recognizer: what is sent, and each way in which it can fail."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.support.recordings import speak
from tests.support.speech_api_server import SpeechApiServer, speech_api_server, unused_url
from voice.audio import HEARING_RATE
from voice.recognition import RecognizerError, Utterance
from voice.recognizers.openai import MAX_REPLY_BYTES, MAX_SECONDS, MAX_WAITING, OpenAIRecognizer
from voice.speech_api import RemoteEngine

SAID = "a large latte"
KEY = "sk-very-secret"


@pytest.fixture
async def server() -> AsyncIterator[SpeechApiServer]:
    async with speech_api_server(SAID) as running:
        yield running


@pytest.fixture
async def recognizer(server: SpeechApiServer) -> AsyncIterator[OpenAIRecognizer]:
    made = OpenAIRecognizer(RemoteEngine(server.url, "whisper-1", KEY), hints="Lighthouse Coffee")
    await made.start()
    yield made
    await made.aclose()


def utterance(prompt: str = "", language: str = "en") -> Utterance:
    return Utterance(speak(SAID), prompt=prompt, language=language)


async def test_the_server_gets_the_audio_the_language_the_hints_and_the_key(
    recognizer: OpenAIRecognizer, server: SpeechApiServer
) -> None:
    assert (await recognizer.recognize(utterance("oat milk", "en-GB"))).text == SAID
    [asked] = server.asked
    assert np.array_equal(asked.pop("samples"), speak(SAID))
    assert asked == {
        "rate": HEARING_RATE,
        "model": "whisper-1",
        "language": "en",
        "prompt": "Lighthouse Coffee oat milk",
        "response_format": "json",
    }
    assert server.keys == [f"Bearer {KEY}"]


async def test_silence_is_not_sent(recognizer: OpenAIRecognizer, server: SpeechApiServer) -> None:
    assert (await recognizer.recognize(Utterance(np.zeros(HEARING_RATE, np.int16)))).text == ""
    assert server.asked == []


@pytest.mark.parametrize("invented", ["Thanks for watching!", "la " * 20, "", "[Music]"])
async def test_what_nobody_said_is_not_heard(
    recognizer: OpenAIRecognizer, server: SpeechApiServer, invented: str
) -> None:
    server.transcript = invented
    heard = await recognizer.recognize(utterance())
    assert (heard.text, heard.confidence) == ("", 0.0)


async def test_one_failure_of_the_server_is_not_noticed(
    recognizer: OpenAIRecognizer, server: SpeechApiServer
) -> None:
    server.fails = deque([503])
    assert (await recognizer.recognize(utterance())).text == SAID
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([500, 502], "answered 502"),
        ([400], "answered 400: no: Bearer"),
        ([401], "look at OVERTURE_RECOGNIZER_KEY"),
        ([404], "OVERTURE_RECOGNIZER_MODEL"),
        ([429], "over its limit"),
        ([302], "points elsewhere"),
    ],
)
async def test_a_refusal_says_what_to_look_at_and_never_the_key(
    recognizer: OpenAIRecognizer, server: SpeechApiServer, statuses: list[int], said: str
) -> None:
    server.fails = deque(statuses)
    with pytest.raises(RecognizerError, match=said) as refused:
        await recognizer.recognize(utterance())
    assert KEY not in str(refused.value)
    assert len(server.asked) == len(statuses)
    assert (await recognizer.recognize(utterance())).text == SAID  # nothing is left broken


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>It works!</html>",
        b'{"text": 5}',
        b'{"txet": "a"}',
        b"[" * 100_000,
        b'"a large latte"',
        b'{"text": "' + b"a" * 30_000 + b'"}',
        b"\xff\xfe\x00",
    ],
)
async def test_garbage_is_told_with_what_to_look_at(
    recognizer: OpenAIRecognizer, server: SpeechApiServer, body: bytes
) -> None:
    server.body = body
    with pytest.raises(RecognizerError, match="no transcription; does OVERTURE_RECOGNIZER_URL"):
        await recognizer.recognize(utterance())


async def test_an_answer_too_long_is_not_read_to_its_end(
    recognizer: OpenAIRecognizer, server: SpeechApiServer
) -> None:
    server.body = b" " * (4 * MAX_REPLY_BYTES)
    with pytest.raises(RecognizerError, match=f"more than {MAX_REPLY_BYTES} bytes"):
        await recognizer.recognize(utterance())


async def test_a_server_that_does_not_answer_is_given_up(server: SpeechApiServer) -> None:
    server.stalls = True
    recognizer = OpenAIRecognizer(RemoteEngine(server.url, "whisper-1"), timeout=0.2)
    await recognizer.start()
    with pytest.raises(RecognizerError, match=r"0\.2 s"):
        await recognizer.recognize(utterance())
    await recognizer.aclose()


async def test_a_server_that_is_not_there_is_named() -> None:
    url = unused_url()
    recognizer = OpenAIRecognizer(RemoteEngine(url.replace("//", "//me:pass@"), "whisper-1"))
    await recognizer.start()
    with pytest.raises(RecognizerError, match="look at OVERTURE_RECOGNIZER_URL") as refused:
        await recognizer.recognize(utterance())
    assert url in str(refused.value)
    assert "pass@" not in str(refused.value)
    await recognizer.aclose()


async def test_more_requests_than_the_limit_are_refused(
    recognizer: OpenAIRecognizer, server: SpeechApiServer
) -> None:
    server.stalls = True
    waiting = [asyncio.ensure_future(recognizer.recognize(utterance())) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(RecognizerError, match="wait for openai whisper-1 already"):
        await recognizer.recognize(utterance())
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    server.stalls = False
    assert (await recognizer.recognize(utterance())).text == SAID


async def test_an_endless_utterance_is_refused(recognizer: OpenAIRecognizer) -> None:
    with pytest.raises(RecognizerError, match="sooner"):
        await recognizer.recognize(Utterance(np.ones((MAX_SECONDS + 1) * HEARING_RATE, np.int16)))


def test_the_key_is_no_part_of_what_is_shown() -> None:
    assert KEY not in repr(RemoteEngine("http://127.0.0.1/v1", "whisper-1", KEY))
