"""A sentence in pieces: an engine gets neither too many words at once nor letters it ignores."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from voice.audio import SPEAKING_RATE
from voice.spoken_form import SpokenWord
from voice.synthesis import SpeechChunk
from voice.synthesizers.threads import SpeechThreads

PIECE_CHARS = 160
"""A longer sentence is made in pieces: an engine analyses the whole of a text before its first
sample (flite: 5 ms of CPU per ten words), and a long one keeps other sessions waiting."""

FIRST_PIECE_CHARS = 30
"""The first piece ends with the first clause after so many: flite's first sample of an 80-letter
sentence comes in half the time, and a pause is natural there."""

_LONGEST_WORD = 60
"""Longer is no word; spoken in parts of this, so that no piece grows without bound."""

_PAUSE_S = 0.12
"""Between two pieces, in place of the pauses that engines make around them."""

_ASCII = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."}  # noqa: RUF001
_CLAUSE_END = re.compile(r"[,;:.!?]['\")]*$")
_SPEAKABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that an engine says at once.

    end: the original's character that has been said after them.
    start: 24 kHz samples of the sentence before them.
    """

    words: tuple[SpokenWord, ...]
    end: int
    start: int

    @property
    def text(self) -> str:
        """The words with single spaces between."""
        return " ".join(word.text for word in self.words)

    def original(self, indices: Iterable[int]) -> list[int]:
        """For each index into `text`, the original's character at the end of the word there."""
        starts = [0]
        for word in self.words[:-1]:
            starts.append(starts[-1] + len(word.text) + 1)
        return [self.words[max(0, bisect_right(starts, index) - 1)].end for index in indices]


Emit = Callable[[SpeechChunk], bool]
"""Takes a chunk; False when nobody listens any more."""


async def say_in_pieces(
    threads: SpeechThreads,
    text: str,
    words: Sequence[SpokenWord],
    speak: Callable[[Piece, Emit], None],
) -> AsyncGenerator[SpeechChunk, None]:
    """The chunks of all pieces of `text`, each made by `speak` on a thread when it is due."""
    parts = pieces(words)
    samples = 0
    for number, part in enumerate(parts, start=1):
        if samples:
            pause = np.zeros(round(_PAUSE_S * SPEAKING_RATE), np.int16)
            samples += len(pause)
            yield SpeechChunk(pause)
        piece = Piece(part, len(text) if number == len(parts) else part[-1].end, samples)

        def produce(emit: Emit, piece: Piece = piece) -> None:
            speak(piece, emit)

        async with aclosing(threads.stream(produce)) as chunks:
            async for chunk in chunks:
                samples += len(chunk.samples)
                yield chunk


def ascii_words(words: Iterable[SpokenWord]) -> list[SpokenWord]:
    """For engines that know ASCII only: accents off, other scripts and bare signs left out."""
    plain = (SpokenWord(_ascii(word.text), word.end) for word in words)
    return [word for word in plain if _SPEAKABLE.search(word.text)]


def _ascii(word: str) -> str:
    plain = "".join(_ASCII.get(sign, sign) for sign in word)
    letters = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters if letter.isprintable() and letter != " ")


def pieces(words: Sequence[SpokenWord]) -> list[tuple[SpokenWord, ...]]:
    """The words in pieces of at most PIECE_CHARS, cut at a clause's end where there is one."""
    found: list[tuple[SpokenWord, ...]] = []
    rest = [part for word in words for part in _parts(word)]
    while rest:
        count = _fitting(rest, first=not found)
        found.append(tuple(rest[:count]))
        rest = rest[count:]
    return found


def _parts(word: SpokenWord) -> Iterable[SpokenWord]:
    for at in range(0, len(word.text), _LONGEST_WORD):
        yield SpokenWord(word.text[at : at + _LONGEST_WORD], word.end)


def _fitting(words: Sequence[SpokenWord], *, first: bool) -> int:
    """How many of `words` make the next piece; the first one is short, to be heard soon."""
    enough = FIRST_PIECE_CHARS if first else PIECE_CHARS
    length = 0
    clause_end = 0
    for count, word in enumerate(words):
        length += len(word.text) + 1
        if length > PIECE_CHARS:
            return clause_end or count
        if _CLAUSE_END.search(word.text) and length > FIRST_PIECE_CHARS:
            clause_end = count + 1
            if length > enough:
                return clause_end
    return len(words)
