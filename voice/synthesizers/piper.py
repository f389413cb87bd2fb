"""Piper: natural voices by small neural networks, in-process.

By the package piper-tts (the extra `piper`; GPL), which turns text into phonemes, and onnxruntime,
which releases the GIL: so it runs on threads. A voice is a file NAME.onnx with NAME.onnx.json
beside it.
"""

import importlib
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from itertools import accumulate
from pathlib import Path
from typing import Any

from voice.spoken_form import SpokenWord, spoken_form
from voice.synthesis import SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.pieces import Emit, Piece, say_in_pieces
from voice.synthesizers.proportional import word_ends
from voice.synthesizers.shaping import SpeechShaper
from voice.synthesizers.threads import SpeechThreads

HOW_TO_INSTALL = "pip install piper-tts (GPL)"

SPEEDS = (0.5, 2.0)
"""Slower or faster than that is not understood."""

VOLUME = 0.7
"""Of full scale: the package brings the peaks of each piece there, -3 dBFS, as flite's are."""

MAX_LOADED = 4
"""Voices in memory, 60 to 120 MB each; the one used least recently goes."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(?=_[A-Z]{2}-)")
"""At the beginning of a voice's name: numbers must not be written out in English for it."""


class PiperSynthesizer:
    """Voices by the names of their files ("en_US-lessac-medium")."""

    def __init__(
        self, voices: Mapping[str, Path], default: str, *, threads: int | None = None
    ) -> None:
        """voices: name to .onnx file; default: the one for those who name none.

        threads: sentences made at once, by default two (one on a machine with one core).
        """
        self._files = dict(voices)
        self._default = default
        at_once = threads or min(2, os.cpu_count() or 1)
        self._threads = SpeechThreads("piper", at_once)
        self._cores = max(1, (os.cpu_count() or 1) // at_once)
        self._loading = threading.Lock()
        self.loaded: OrderedDict[str, Any] = OrderedDict()

    @property
    def name(self) -> str:
        """See the port."""
        return f"piper {self._default}"

    @property
    def voices(self) -> frozenset[str]:
        """See the port."""
        return frozenset(self._files)

    async def start(self) -> None:
        """Loads the default voice; raises SynthesizerError if it or the package is not there."""
        await self._threads.call(lambda: self._voice(self._default))

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """See the port; speed is held within SPEEDS."""

        def speak(piece: Piece, emit: Emit) -> None:
            self._speak(piece, voice, emit)

        language = _LANGUAGE.match(voice.name or self._default)
        words = spoken_form(text, language[0] if language else "en")
        said = say_in_pieces(self._threads, text, words, speak)
        async with aclosing(said) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Ends the threads and lets go of the voices."""
        await self._threads.aclose()
        self.loaded.clear()

    def _voice(self, name: str) -> Any:
        """The voice, loaded once for all sessions."""
        if name not in self._files:
            known = ", ".join(sorted(self._files)) or "none is there"
            raise SynthesizerError(
                f"piper has no voice '{name}' ({known}); `overture models` tells how to get one"
            )
        with self._loading:
            if name not in self.loaded:
                self.loaded[name] = load_voice(self._files[name], self._cores)
                if len(self.loaded) > MAX_LOADED:
                    self.loaded.popitem(last=False)
            self.loaded.move_to_end(name)
            return self.loaded[name]

    def _speak(self, piece: Piece, voice: Voice, emit: Emit) -> None:
        """On a thread: the piece's audio, which the network makes as a whole."""
        from piper import SynthesisConfig

        model = self._voice(voice.name or self._default)
        slowest, fastest = SPEEDS
        speed = min(max(voice.speed, slowest), fastest)
        config = SynthesisConfig(length_scale=model.config.length_scale / speed, volume=VOLUME)
        try:
            made = list(model.synthesize(piece.text, config, include_alignments=True))
        except (RuntimeError, ValueError, KeyError) as error:
            raise SynthesizerError(f"piper cannot say this ({error}); try another voice") from error
        shaper = SpeechShaper(model.config.sample_rate, piece.end, start=piece.start)
        shaper.expect(_marks(piece, made))
        for part in made:
            chunk = shaper.feed(part.audio_int16_array)
            if chunk is not None and not emit(chunk):
                return
        chunk = shaper.finish()
        if chunk is not None:
            emit(chunk)


def load_voice(file: Path, cores: int) -> Any:
    """piper's own voice object; raises SynthesizerError saying what is missing.

    Made here and not by its `load`, which takes every core for one sentence.
    """
    try:
        piper_config = importlib.import_module("piper.config")
        piper_voice = importlib.import_module("piper.voice")
    except ImportError as error:
        raise SynthesizerError(f"piper is not installed ({HOW_TO_INSTALL}): {error}") from error
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    described = Path(f"{file}.json")
    try:
        config = piper_config.PiperConfig.from_dict(json.loads(described.read_text("utf-8")))
        session = onnxruntime.InferenceSession(
            str(file), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SynthesizerError(
            f"{file} with its .json is no voice of piper's ({error!r}); fetch it again with "
            f"`overture models fetch piper {file.stem}`"
        ) from error
    except Exception as error:  # onnxruntime's errors have no base of their own
        raise SynthesizerError(f"{file} cannot be loaded ({error}); fetch it again") from error
    return piper_voice.PiperVoice(session=session, config=config)


def _marks(piece: Piece, made: Sequence[Any]) -> list[tuple[int, int]]:
    """(original character, sample) pairs at the ends of the words, the last one left out."""
    rate_samples = sum(len(part.audio_float_array) for part in made)
    exact = _aligned(piece.words, made)
    if exact is not None:
        return exact[:-1]
    return [(char, round(share * rate_samples)) for char, share in word_ends(piece.words)][:-1]


def _aligned(words: Sequence[SpokenWord], made: Sequence[Any]) -> list[tuple[int, int]] | None:
    """From the network's own durations, where the voice tells them and the words can be told apart.

    Phonemes have a space between words; the phonemizer sometimes says two words as one.
    """
    ends: list[int] = []
    reached = 0
    for part in made:
        if part.phoneme_alignments is None:
            return None
        lengths = [each.num_samples for each in part.phoneme_alignments]
        for each, until in zip(part.phoneme_alignments, accumulate(lengths), strict=True):
            if each.phoneme == " ":
                ends.append(reached + until - each.num_samples)
        reached += len(part.audio_float_array)
        ends.append(reached)
    if len(ends) != len(words):
        return None
    return [(word.end, int(end)) for word, end in zip(words, ends, strict=True)]
