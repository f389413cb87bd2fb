"""Which of the passages that a model was given does a sentence of its answer rest on?

A model does not say, and asking it to would be heard. The words tell: a sentence rests on the
passage that shares most of its weight (knowledge/evidence.py weighs words the same way).
"""

from collections.abc import Sequence

from knowledge.index import KnowledgeIndex
from knowledge.passages import Passage
from knowledge.terms import terms_of

MIN_SHARED = 0.5
"""Share of the weight of those words of a sentence that any passage has."""
MIN_WORDS = 2
"""Shared words; "Have a nice day" shares one with the opening hours, and rests on nothing."""
AS_GOOD = 0.95
"""Of the best passage's weight, from which on another one supports the sentence as well."""
MOST = 3
"""Passages that are named for one sentence."""


class Support:
    """Of one answer."""

    def __init__(self, index: KnowledgeIndex, passages: Sequence[Passage]) -> None:
        self._index = index
        self._passages = [
            (passage, frozenset(terms_of(f"{passage.title} {passage.text}")))
            for passage in passages
        ]
        self._told = frozenset[str]().union(*(terms for _, terms in self._passages))

    def of(self, sentence: str) -> tuple[Passage, ...]:
        """The passages that support `sentence`, best first; most sentences have one or none."""
        weights = {
            term: self._index.weight(term) for term in self._told.intersection(terms_of(sentence))
        }
        least = MIN_SHARED * sum(weights.values())
        shared = [
            (sum(weights[term] for term in weights.keys() & terms), passage)
            for passage, terms in self._passages
            if len(weights.keys() & terms) >= MIN_WORDS
        ]
        best = max((weight for weight, _ in shared), default=0.0)
        if not best or best < least:
            return ()
        ranked = sorted(shared, key=lambda found: -found[0])
        return tuple(passage for weight, passage in ranked if weight >= AS_GOOD * best)[:MOST]
