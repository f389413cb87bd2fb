"""espeak-ng in-process: robotic, quick, and in the Python package index with its data.

By ctypes, after speak_lib.h of espeak-ng 1.51. From `espeakng_loader` (the extra `espeak`) if
that is installed, else the system's libespeak-ng1. The library is one machine with global state:
one thread of the process speaks at a time.
"""

import ctypes
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from ctypes import POINTER, c_char_p, c_int, c_short, c_size_t, c_uint, c_void_p
from typing import Any

from voice.audio import Pcm, pcm_at
from voice.spoken_form import spoken_form
from voice.synthesis import SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.pieces import Emit, Piece, say_in_pieces
from voice.synthesizers.shaping import SpeechShaper
from voice.synthesizers.threads import SpeechThreads

DEFAULT_VOICE = "en-us"

_HOW_TO_INSTALL = "pip install espeakng-loader, or apt-get install libespeak-ng1"
_WORDS_A_MINUTE = 170
_SLOWEST, _FASTEST = 80, 450  # espeak-ng's own limits

_BUFFER_MS = 100
_GAIN = 0.8
"""Brings the peaks of en-us, which reach full scale, to about -3 dBFS."""

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_RATE = 1
_POSITION_CHARACTER = 1
_EVENT_END_OF_LIST, _EVENT_WORD = 0, 1
_CONTINUE, _STOP = 0, 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(c_int, POINTER(c_short), c_int, POINTER(_Event))
_Heard = Callable[[Pcm, list[tuple[int, int]]], bool]


class _Library:
    """The loaded library; `lock` is held by whoever speaks."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._lib, data = _load()
        self._lib.espeak_Initialize.argtypes = (c_int, c_int, c_char_p, c_int)
        self._lib.espeak_Synth.argtypes = (
            *(c_char_p, c_size_t, c_uint, c_int, c_uint, c_uint),
            *(POINTER(c_uint), c_void_p),
        )
        self.rate: int = self._lib.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
        if self.rate <= 0:
            raise SynthesizerError(f"espeak-ng found no voice data ({_HOW_TO_INSTALL})")

    def speak(self, text: str, voice: str, words_a_minute: int, heard: _Heard) -> None:
        """heard(samples, words): words are (index of its first letter, milliseconds) pairs."""
        failures: list[BaseException] = []

        def received(wave: Any, count: int, events: Any) -> int:
            if not wave:  # the end
                return _CONTINUE
            try:
                go_on = heard(pcm_at(wave, 0, count), _word_starts(events))
            except BaseException as error:  # must not pass through C; raised again below
                failures.append(error)
                return _STOP
            return _CONTINUE if go_on else _STOP

        callback = _Callback(received)
        if self._lib.espeak_SetVoiceByName(voice.encode()):
            raise SynthesizerError(f"espeak-ng has no voice {voice!r}; `espeak-ng --voices` tells")
        self._lib.espeak_SetSynthCallback(callback)
        self._lib.espeak_SetParameter(_RATE, words_a_minute, 0)
        data = text.encode() + b"\0"
        failed = self._lib.espeak_Synth(
            data, len(data), 0, _POSITION_CHARACTER, 0, _UTF8, None, None
        )
        if failures:
            raise failures[0]
        if failed:
            raise SynthesizerError(f"espeak-ng failed with status {failed}")


def _load() -> tuple[ctypes.CDLL, bytes | None]:
    """The library, and the folder of its data (None: where the system has it)."""
    try:
        import espeakng_loader
    except ImportError:
        name, data = "libespeak-ng.so.1", None
    else:
        name = espeakng_loader.get_library_path()
        data = espeakng_loader.get_data_path().encode()
    try:
        return ctypes.CDLL(name), data
    except OSError as error:
        raise SynthesizerError(
            f"espeak-ng is not installed ({_HOW_TO_INSTALL}): {error}"
        ) from error


def _word_starts(events: Any) -> list[tuple[int, int]]:
    found = []
    index = 0
    while events[index].type != _EVENT_END_OF_LIST:
        event = events[index]
        if event.type == _EVENT_WORD:
            found.append((event.text_position - 1, event.audio_position))
        index += 1
    return found


_library: _Library | None = None
_loading = threading.Lock()


def _the_library() -> _Library:
    """The process's one espeak-ng."""
    global _library
    with _loading:
        if _library is None:
            _library = _Library()
        return _library


class EspeakSynthesizer:
    """espeak-ng's formant voices, by its names for them ("en-us", "en-gb")."""

    def __init__(self) -> None:
        self._threads = SpeechThreads("espeak", 1)
        self._library: _Library | None = None

    @property
    def name(self) -> str:
        """See the port."""
        return "espeak"

    @property
    def voices(self) -> frozenset[str]:
        """See the port."""
        return frozenset()

    async def start(self) -> None:
        """Loads the library; raises SynthesizerError if it is not installed."""
        self._library = await self._threads.call(_the_library)

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """See the port."""
        if self._library is None:
            raise SynthesizerError("espeak is not started; await start() first")
        library = self._library

        def speak(piece: Piece, emit: Emit) -> None:
            with library.lock:
                _speak(library, piece, voice, emit)

        said = say_in_pieces(self._threads, text, spoken_form(text), speak)
        async with aclosing(said) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Ends the thread; the library stays loaded for the next."""
        await self._threads.aclose()


def _speak(library: _Library, piece: Piece, voice: Voice, emit: Emit) -> None:
    shaper = SpeechShaper(library.rate, piece.end, gain=_GAIN, start=piece.start)
    before: int | None = None

    def heard(samples: Pcm, words: list[tuple[int, int]]) -> bool:
        nonlocal before
        for char, (_, milliseconds) in zip(
            piece.original(index for index, _ in words), words, strict=True
        ):
            # espeak tells where words begin; that is where the one before has been said.
            if before is not None and before != char:
                shaper.expect([(before, milliseconds * library.rate // 1000)])
            before = char
        chunk = shaper.feed(samples)
        return chunk is None or emit(chunk)

    words_a_minute = min(max(round(_WORDS_A_MINUTE * voice.speed), _SLOWEST), _FASTEST)
    library.speak(piece.text, voice.name or DEFAULT_VOICE, words_a_minute, heard)
    chunk = shaper.finish()
    if chunk is not None:
        emit(chunk)
