"""What every synthesizer promises, whichever engine is behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.support.small_piper import make_small_piper
from tests.support.speech_api_server import speech_api_server
from voice.audio import SPEAKING_RATE, Pcm
from voice.speech_api import RemoteEngine
from voice.synthesis import Mark, Synthesizer, SynthesizerError, Voice
from voice.synthesizers.cached import CachedSynthesizer
from voice.synthesizers.espeak import EspeakSynthesizer
from voice.synthesizers.flite import FliteSynthesizer
from voice.synthesizers.openai import OpenAISynthesizer
from voice.synthesizers.piper import PiperSynthesizer
from voice.synthesizers.scripted import ScriptedSynthesizer
from voice.synthesizers.shaping import SILENT

ENGINES = ("flite", "espeak", "piper", "piper with times", "openai", "scripted", "cached")
SENTENCE = "A large latte is $4.50, and we close at 7:30 pm on Sunday."
LONG = "We have tea, coffee and cake, all of it made here this morning, " * 6


async def made(name: str, folder: Path, stack: AsyncExitStack) -> Synthesizer:
    match name:
        case "flite":
            return FliteSynthesizer()
        case "espeak":
            return EspeakSynthesizer()
        case "piper" | "piper with times":
            voice = make_small_piper(folder, tells_times=name != "piper")
            return PiperSynthesizer({voice.stem: voice}, voice.stem)
        case "openai":
            server = await stack.enter_async_context(speech_api_server())
            return OpenAISynthesizer(RemoteEngine(server.url, "tts-1"))
        case "cached":
            return CachedSynthesizer(ScriptedSynthesizer())
        case _:
            return ScriptedSynthesizer()


@pytest.fixture(params=ENGINES)
async def synthesizer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Synthesizer]:
    """Each engine that is installed; one that is not is named in the test run's summary."""
    async with AsyncExitStack() as stack:
        engine = await made(request.param, tmp_path, stack)
        try:
            await engine.start()
        except SynthesizerError as missing:
            pytest.skip(f"left out: {missing}")
        stack.push_async_callback(engine.aclose)
        yield engine


async def said(
    engine: Synthesizer, text: str, voice: Voice | None = None
) -> tuple[Pcm, list[Mark]]:
    chunks = [chunk async for chunk in engine.synthesize(text, voice or Voice())]
    samples = [chunk.samples for chunk in chunks]
    marks = [mark for chunk in chunks for mark in chunk.marks]
    return np.concatenate(samples) if samples else np.zeros(0, np.int16), marks


async def test_a_sentence_is_audible_and_neither_clips_nor_whispers(
    synthesizer: Synthesizer,
) -> None:
    samples, _ = await said(synthesizer, SENTENCE)

    assert samples.dtype == np.int16
    assert 2 < len(samples) / SPEAKING_RATE < 10
    peak = int(np.abs(samples.astype(int)).max())
    assert 0.3 * 32768 < peak < 0.99 * 32768


async def test_marks_rise_and_the_last_one_is_the_whole_sentence(synthesizer: Synthesizer) -> None:
    samples, marks = await said(synthesizer, SENTENCE)

    assert marks[-1] == Mark(len(SENTENCE), len(samples))
    for before, after in pairwise(marks):
        assert before.char < after.char
        assert before.sample < after.sample


async def test_marks_lie_at_the_ends_of_the_words_as_they_were_given(
    synthesizer: Synthesizer,
) -> None:
    _, marks = await said(synthesizer, SENTENCE)

    until = [SENTENCE[: mark.char] for mark in marks]
    assert "A large latte" in until
    assert "A large latte is $4.50," in until
    assert "A large latte is $4" not in until


async def test_a_mark_comes_in_the_chunk_in_which_it_ends(synthesizer: Synthesizer) -> None:
    begin = 0
    async for chunk in synthesizer.synthesize(SENTENCE, Voice()):
        end = begin + len(chunk.samples)
        assert all(begin < mark.sample <= end for mark in chunk.marks)
        begin = end


async def test_there_is_no_silence_around_the_speech(synthesizer: Synthesizer) -> None:
    samples, _ = await said(synthesizer, "Fish and chips.")

    loud = np.flatnonzero(np.abs(samples.astype(int)) > SILENT)
    limit = 0.020 * SPEAKING_RATE
    assert loud[0] <= limit
    assert len(samples) - loud[-1] <= limit


@pytest.mark.parametrize("text", ["", "   ", "...", "— !", "🙂"])
async def test_text_without_anything_speakable_yields_nothing(
    synthesizer: Synthesizer, text: str
) -> None:
    assert (await said(synthesizer, text))[1] == []


@pytest.mark.parametrize("text", ["a" * 500, "Ünïcödé café — naïve", "((([[[", "x\0y", "<b>1</b>"])
async def test_odd_text_does_no_harm(synthesizer: Synthesizer, text: str) -> None:
    samples, marks = await said(synthesizer, text)

    assert marks == [] or marks[-1] == Mark(len(text), len(samples))


async def test_many_speak_at_once_and_each_hears_its_own_sentence(synthesizer: Synthesizer) -> None:
    texts = [f"Number {number} please." for number in range(8)]
    alone = [(await said(synthesizer, text))[1] for text in texts]

    together = await asyncio.gather(*(said(synthesizer, text) for text in texts))

    for marks, expected in zip((marks for _, marks in together), alone, strict=True):
        assert [mark.char for mark in marks] == [mark.char for mark in expected]
        # Engines breathe at random, so where the trimmed speech begins differs a little.
        assert marks[-1].sample == pytest.approx(expected[-1].sample, abs=0.05 * SPEAKING_RATE)


async def test_an_abandoned_sentence_leaves_the_engine_to_the_next(
    synthesizer: Synthesizer,
) -> None:
    async with aclosing(synthesizer.synthesize(LONG, Voice())) as chunks:
        async for _ in chunks:
            break

    _, marks = await said(synthesizer, "Hello.")
    assert marks[-1].char == len("Hello.")


async def test_a_long_sentence_is_spoken_to_its_end(synthesizer: Synthesizer) -> None:
    samples, marks = await said(synthesizer, LONG)

    assert marks[-1] == Mark(len(LONG), len(samples))
    assert len(marks) > 60


async def test_twice_the_speed_takes_about_half_the_time(synthesizer: Synthesizer) -> None:
    normal, _ = await said(synthesizer, SENTENCE)
    fast, marks = await said(synthesizer, SENTENCE, Voice(speed=2.0))

    assert 0.35 < len(fast) / len(normal) < 0.65
    assert marks[-1].sample == len(fast)


async def test_after_closing_it_says_so(synthesizer: Synthesizer) -> None:
    await synthesizer.aclose()

    with pytest.raises(SynthesizerError, match="closed"):
        await said(synthesizer, "Hello.")
