"""How words sound, in the phones of the CMU pronouncing dictionary.

A known word is looked up; one that is built of known parts ("lattes", "flatbread") is put
together; any other is spelled out by a few letter-to-sound rules, so that an agent's own names
can at least be heard when they are said as they are written.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

Phones = str
"""Phones separated by one space, as the dictionary writes them: "L AA T EY"."""

EVERYDAY: Mapping[str, tuple[Phones, ...]] = {
    "americano": ("AH M EH R IH K AA N OW", "AH M EH R AH K AE N OW"),
    "cappuccino": ("K AE P AH CH IY N OW", "K AA P UW CH IY N OW"),
    "espresso": ("EH S P R EH S OW", "EH K S P R EH S OW", "IH S P R EH S OW"),
    "latte": ("L AA T EY", "L AE T EY", "L AO T EY"),
    "mocha": ("M OW K AH", "M AO K AH", "M OW CH AH"),
    "wifi": ("W AY F AY",),
}
"""Ways people say words that the dictionary lacks, or knows in one way only."""

_VOICELESS = frozenset(["P", "T", "K", "F", "TH"])
_HISSING = frozenset(["S", "Z", "SH", "ZH", "CH", "JH"])
_MAX_PARTS_LENGTH = 24  # a longer word is no compound; spelling it out is bounded work

# The longest match wins; "^" is the word's start, "$" its end.
_RULES: Mapping[str, Phones] = {
    "b": "B", "d": "D", "f": "F", "g": "G", "h": "HH", "j": "JH", "k": "K", "l": "L", "m": "M",
    "n": "N", "p": "P", "r": "R", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z",
    "a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH", "y": "IY", "^y": "Y",
    "c": "K", "q": "K", "x": "K S", "^x": "Z", "qu": "K W", "ck": "K", "ch": "CH", "sh": "SH",
    "th": "TH", "ph": "F", "wh": "W", "ng$": "NG", "nk": "NG K", "kn": "N", "^wr": "R",
    "^ps": "S", "gh": "", "^gh": "G", "tch": "CH", "dge": "JH", "sch": "SH", "cc": "K",
    "cce": "K S EH", "cci": "CH IY", "ce": "S EH", "ci": "S IH", "cy": "S IY", "ce$": "S",
    "ge$": "JH", "gi": "JH IH", "gy": "JH IY", "e$": "", "ee": "IY", "ea": "IY", "ie": "IY",
    "ei": "EY", "ey": "EY", "ey$": "IY", "ai": "EY", "ay": "EY", "oa": "OW", "oe": "OW",
    "oo": "UW", "ou": "AW", "ow": "OW", "oy": "OY", "oi": "OY", "au": "AO", "aw": "AO",
    "eu": "Y UW", "ew": "UW", "ue$": "UW", "ui": "UW", "ar": "AA R", "er": "ER", "ir": "ER",
    "or": "AO R", "ur": "ER", "air": "EH R", "ear": "IH R", "eer": "IH R", "our": "AO R",
    "all": "AO L", "igh": "AY", "ight": "AY T", "tion": "SH AH N", "sion": "ZH AH N",
    "ture": "CH ER", "ous$": "AH S", "le$": "AH L", "a$": "AH", "o$": "OW", "i$": "IY",
    "u$": "UW", "es$": "Z", "ed$": "D", "y$": "IY", "que$": "K", "gue$": "G",
}  # fmt: skip

_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW"}
_VOWELS = frozenset("aeiouy")


class Pronunciations:
    """Looks words up in a pronouncing dictionary, and guesses the ones that it lacks."""

    def __init__(self, dictionary: Path) -> None:
        """dictionary: a CMU dictionary file (`word PH OW N Z`, variants as `word(2)`)."""
        self._known: dict[str, list[Phones]] = {}
        for line in dictionary.read_text(encoding="utf-8").splitlines():
            word, _, phones = line.partition(" ")
            self._known.setdefault(word.partition("(")[0], []).append(phones.strip())
        for word, spoken in EVERYDAY.items():
            self._known[word] = list(dict.fromkeys([*spoken, *self._known.get(word, ())]))

    def of(self, word: str) -> tuple[Phones, ...]:
        """Every way to say `word` (lower case, letters and apostrophes), never empty."""
        known = self._known.get(word)
        if known is None:
            known = self._inflected(word) or self._compound(word) or [spell_out(word)]
        return tuple(known)

    def _inflected(self, word: str) -> list[Phones]:
        for ending in ("'s", "s'", "es", "s"):
            stem = self._known.get(word.removesuffix(ending)) if word.endswith(ending) else None
            if stem is not None:
                return [f"{phones} {_plural(phones)}" for phones in stem]
        return []

    def _compound(self, word: str) -> list[Phones]:
        """The first split into two known words of three letters or more, longest first part."""
        for at in range(min(len(word), _MAX_PARTS_LENGTH) - 3, 2, -1):
            first, second = self._known.get(word[:at]), self._known.get(word[at:])
            if first is not None and second is not None:
                return [f"{first[0]} {second[0]}"]
        return []


def dictionary_text(words: Iterable[str], pronunciations: Pronunciations) -> str:
    """The words' lines for a recognizer's dictionary file, sorted."""
    lines = []
    for word in sorted(set(words)):
        for number, phones in enumerate(pronunciations.of(word), 1):
            lines.append(f"{word}{f'({number})' if number > 1 else ''} {phones}")
    return "\n".join([*lines, ""])


def _plural(phones: Phones) -> Phones:
    last = phones.rpartition(" ")[2]
    if last in _HISSING:
        return "IH Z"
    return "S" if last in _VOICELESS else "Z"


def spell_out(word: str) -> Phones:
    """Phones guessed from the letters; a schwa for a word without any letter that sounds."""
    letters = "^" + "".join(c for c in word if c.isascii() and c.isalpha()) + "$"
    phones: list[str] = []
    at = 1
    while at < len(letters) - 1:
        length, sound = _longest_rule(letters, at)
        phones += sound.split()
        at += length
    return " ".join(phones) or "AH"


def _longest_rule(letters: str, at: int) -> tuple[int, Phones]:
    """How many letters the rule at `at` takes, and their sound."""
    if _is_silent_e_vowel(letters, at):
        return 1, _LONG[letters[at]]
    if letters[at] == letters[at + 1] and letters[at] not in _VOWELS and letters[at] != "c":
        return 1, ""  # a doubled consonant sounds once
    for length in (4, 3, 2, 1):
        part = letters[at : at + length]
        marked = ("^" if at == 1 else "") + part + ("$" if at + length == len(letters) - 1 else "")
        for candidate in (marked, marked.removeprefix("^"), marked.removesuffix("$"), part):
            if candidate in _RULES and len(part) == length and "$" not in part:
                return length, _RULES[candidate]
    return 1, ""


def _is_silent_e_vowel(letters: str, at: int) -> bool:
    """Is this the long vowel of "fine" and "cake": one vowel, one consonant, a final e?"""
    return (
        letters[at] in _LONG
        and letters[at - 1] not in _VOWELS
        and letters[at + 2 :] == "e$"
        and letters[at + 1] not in _VOWELS | {"x", "r"}
    )
