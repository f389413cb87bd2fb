"""Where words end in audio whose engine does not tell: in proportion to their letters."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from voice.spoken_form import SpokenWord
from voice.synthesis import Mark

_PAUSES = {",": 3, ";": 3, ":": 3, ".": 5, "!": 5, "?": 5}
"""A pause after a word, in letters: 0.2 s and 0.35 s at the usual pace."""


def word_ends(words: Sequence[SpokenWord]) -> list[tuple[int, float]]:
    """For each word (original character up to which it has been said, share of the time)."""
    weights = [len(word.text) + 1 + _PAUSES.get(word.text[-1:], 0) for word in words]
    if not weights:
        return []
    weights[-1] = len(words[-1].text)  # what follows the last word is cut off
    total = sum(weights)
    return [
        (word.end, reached / total)
        for word, reached in zip(words, accumulate(weights), strict=True)
    ]


def letters(words: Iterable[SpokenWord]) -> int:
    """What a pace in samples a letter is measured by."""
    return sum(len(word.text) + 1 for word in words)


class GuessedMarks:
    """Marks for a stream whose length is not known yet.

    A mark goes into the chunk where the guess puts it, and never into the stream's last sample:
    that is the whole sentence's. Where the guess was too slow, the last words have no mark of
    their own and count as said only when all is.

    guess: 24 kHz samples that the sentence will take.
    """

    def __init__(self, words: Sequence[SpokenWord], end: int, guess: float) -> None:
        ends = [(char, round(share * guess)) for char, share in word_ends(words)]
        # Several words may stand for one number: the last of them counts.
        self._ends = [(char, at) for char, at in dict(ends).items() if char < end]
        self._marked = 0
        self._last = 0

    def until(self, sample: int) -> tuple[Mark, ...]:
        """The marks up to `sample`, those not given yet, rising strictly."""
        reached = bisect_right(self._ends, sample, key=lambda end: end[1])
        found = []
        for char, at in self._ends[self._marked : reached]:
            if at > self._last:
                found.append(Mark(char, at))
                self._last = at
        self._marked = max(self._marked, reached)
        return tuple(found)
