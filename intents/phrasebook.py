"""Sentences that mean an intent as they stand: greetings, yes, no, thanks."""

from collections.abc import Iterator, Mapping, Sequence

from intents.templates import Template, sentences_of
from intents.words import words_of

MAX_SENTENCES_PER_TEMPLATE = 2_000
"""A template that expands to more is cut; small talk has a few dozen."""

_BEFORE = frozenset(
    {"sorry", "so", "well", "oh", "okay", "and", "hey", "hi", "hello", "please", "then"}
)
_AFTER = frozenset({"please", "thanks", "then", "now", "okay"})


class Phrasebook:
    """Whole sentences to intents, after courtesy around them is taken off."""

    def __init__(self, templates: Mapping[str, Sequence[Template]]) -> None:
        self._meanings: dict[tuple[str, ...], str] = {}
        for intent, intent_templates in templates.items():
            for template in intent_templates:
                for sentence in sentences_of(template, MAX_SENTENCES_PER_TEMPLATE):
                    words = tuple(words_of(sentence))
                    if words:
                        self._meanings.setdefault(words, intent)

    def find(self, words: Sequence[str]) -> str | None:
        """The intent that says exactly this, or None."""
        for stripped in _without_courtesy(tuple(words)):
            meaning = self._meanings.get(stripped)
            if meaning is not None:
                return meaning
        return None


def _without_courtesy(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    start, end = 0, len(words)
    while end - start > 1 and words[start] in _BEFORE:
        start += 1
        yield words[start:end]
    while end - start > 1 and words[end - 1] in _AFTER:
        end -= 1
        yield words[start:end]
    if end - start > 2 and words[end - 2 : end] == ("thank", "you"):
        yield words[start : end - 2]
