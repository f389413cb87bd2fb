"""Finds the values of an intent's slots in what was said: the longest match at each place."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from intents.definition import SlotDefinition
from intents.words import NUMBERS, words_of


class Wish(Enum):
    """What the speaker wants of a value."""

    HAVE = "have"
    NOT = "not"
    """Surely not: "without milk", "not a large"."""
    NO = "no"
    """"no milk" takes milk away, but "no, soy milk" asks for it: the form decides."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A value at words[start:end].

    offered False: people ask for it, and it cannot be had.
    corrects: the speaker took back something said before: "a large, no, a medium latte".
    """

    slot: str
    value: str
    start: int
    end: int
    wish: Wish = Wish.HAVE
    offered: bool = True
    corrects: bool = False


_Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    words: _Words
    slot: str
    value: str
    offered: bool


_BETWEEN = frozenset({"any", "the", "a", "an", "of", "more", "with"})
_AGAINST = frozenset({"without", "hold", "skip", "remove", "not", "minus"})
_CORRECTING = frozenset({"no", "sorry", "actually", "mean", "meant", "rather", "wait", "make"})
_ARTICLES = ("a", "an")


class SlotSpotter:
    """Built once from an intent's slots; then pure.

    Beside each value it knows its aliases, the value without its article ("bit of milk"), the
    plural of its last word, and the value without its last word where that is one value's alone
    ("almond"), because recognizers drop and add just these.
    """

    def __init__(self, slots: Mapping[str, SlotDefinition]) -> None:
        listed = {entry.words: entry for entry in reversed(list(_entries(slots)))}
        # What is listed comes before anything derived from it.
        whole = _derived(listed.values(), _variants) | listed
        known = _cut_short(listed.values()) | whole
        self._by_first: dict[str, list[_Entry]] = {}
        for entry in sorted(known.values(), key=lambda entry: -len(entry.words)):
            self._by_first.setdefault(entry.words[0], []).append(entry)
        self.vocabulary = frozenset(word for words in whole for word in words)
        self._whole = frozenset(whole)
        self._beginnings = {words[:length] for words in whole for length in range(1, len(words))}

    def spot(self, words: Sequence[str]) -> list[Spot]:
        """The values in `words`, in order, none overlapping another."""
        spots: list[Spot] = []
        at = 0
        while at < len(words):
            entry = self._longest(words, at)
            if entry is None:
                at += 1
                continue
            end = at + len(entry.words)
            between = words[spots[-1].end : at] if spots else ()
            corrects = not _CORRECTING.isdisjoint(between)
            wish = _wish(words, at)
            spots.append(Spot(entry.slot, entry.value, at, end, wish, entry.offered, corrects))
            at = end
        return spots

    def ends_inside_value(self, words: Sequence[str]) -> bool:
        """Do the last words begin a value that is not finished: "a lot of", "iced"?"""
        tails = (tuple(words[at:]) for at in range(len(words)))
        return any(tail in self._beginnings and tail not in self._whole for tail in tails)

    def may_go_on(self, words: Sequence[str]) -> bool:
        """Do the last words begin a longer value: "medium" of "medium roast"?"""
        return any(tuple(words[at:]) in self._beginnings for at in range(len(words)))

    def _longest(self, words: Sequence[str], at: int) -> _Entry | None:
        for entry in self._by_first.get(words[at], ()):
            if tuple(words[at : at + len(entry.words)]) == entry.words:
                return entry
        return None


def _entries(slots: Mapping[str, SlotDefinition]) -> Iterator[_Entry]:
    for name, slot in slots.items():
        for value in slot.values:
            yield _Entry(tuple(words_of(value)), name, value, True)
        for said, value in slot.aliases.items():
            yield _Entry(tuple(words_of(said)), name, value, True)
        for value in slot.not_offered:
            yield _Entry(tuple(words_of(value)), name, value, False)


def _derived(
    entries: Iterable[_Entry], variants: Callable[[_Words], Iterator[_Words]]
) -> dict[_Words, _Entry]:
    return {
        words: replace(entry, words=words) for entry in entries for words in variants(entry.words)
    }


def _cut_short(entries: Collection[_Entry]) -> dict[_Words, _Entry]:
    """Values without their last word, where no other value begins so.

    Not down to a bare number: it does not say what it counts.
    """
    beginnings = Counter(
        entry.words[:length] for entry in entries for length in range(1, len(entry.words))
    )
    cut = _derived(entries, lambda words: iter([words[:-1]] if len(words) > 1 else []))
    return {
        words: entry
        for words, entry in cut.items()
        if beginnings[words] == 1 and not NUMBERS.issuperset(words)
    }


def _variants(words: _Words) -> Iterator[_Words]:
    yield (*words[:-1], words[-1] + "s")
    if len(words) > 1 and words[0] in _ARTICLES:
        yield words[1:]


def _wish(words: Sequence[str], start: int) -> Wish:
    """What the words before a value say of it."""
    at = start - 1
    while at >= 0 and words[at] in _BETWEEN:
        at -= 1
    if at < 0:
        return Wish.HAVE
    if words[at] in _AGAINST or tuple(words[max(0, at - 1) : at + 1]) in _AGAINST_PAIRS:
        return Wish.NOT
    return Wish.NO if words[at] == "no" else Wish.HAVE


_AGAINST_PAIRS = frozenset(
    {("don't", "want"), ("not", "want"), ("leave", "out"), ("don't", "like"), ("don't", "add")}
)
