"""Text for the eye into text for the ear: "$4.50 at 7:30 pm" is said in words.

Every spoken word knows the character of the original up to which it has been said, so that an
interrupted answer can be cut where the listener stopped hearing it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from voice.spoken_english import ENGLISH


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word to say, with its punctuation.

    text: as it is said, without spaces.
    end: once it has been said, and every later word with the same `end`, `original[:end]` has
        been.
    """

    text: str
    end: int


Rules = Sequence[tuple["re.Pattern[str]", Callable[["re.Match[str]"], str | None]]]
"""A language: patterns and how what they match is said; None leaves it as it is written.

Where several match at the same place, the first one counts.
"""

LANGUAGES: Mapping[str, Rules] = {"en": ENGLISH}

_PLAIN = re.compile(r"[^\s—–]+|[—–]+")  # noqa: RUF001
_SIGNS = str.maketrans("’‘“”…—–", "''\"\".--")  # noqa: RUF001
_SAID = frozenset("'-.,;:!?\"()")
"""Signs that engines make pauses and melody of; others (*, _, `, #, emoji) are left out."""

_AFTER_WORDS = frozenset("'.,;:!?\")")


def spoken_form(text: str, language: str = "en") -> tuple[SpokenWord, ...]:
    """The words to say for `text`; none if there is nothing speakable in it.

    language: BCP 47; one without rules is said as it is written.
    """
    words = _Words()
    done = 0
    for match, said in _replacements(text, LANGUAGES.get(language[:2].lower(), ())):
        _as_written(text, done, match.start(), words)
        words.add(said.split(), match.start(), match.end())
        done = match.end()
    _as_written(text, done, len(text), words)
    return words.finished()


def _replacements(text: str, rules: Rules) -> Iterator[tuple["re.Match[str]", str]]:
    """Matches in the text's order, none overlapping, each with what is said for it."""
    upcoming = [pattern.search(text) for pattern, _ in rules]
    at = 0
    while True:
        for number, match in enumerate(upcoming):
            if match is not None and match.start() < at:
                upcoming[number] = rules[number][0].search(text, at)
        found = [
            (match.start(), number) for number, match in enumerate(upcoming) if match is not None
        ]
        if not found:
            return
        _, number = min(found)
        match = upcoming[number]
        assert match is not None  # `found` holds no other
        said = rules[number][1](match)
        if said is None:
            upcoming[number] = rules[number][0].search(text, match.start() + 1)
            continue
        yield match, said
        at = max(match.end(), at + 1)


def _as_written(text: str, start: int, end: int, words: "_Words") -> None:
    for match in _PLAIN.finditer(text, start, end):
        said = "".join(
            sign for sign in match.group().translate(_SIGNS) if sign.isalnum() or sign in _SAID
        )
        if any(map(str.isalnum, said)):
            words.add([said.strip("-")], match.start(), match.end())
        else:
            words.add_signs(said, match.start(), match.end())


class _Words:
    """The words so far, and signs that wait for the word they open."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._ends: list[int] = []
        self._opening = ""
        self._opening_end = -1

    def add(self, said: list[str], start: int, end: int) -> None:
        """Words that stand for the original's characters from start to end."""
        if said and self._opening and self._opening_end == start:
            said = [self._opening + said[0], *said[1:]]
        self._opening = ""
        self._words += said
        self._ends += [end] * len(said)

    def add_signs(self, signs: str, start: int, end: int) -> None:
        """Signs without a word: they close the word before, or open the next."""
        if self._words and self._ends[-1] == start and set(signs) <= _AFTER_WORDS:
            self._words[-1] += signs
            index = len(self._ends) - 1
            while index >= 0 and self._ends[index] == start:  # all words of one number
                self._ends[index] = end
                index -= 1
        elif "-" in signs:  # a dash between words is a pause
            if self._words and self._words[-1][-1].isalnum():
                self._words[-1] += ","
        else:
            self._opening, self._opening_end = signs, end

    def finished(self) -> tuple[SpokenWord, ...]:
        return tuple(map(SpokenWord, self._words, self._ends))
