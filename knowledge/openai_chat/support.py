"""Which of the passages that a model was given does a sentence of its answer rest on?

A model does not say, and asking it to would be heard. The words tell: a sentence rests on the
passage that shares most of its weight (knowledge/evidence.py weighs words the same way).
"""

from collections.abc import Sequence

from knowledge.index import KnowledgeIndex
from knowledge.passages import Passage
from knowledge.terms import terms_of

MIN_SHARED = 0.5
"""Share of the weight of those words of a sentence that any passage has, for the first passage."""
MIN_WORDS = 2
"""Shared words; "Have a nice day" shares one with the opening hours, and rests on nothing."""
MOST = 2
"""Passages that are named for one sentence: a second one for the words that the first lacks."""


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
        known = self._told.intersection(terms_of(sentence))
        weights = {term: self._index.weight(term) for term in known}
        least = MIN_SHARED * sum(weights.values())
        found: list[Passage] = []
        while weights and len(found) < MOST:
            # Of equals the first: passages come with the best fit to the question first.
            passage, terms = max(
                self._passages, key=lambda one: sum(weights[t] for t in weights.keys() & one[1])
            )
            shared = weights.keys() & terms
            if len(shared) < MIN_WORDS or (not found and sum(weights[t] for t in shared) < least):
                break
            found.append(passage)
            weights = {term: weight for term, weight in weights.items() if term not in shared}
        return tuple(found)
