"""What a question asks for: a price, a number, a time, a name; and the words it is about."""

import re
from dataclasses import dataclass

from knowledge.terms import terms_of

_TIME = re.compile(
    r"\d|\b(?:[ap]\.?m|noon|midnight|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?\b|\bcentury\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|"
    r"forty|fifty|hundreds?|thousands?|millions?|billions?|half|dozens?)\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"[£$€]|\b(?:costs?|pence|pounds?|dollars?|free|cheap\w*)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=\s)[\"'(]?[A-Z][\w'-]+")
_PLACE = re.compile(
    r"\b(?:at|near|beside|behind|under|outside|inside|in|from|to|on) (?!\d{4})", re.IGNORECASE
)
_BEING = re.compile(r"\b(?:is|are|was|were)\b")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question.

    asked: what it is recognised by; these words ask, so they say nothing of its subject.
    held: what a sentence that answers it mostly holds.
    """

    asked: re.Pattern[str]
    held: re.Pattern[str]

    def answers(self, sentence: str) -> bool:
        """Does the sentence hold the kind of thing that was asked for?"""
        return self.held.search(sentence) is not None


def _kind(asked: str, held: re.Pattern[str]) -> Kind:
    return Kind(re.compile(asked, re.IGNORECASE), held)


_KINDS = (
    _kind(
        r"\bhow much (?:is|are|does|do|for)\b(?:.*\bcosts?\b)?|\bwhat\b.*\bcosts?\b"
        r"|\bprices? (?:of|for)\b",
        _PRICE,
    ),
    _kind(r"\bhow (?:many|much|old|long|far|big|tall|large|often|high)\b", _NUMBER),
    _kind(
        r"\b(?:until )?when\b|\b(?:what|which) (?:time|year|day|month|date)\b|\bhow late\b", _TIME
    ),
    _kind(r"\b(?:who|whose|whom)\b", _NAME),
    _kind(r"\bwhere\b", _PLACE),
    _kind(r"\bwhat(?:'s| is| are)\b", _BEING),
)
"""The first that fits."""

_MEANT = (
    (re.compile(r"\bwhere (?:are you|is (?:it|this|that))\b", re.IGNORECASE), "address"),
    (re.compile(r"\b(?:get there|get to you|find you)\b", re.IGNORECASE), "address"),
    (re.compile(r"\b(?:call|reach|contact|phone|ring) you\b", re.IGNORECASE), "phone number"),
)
"""Questions made of words that say nothing, and the word that documents use for it."""


def kind_of(question: str) -> Kind | None:
    """What is asked for, None if the question does not tell."""
    return next((kind for kind in _KINDS if kind.asked.search(question)), None)


def content_terms(question: str) -> list[str]:
    """The terms of what the question is about, without those that only ask."""
    for meant, word in _MEANT:
        question = meant.sub(word, question)
    kind = kind_of(question)
    if kind is None:
        return terms_of(question)
    return terms_of(kind.asked.sub(_without_asking, question))


_ASKING = re.compile(
    r"\b(?:how (?:much|many|old|long|far|big|tall|large|often|high|late)|costs?|prices?|until"
    r"|time|year|day|month|date)\b",
    re.IGNORECASE,
)


def _without_asking(match: re.Match[str]) -> str:
    return _ASKING.sub(" ", match[0])
