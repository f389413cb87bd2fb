"""Speech made by another machine: POST /audio/speech, as OpenAI's API has it, streamed as PCM."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from voice.audio import SPEAKING_RATE, pcm_from_bytes
from voice.speech_api import RemoteEngine, SpeechApi, SpeechApiError
from voice.spoken_form import spoken_form
from voice.synthesis import Mark, SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.proportional import GuessedMarks, letters
from voice.synthesizers.shaping import SpeechShaper

SETTINGS = "OVERTURE_SYNTHESIZER"

DEFAULT_VOICE = "alloy"
"""OpenAI's; a server of one's own has other names, see OVERTURE_SYNTHESIZER_VOICE."""

READ_TIMEOUT = 8.0
"""Seconds for the next bytes; the mouth counts an engine as hung after 10."""

MAX_CHARACTERS = 4096
"""Of one sentence, the interface's own limit."""

SPEEDS = (0.25, 4.0)
"""The interface's own limits."""

USUAL_PACE = 1700.0
"""24 kHz samples a letter, of a sentence at normal speed: 14 letters a second."""

_LEARNED = 0.3
"""Weight of the latest sentence in a voice's pace."""

_KNOWN_VOICES = 64

_LONGEST_S, _LONGEST_S_A_LETTER = 20.0, 0.4
"""Audio of a sentence beyond that many seconds is no speech any more."""

_OTHER_FORMATS = (
    b"RIFF",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"\xff\xfb",
    b"\xff\xf3",
    b"\xff\xf2",
    b'{"',
    b"<!",
    b"<h",
)
"""How files begin that are not bare PCM: some servers ignore response_format, or send an error
as 200."""


class OpenAISynthesizer:
    """See the module. Marks are guesses by the pace of the sentences before."""

    def __init__(
        self,
        engine: RemoteEngine,
        *,
        voice: str = DEFAULT_VOICE,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        """voice: for those who name none."""
        self._engine = engine
        self._voice = voice
        self._api = SpeechApi(engine, SETTINGS, read_timeout=read_timeout)
        self._pace: dict[str, float] = {}

    @property
    def name(self) -> str:
        """See the port."""
        return f"openai {self._engine.model}"

    @property
    def voices(self) -> frozenset[str]:
        """See the port: the server knows its voices."""
        return frozenset()

    async def start(self) -> None:
        """Makes the client. The server need not be there yet."""
        await self._api.open()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """See the port."""
        try:
            async with aclosing(self._said(text, voice)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except SpeechApiError as error:
            raise SynthesizerError(str(error)) from error

    async def aclose(self) -> None:
        """Ends the connections."""
        await self._api.aclose()

    async def _said(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        words = spoken_form(text)
        if not words:
            self._api.check_open()
            return
        if len(text) > MAX_CHARACTERS:
            raise SynthesizerError(
                f"a sentence of {len(text)} characters; {MAX_CHARACTERS} can be said at once"
            )
        name = voice.name or self._voice
        speed = min(max(voice.speed, SPEEDS[0]), SPEEDS[1])
        size = letters(words)
        marks = GuessedMarks(words, len(text), self._pace.get(name, USUAL_PACE) * size / speed)
        shaper = SpeechShaper(SPEAKING_RATE, len(text))
        wanted = {
            "model": self._engine.model,
            "voice": name,
            "input": text,
            "response_format": "pcm",
            "speed": speed,
        }
        async with self._api.post("/audio/speech", json=wanted) as reply:
            longest = round((_LONGEST_S + _LONGEST_S_A_LETTER * size) * SPEAKING_RATE)
            async with aclosing(self._samples(reply.aiter_bytes(), longest)) as parts:
                async for data in parts:
                    chunk = shaper.feed(pcm_from_bytes(data))
                    if chunk is not None:
                        yield SpeechChunk(chunk.samples, marks.until(shaper.samples))
                    await asyncio.sleep(0)  # a fast server leaves others their turn
        last = shaper.finish()
        if last is None:
            raise self._api.error(
                f"answered with silence; has it a voice '{name}'? See {SETTINGS}_VOICE"
            )
        final = Mark(len(text), shaper.samples)
        yield SpeechChunk(last.samples, (*marks.until(shaper.samples - 1), final))
        self._learn(name, shaper.samples * speed / size)

    async def _samples(
        self, parts: AsyncIterator[bytes], longest: int
    ) -> AsyncGenerator[bytes, None]:
        """The body in whole samples; raises SpeechApiError where it is no PCM or does not end."""
        half = b""
        count = 0
        async for part in parts:
            data = half + part
            if not count and data.startswith(_OTHER_FORMATS):
                raise self._api.error(
                    "sends something else than 24 kHz PCM; take a server that heeds "
                    'response_format "pcm"'
                )
            whole = len(data) // 2 * 2
            half = data[whole:]
            count += whole // 2
            if count > longest:
                raise self._api.error(f"sends audio without end ({count / SPEAKING_RATE:.0f} s)")
            if whole:
                yield data[:whole]
        if not count:
            raise self._api.error("answered without any audio")

    def _learn(self, voice: str, pace: float) -> None:
        """Remembers the voice's samples a letter."""
        before = self._pace.pop(voice, pace)
        self._pace[voice] = before + _LEARNED * (pace - before)
        if len(self._pace) > _KNOWN_VOICES:
            del self._pace[next(iter(self._pace))]
