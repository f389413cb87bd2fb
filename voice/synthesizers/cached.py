"""Sentences already said, kept: any synthesizer with a bounded memory of its audio."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

from voice.synthesis import SpeechChunk, Synthesizer, SynthesizerError, Voice

DEFAULT_BYTES = 32 * 2**20
"""About eleven minutes of 24 kHz speech: some 200 sentences."""

_MARK_BYTES = 100
"""A Mark and its place in a tuple, by sys.getsizeof."""

_Key = tuple[str, Voice]


class CachedSynthesizer:
    """Says a sentence it knows at once; the least recently used are forgotten first.

    Sessions that ask for the same new sentence at the same time share one synthesis, and all
    hear it chunk by chunk. When the last of them gives up, so does the engine, and nothing is kept.
    """

    def __init__(self, engine: Synthesizer, max_bytes: int = DEFAULT_BYTES) -> None:
        self._engine = engine
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[_Key, tuple[SpeechChunk, ...]] = OrderedDict()
        self._being_said: dict[_Key, _Sharing] = {}

    @property
    def name(self) -> str:
        """The engine's: a cache is not heard."""
        return self._engine.name

    @property
    def voices(self) -> frozenset[str]:
        """See the port."""
        return self._engine.voices

    @property
    def kept_bytes(self) -> int:
        """Memory of the audio kept, never over `max_bytes`."""
        return self._bytes

    async def start(self) -> None:
        """Starts the engine."""
        await self._engine.start()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """See the port. A kept sentence comes in the chunks it was made in."""
        key = (text, voice)
        if key in self._kept:
            self._kept.move_to_end(key)
            for chunk in self._kept[key]:
                yield chunk
            return
        sharing = self._being_said.get(key)
        if sharing is None:
            sharing = self._being_said[key] = _Sharing()
            sharing.work = asyncio.create_task(self._say(key, sharing))
        sharing.listeners += 1
        try:
            async for chunk in sharing:
                yield chunk
        finally:
            sharing.listeners -= 1
            if not sharing.listeners and self._being_said.get(key) is sharing:
                del self._being_said[key]
                sharing.work.cancel()

    async def aclose(self) -> None:
        """Gives up what is being said, closes the engine, forgets everything."""
        works = [sharing.work for sharing in self._being_said.values()]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        self._kept.clear()
        self._bytes = 0
        await self._engine.aclose()

    async def _say(self, key: _Key, sharing: "_Sharing") -> None:
        """The one synthesis of a sentence; kept if it reached its end."""
        try:
            async with aclosing(self._engine.synthesize(*key)) as chunks:
                async for chunk in chunks:
                    sharing.add(chunk)
        except SynthesizerError as error:
            sharing.end(error)
        except asyncio.CancelledError:
            sharing.end(SynthesizerError("the synthesizer was closed; start a new one"))
            raise
        except Exception as error:  # the task's edge: those who listen get it
            sharing.end(error)
        else:
            self._keep(key, tuple(sharing.chunks))
            sharing.end(None)
        finally:
            if self._being_said.get(key) is sharing:
                del self._being_said[key]

    def _keep(self, key: _Key, chunks: tuple[SpeechChunk, ...]) -> None:
        size = _size(chunks)
        if size > self._max_bytes:
            return
        self._kept[key] = chunks
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= _size(forgotten)


class _Sharing:
    """A sentence being made, and those who listen to it."""

    def __init__(self) -> None:
        self.work: asyncio.Task[None]
        self.listeners = 0
        self.chunks: list[SpeechChunk] = []
        self._ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def add(self, chunk: SpeechChunk) -> None:
        self.chunks.append(chunk)
        self._tell()

    def end(self, error: Exception | None) -> None:
        self._ended = True
        self._error = error
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def __aiter__(self) -> AsyncGenerator[SpeechChunk, None]:
        heard = 0
        while True:
            news = self._news
            while heard < len(self.chunks):
                heard += 1
                yield self.chunks[heard - 1]
            if self._ended and heard == len(self.chunks):
                break
            if not self._ended and heard == len(self.chunks) and news is self._news:
                await news.wait()
        if self._error is not None:
            raise self._error


def _size(chunks: tuple[SpeechChunk, ...]) -> int:
    return sum(chunk.samples.nbytes + _MARK_BYTES * len(chunk.marks) for chunk in chunks)
