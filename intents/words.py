"""Text as recognizers and keyboards give it, made into comparable words."""

import re
import unicodedata
from collections.abc import Sequence

FILLERS = frozenset({"um", "uh", "uhm", "er", "erm", "ah", "eh", "hm", "hmm", "mm", "mhm"})
"""Sounds that people make while they think; they carry no meaning."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*|\d+")
_UNITS = {"oz": "ounce", "ounces": "ounce", "ok": "okay", "gonna": "going to", "wanna": "want to"}
# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)
# fmt: on
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

NUMBERS = frozenset((*_SMALL, *_TENS[1:], "hundred"))
"""Words of numbers."""


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation or accents; numbers under 100 written out.

    >>> words_of("A 12-oz latté, please!")
    ['a', 'twelve', 'ounce', 'latte', 'please']
    """
    folded = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'"))
    folded = "".join(char for char in folded if not unicodedata.combining(char))
    words: list[str] = []
    for word in _WORD.findall(folded):
        plain = _written_out(int(word)) if word.isdecimal() and len(word) < 3 else word
        words.extend(_UNITS.get(plain, plain).split())
    return words


def without_fillers(words: list[str]) -> list[str]:
    """The words without the sounds of thinking."""
    return [word for word in words if word not in FILLERS]


def without_repeats(words: Sequence[str]) -> list[str]:
    """The words without those said twice in a row."""
    return [word for at, word in enumerate(words) if at == 0 or words[at - 1] != word]


def _written_out(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_SMALL[ones]}" if ones else _TENS[tens]
