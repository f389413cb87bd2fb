"""What is special to a remote synthesizer: what is sent, and each way in which it can fail."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from tests.support.speech_api_server import (
    SECONDS_A_LETTER,
    SpeechApiServer,
    speech_api_server,
    spoken,
    unused_url,
)
from voice.audio import SPEAKING_RATE, pcm_to_bytes
from voice.speech_api import RemoteEngine
from voice.synthesis import Mark, SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.openai import MAX_CHARACTERS, OpenAISynthesizer

KEY = "sk-very-secret"
TEXT = "We close at 7:30 pm on Sunday, and on Monday we open again at nine."
PATIENCE = 30.0


@pytest.fixture
async def server() -> AsyncIterator[SpeechApiServer]:
    async with speech_api_server() as running:
        yield running


@pytest.fixture
async def synthesizer(server: SpeechApiServer) -> AsyncIterator[OpenAISynthesizer]:
    made = OpenAISynthesizer(RemoteEngine(server.url, "tts-1", KEY), voice="coral")
    await made.start()
    yield made
    await made.aclose()


async def said(
    engine: OpenAISynthesizer, text: str = TEXT, voice: Voice | None = None
) -> list[SpeechChunk]:
    return [chunk async for chunk in engine.synthesize(text, voice or Voice())]


async def rest_of(chunks: AsyncIterator[SpeechChunk]) -> list[SpeechChunk]:
    return [chunk async for chunk in chunks]


def marks_of(chunks: list[SpeechChunk]) -> list[Mark]:
    return [mark for chunk in chunks for mark in chunk.marks]


async def test_the_server_gets_the_text_as_it_is_the_voice_and_the_key(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    await said(synthesizer)
    await said(synthesizer, "Hi.", Voice("alloy", 9.0))
    assert server.asked == [
        {
            "model": "tts-1",
            "voice": "coral",
            "input": TEXT,
            "response_format": "pcm",
            "speed": 1.0,
        },
        {
            "model": "tts-1",
            "voice": "alloy",
            "input": "Hi.",
            "response_format": "pcm",
            "speed": 4.0,
        },
    ]
    assert set(server.keys) == {f"Bearer {KEY}"}


async def test_the_audio_comes_whole_and_without_the_silence_around_it(
    synthesizer: OpenAISynthesizer,
) -> None:
    heard = np.concatenate([chunk.samples for chunk in await said(synthesizer)])
    tone = SECONDS_A_LETTER * len(TEXT) * SPEAKING_RATE
    assert tone <= len(heard) <= tone + 0.04 * SPEAKING_RATE
    assert np.abs(heard.astype(int)).max() == pytest.approx(18_000, rel=0.02)


async def test_audio_is_given_on_as_it_comes(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    server.stalls_after = 40_000
    async with asyncio.timeout(PATIENCE), aclosing(synthesizer.synthesize(TEXT, Voice())) as chunks:
        assert len((await anext(chunks)).samples)
    async with asyncio.timeout(PATIENCE):
        await server.ended.wait()  # the server was told that nobody listens any more


async def test_the_pace_of_a_voice_is_learned_so_that_marks_come_to_lie_right(
    synthesizer: OpenAISynthesizer,
) -> None:
    for _ in range(8):
        await said(synthesizer)
    marks = marks_of(await said(synthesizer))
    half = next(mark for mark in marks if TEXT[: mark.char].endswith("Sunday,"))
    share = TEXT.index(" and on") / len(TEXT)
    assert half.sample / marks[-1].sample == pytest.approx(share, abs=0.12)


async def test_a_slow_guess_still_marks_the_end(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    server.body = pcm_to_bytes(spoken("x" * 10, 1.0))  # said in a sixth of the time
    server.content_type = "audio/pcm"
    chunks = await said(synthesizer)
    total = sum(len(chunk.samples) for chunk in chunks)
    assert marks_of(chunks)[-1] == Mark(len(TEXT), total)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "without any audio"),
        (b"x", "without any audio"),
        (b'{"error": "no such voice"}', "something else than 24 kHz PCM"),
        (b"<html></html>", "something else than 24 kHz PCM"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "something else than 24 kHz PCM"),
        (b"ID3\x04\x00" + b"\x00" * 1000, "something else than 24 kHz PCM"),
        (b"\x00" * 48_000, "OVERTURE_SYNTHESIZER_VOICE"),
    ],
)
async def test_garbage_is_told(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer, body: bytes, why: str
) -> None:
    server.body = body
    server.content_type = "application/octet-stream"
    with pytest.raises(SynthesizerError, match=why):
        await said(synthesizer)


async def test_half_a_sample_at_the_end_is_left_out(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    server.body = pcm_to_bytes(spoken(TEXT, 1.0)) + b"\x01"
    chunks = await said(synthesizer)
    assert marks_of(chunks)[-1].char == len(TEXT)


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ([500, 500], "answered 500"),
        ([401], "OVERTURE_SYNTHESIZER_KEY"),
        ([404], "OVERTURE_SYNTHESIZER_MODEL"),
    ],
)
async def test_a_refusal_says_what_to_look_at_and_never_the_key(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer, statuses: list[int], why: str
) -> None:
    server.fails = deque(statuses)
    with pytest.raises(SynthesizerError, match=why) as refused:
        await said(synthesizer)
    assert KEY not in str(refused.value)
    assert await said(synthesizer)


async def test_one_failure_of_the_server_is_not_noticed(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    server.fails = deque([503])
    assert await said(synthesizer)


async def test_a_server_that_stalls_in_a_sentence_is_given_up(server: SpeechApiServer) -> None:
    server.stalls_after = 40_000
    synthesizer = OpenAISynthesizer(RemoteEngine(server.url, "tts-1"), read_timeout=1.0)
    await synthesizer.start()
    async with aclosing(synthesizer.synthesize(TEXT, Voice())) as chunks:
        assert len((await anext(chunks)).samples)
        with pytest.raises(SynthesizerError, match="said nothing for 1 s"):
            await rest_of(chunks)
    await synthesizer.aclose()


async def test_a_connection_that_breaks_in_a_sentence_is_told(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    server.cut_after = 40_000
    with pytest.raises(SynthesizerError, match="broke off"):
        await said(synthesizer)


async def test_audio_without_end_is_cut_off(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    server.endless = True
    with pytest.raises(SynthesizerError, match="without end"):
        async with asyncio.timeout(PATIENCE):
            await said(synthesizer, "Hello.")
    async with asyncio.timeout(PATIENCE):
        await server.ended.wait()


async def test_a_sentence_that_no_server_takes_is_refused_here(
    synthesizer: OpenAISynthesizer, server: SpeechApiServer
) -> None:
    with pytest.raises(SynthesizerError, match=f"{MAX_CHARACTERS} can be said"):
        await said(synthesizer, "a" * (MAX_CHARACTERS + 1))
    assert server.asked == []


async def test_a_server_that_is_not_there_is_named() -> None:
    url = unused_url()
    synthesizer = OpenAISynthesizer(RemoteEngine(url, "tts-1"))
    await synthesizer.start()
    with pytest.raises(SynthesizerError, match="look at OVERTURE_SYNTHESIZER_URL") as refused:
        await said(synthesizer)
    assert url in str(refused.value)
    await synthesizer.aclose()
