"""flite: small, quick, well understood by recognizers; Debian's libflite1, in-process."""

import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from voice.audio import Pcm
from voice.spoken_form import SpokenWord, spoken_form
from voice.synthesis import SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.libflite import LibFlite
from voice.synthesizers.pieces import Emit, Piece, ascii_words, say_in_pieces
from voice.synthesizers.shaping import SpeechShaper
from voice.synthesizers.threads import SpeechThreads

DEFAULT_VOICE = "slt"

GAIN = {"slt": 1.0, "rms": 1.5, "awb": 1.0}
"""Voices, with the factor that brings each one's peaks to about -3.5 dBFS, as slt's are."""

_RESPELLED = {
    "latte": "lottay",
    "lattes": "lottays",
    "mochas": "mocha's",
    "frappe": "frappay",
    "jalapeno": "hollapenyo",
    "AM": "am",
}
"""Words that its letter-to-sound rules get wrong (after accents are off), or leave out ("AM")."""

SPEEDS = (0.5, 2.0)
"""Slower or faster than that is not understood."""


class FliteSynthesizer:
    """flite's clustergen voices: slt (the default, a woman), rms and awb (men)."""

    def __init__(self, threads: int | None = None) -> None:
        """threads: sentences made at once, by default two (one on a machine with one core)."""
        self._threads = SpeechThreads("flite", threads or min(2, os.cpu_count() or 1))
        self._library: LibFlite | None = None
        self._registering = threading.Lock()
        self._of_thread = threading.local()

    @property
    def name(self) -> str:
        """See the port."""
        return "flite"

    @property
    def voices(self) -> frozenset[str]:
        """See the port."""
        return frozenset(GAIN)

    async def start(self) -> None:
        """Loads the library and the default voice; raises SynthesizerError if not installed."""
        if self._library is None:
            self._library = await self._threads.call(LibFlite)
            await self._threads.call(lambda: self._voice(DEFAULT_VOICE))

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """See the port. Voices are slt, rms, awb; speed is held within SPEEDS."""
        if self._library is None:
            raise SynthesizerError("flite is not started; await start() first")
        words = [_respelled(word) for word in ascii_words(spoken_form(text))]

        def speak(piece: Piece, emit: Emit) -> None:
            self._speak(piece, voice, emit)

        async with aclosing(say_in_pieces(self._threads, text, words, speak)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Ends the threads."""
        await self._threads.aclose()

    def _voice(self, name: str) -> int:
        """This thread's own voice of that name (see LibFlite.new_voice)."""
        if name not in GAIN:
            raise SynthesizerError(f"flite has no voice {name!r}; take one of {', '.join(GAIN)}")
        if self._library is None:
            raise SynthesizerError("flite is not started; await start() first")
        voices: dict[str, int] = self._of_thread.__dict__.setdefault("voices", {})
        if name not in voices:
            with self._registering:
                voices[name] = self._library.new_voice(name)
        return voices[name]

    def _speak(self, piece: Piece, voice: Voice, emit: Emit) -> None:
        """On a thread: the piece's chunks, as soon as each is made."""
        name = voice.name or DEFAULT_VOICE
        handle = self._voice(name)
        assert self._library is not None  # _voice has raised otherwise
        shaper: SpeechShaper | None = None

        def heard(samples: Pcm, rate: int, words: Callable[[], list[tuple[int, float]]]) -> bool:
            nonlocal shaper
            if shaper is None:
                shaper = SpeechShaper(rate, piece.end, gain=GAIN[name], start=piece.start)
                shaper.expect(_marks(piece, words(), rate))
            chunk = shaper.feed(samples)
            return chunk is None or emit(chunk)

        slowest, fastest = SPEEDS
        stretch = 1 / min(max(voice.speed, slowest), fastest)
        self._library.speak(piece.text, handle, stretch=stretch, heard=heard)
        if shaper is not None and (chunk := shaper.finish()) is not None:
            emit(chunk)


def _respelled(word: SpokenWord) -> SpokenWord:
    letters = word.text.strip("'\"().,;:!?")
    sound = _RESPELLED.get(letters) or _RESPELLED.get(letters.lower())
    return SpokenWord(word.text.replace(letters, sound), word.end) if sound else word


def _marks(piece: Piece, words: list[tuple[int, float]], rate: int) -> list[tuple[int, int]]:
    """(original character, sample) pairs; flite's indices lie just after their tokens."""
    chars = piece.original(after - 1 for after, _ in words)
    return [(char, round(end * rate)) for char, (_, end) in zip(chars, words, strict=True)]
