"""How well does a sentence answer a question? Judged by the words that they share.

A question's terms weigh by how rare they are in the documents. A sentence gets the share of that
weight that it covers, less for what only its surroundings (headings, the rest of its
chunk) cover, and a little for holding the kind of thing that was asked for: a time, a price, a
name.
"""

import time
from dataclasses import dataclass

from knowledge.documents import Chunk
from knowledge.index import KnowledgeIndex
from knowledge.questions import content_terms, kind_of

CANDIDATES = 20
"""Chunks whose sentences are looked at. XQuAD does as well with 8, but a list of seven like lines
(opening hours) hid the right chunk then; 30 only cost time."""
SURROUNDINGS_SHARE = 0.4
KIND_BONUS = 0.12
"""On XQuAD 0.3 to 0.5 and 0.08 to 0.25 do equally well: within 0.01 of the answers."""
RANK_BONUS = 0.1
"""For the best chunk by BM25, less for others: it decides between equals."""
SUBJECT_BONUS = 0.05
"""For a sentence that begins with a word of the question: that is what it speaks of."""
LEAD_BONUS = 0.04
"""For the first paragraph under a heading, where documents say the general thing."""
BEFORE_SHARE = 0.4
"""Of a word's weight remains if it was only said in the question before."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may answer.

    score: to rank by. covered: share of the question's weight found in the sentence or around it.
    """

    chunk: Chunk
    sentence: str
    at: int
    score: float
    covered: float


def gather(index: KnowledgeIndex, question: str, before: str = "") -> list[Evidence]:
    """Sentences that may answer `question`, best first; empty if it has no word that counts.

    before: what was asked before, if `question` only goes on from it ("and on Saturday?").
    """
    began = time.perf_counter()
    found = _gathered(index, question, before)
    index.on_lookup(time.perf_counter() - began)
    return found


def _gathered(index: KnowledgeIndex, question: str, before: str) -> list[Evidence]:
    kind = kind_of(question) or kind_of(before)
    weights = {term: BEFORE_SHARE * index.weight(term) for term in content_terms(before)}
    weights |= {term: index.weight(term) for term in content_terms(question)}
    total = sum(weights.values())
    if not total:
        return []
    ranked = index.ranked(list(weights), CANDIDATES)
    found: list[Evidence] = []
    for number, bm25 in ranked:
        indexed = index.chunk(number)
        whole = indexed.headings.union(*(terms for _, terms in indexed.sentences))
        around = sum(weights[term] for term in weights.keys() & whole)
        rank = RANK_BONUS * bm25 / ranked[0][1] + LEAD_BONUS * indexed.chunk.leads
        for at, (sentence, terms) in enumerate(indexed.sentences):
            inner = sum(weights[term] for term in weights.keys() & set(terms))
            score = (inner + SURROUNDINGS_SHARE * (around - inner)) / total
            score += KIND_BONUS * bool(kind and kind.answers(sentence))
            score += SUBJECT_BONUS * (terms[:1] != () and terms[0] in weights)
            score += rank
            found.append(Evidence(indexed.chunk, sentence, at, score, around / total))
    return sorted(found, key=lambda evidence: -evidence.score)
