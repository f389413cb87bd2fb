"""Splits prose into sentences."""

import re

_END = re.compile(r"""[.!?]+["'\u201d\u2019)\]]*\s+(?=["'\u201c\u2018(\[]?[A-Z0-9£$€])""")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|No|vs|etc|approx|Jr|Sr|Inc|Ltd|Co|Mt|Gen|Rev|Fig|ca|c)|"
    r"\b[A-Z]|\b[a-z]\.[a-z])\.$"
)
"""What ends with a full stop without ending a sentence: titles, initials, "e.g."."""


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph, whitespace tidied.

    >>> split_sentences("Dr. Holm opened it. It has 3.5 rooms! Is that so?")
    ['Dr. Holm opened it.', 'It has 3.5 rooms!', 'Is that so?']
    """
    text = " ".join(text.split())
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(text):
        sentence = text[start : end.end()].strip()
        if ends_in_abbreviation(sentence):
            continue
        sentences.append(sentence)
        start = end.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences


def ends_in_abbreviation(text: str) -> bool:
    """Whether the full stop at the end of `text` is an abbreviation's or an initial's."""
    return _ABBREVIATION.search(text) is not None
