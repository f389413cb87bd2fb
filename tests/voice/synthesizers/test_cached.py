"""A sentence said before is not made again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest

from voice.synthesis import Mark, SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.cached import CachedSynthesizer
from voice.synthesizers.scripted import ScriptedSynthesizer


class CountingSynthesizer(ScriptedSynthesizer):
    """Remembers what it was asked to say; each chunk takes a permit."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.finished: list[str] = []
        self.permits = asyncio.Semaphore(1000)

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        self.begun.append(text)
        async for chunk in super().synthesize(text, voice):
            await self.permits.acquire()
            yield chunk
        self.finished.append(text)


class FailingSynthesizer(ScriptedSynthesizer):
    """Gives one chunk, then fails."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        yield SpeechChunk(np.ones(240, np.int16), (Mark(1, 240),))
        raise SynthesizerError("the engine broke")


async def marks(synthesizer: CachedSynthesizer, text: str) -> list[Mark]:
    return [m async for chunk in synthesizer.synthesize(text, Voice()) for m in chunk.marks]


async def test_the_second_time_the_engine_is_not_asked() -> None:
    engine = CountingSynthesizer()
    cached = CachedSynthesizer(engine)

    assert await marks(cached, "Hello there.") == await marks(cached, "Hello there.")
    assert engine.begun == ["Hello there."]


async def test_another_voice_is_another_sentence() -> None:
    engine = CountingSynthesizer()
    cached = CachedSynthesizer(engine)
    await marks(cached, "Hello.")

    assert [chunk async for chunk in cached.synthesize("Hello.", Voice(speed=2.0))]
    assert len(engine.begun) == 2


async def test_sessions_that_ask_at_the_same_time_share_one_synthesis() -> None:
    engine = CountingSynthesizer()
    cached = CachedSynthesizer(engine)

    heard = await asyncio.gather(*(marks(cached, "Good morning to you.") for _ in range(5)))

    assert engine.begun == ["Good morning to you."]
    assert all(each == heard[0] for each in heard)


async def test_one_who_gives_up_does_not_take_the_sentence_from_the_other() -> None:
    engine = CountingSynthesizer()
    cached = CachedSynthesizer(engine)
    engine.permits = asyncio.Semaphore(0)
    first = asyncio.create_task(marks(cached, "Good morning."))
    second = asyncio.create_task(marks(cached, "Good morning."))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    for _ in range(10):
        engine.permits.release()

    assert (await second)[-1].char == len("Good morning.")


async def test_an_aborted_synthesis_stops_the_engine_and_is_not_kept() -> None:
    engine = CountingSynthesizer()
    cached = CachedSynthesizer(engine)
    engine.permits = asyncio.Semaphore(1)
    async with aclosing(cached.synthesize("One two three.", Voice())) as chunks:
        await anext(chunks)
    for _ in range(10):
        engine.permits.release()
    await asyncio.sleep(0)

    assert engine.finished == []
    assert cached.kept_bytes == 0
    assert (await marks(cached, "One two three."))[-1].char == len("One two three.")


async def test_a_failure_is_told_and_not_kept() -> None:
    cached = CachedSynthesizer(FailingSynthesizer())

    for _ in range(2):
        with pytest.raises(SynthesizerError, match="broke"):
            await marks(cached, "Hello.")
    assert cached.kept_bytes == 0


async def test_memory_stays_within_its_bound_and_the_oldest_goes_first() -> None:
    engine = CountingSynthesizer()
    cached = CachedSynthesizer(engine, max_bytes=30_000)  # two sentences of one word
    for text in ("One.", "Two.", "One.", "Three.", "One.", "Two."):
        await marks(cached, text)

    assert engine.begun == ["One.", "Two.", "Three.", "Two."]
    assert 0 < cached.kept_bytes <= 30_000


async def test_a_sentence_larger_than_the_cache_is_said_and_not_kept() -> None:
    cached = CachedSynthesizer(CountingSynthesizer(), max_bytes=1000)

    assert await marks(cached, "Hello.")
    assert cached.kept_bytes == 0
