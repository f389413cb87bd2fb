"""The full-text index of an agent's documents, in memory."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tantivy

from knowledge.documents import Chunk
from knowledge.passages import Passage
from knowledge.sentences import split_sentences
from knowledge.terms import terms_of

HEADING_BOOST = 1.5
"""A word in a heading says more of what a chunk is about than the same word in its text."""
MAX_QUERY_TERMS = 64
"""Of a question are looked up: a longer one is no question, and would slow the search."""
_WRITER_BYTES = 15_000_000
"""tantivy's least memory for a writer."""


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk with what is asked of it again and again.

    sentences: each with its terms in order. headings: the terms of its headings.
    """

    chunk: Chunk
    sentences: tuple[tuple[str, tuple[str, ...]], ...]
    headings: frozenset[str]


class KnowledgeIndex:
    """Built once from chunks; then searches from any thread, 0.1 ms on ten thousand chunks.

    on_lookup: called with the seconds that looking up a question took, on whatever thread did it.
    """

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.on_lookup: Callable[[float], None] = lambda _: None
        self._chunks = [_indexed(chunk) for chunk in chunks]
        builder = tantivy.SchemaBuilder()
        for field in ("text", "headings"):
            builder.add_text_field(field, tokenizer_name="whitespace")
        builder.add_unsigned_field("chunk", stored=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._frequencies: Counter[str] = Counter()
        self._fill()
        self._searcher = self._index.searcher()

    def __len__(self) -> int:
        return len(self._chunks)

    def search(self, query: str, limit: int = 5) -> list[Passage]:
        """The `limit` passages that share most with `query`, best first, with BM25 scores."""
        return [
            passage_of(self._chunks[at].chunk, score)
            for at, score in self.ranked(terms_of(query), limit)
        ]

    def ranked(self, terms: Sequence[str], limit: int) -> list[tuple[int, float]]:
        """Numbers of the best chunks for these terms with their BM25 scores, best first."""
        terms = list(dict.fromkeys(terms))[:MAX_QUERY_TERMS]
        if not terms or not self._chunks:
            return []
        result = self._searcher.search(self._query(terms), limit)
        found: list[tuple[int, float]] = []
        for score, address in result.hits:
            found.append((self._searcher.doc(address)["chunk"][0], score))
        return found

    def chunk(self, at: int) -> IndexedChunk:
        """The chunk with this number."""
        return self._chunks[at]

    def weight(self, term: str) -> float:
        """How much a term says: its inverse document frequency, highest for an unknown one."""
        frequency = self._frequencies[term]
        return math.log(1 + (len(self._chunks) - frequency + 0.5) / (frequency + 0.5))

    def _query(self, terms: Sequence[str]) -> tantivy.Query:
        clauses: list[tuple[Any, tantivy.Query]] = []
        for term in terms:
            text = tantivy.Query.term_query(self._schema, "text", term)
            heading = tantivy.Query.term_query(self._schema, "headings", term)
            clauses.append((tantivy.Occur.Should, text))
            clauses.append(
                (tantivy.Occur.Should, tantivy.Query.boost_query(heading, HEADING_BOOST))
            )
        return tantivy.Query.boolean_query(clauses)

    def _fill(self) -> None:
        writer = self._index.writer(_WRITER_BYTES, 1)
        for at, indexed in enumerate(self._chunks):
            chunk = indexed.chunk
            text, headings = terms_of(chunk.text), terms_of(" ".join(chunk.headings))
            self._frequencies.update({*text, *headings})
            writer.add_document(
                tantivy.Document(text=" ".join(text), headings=" ".join(headings), chunk=at)
            )
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()


def _indexed(chunk: Chunk) -> IndexedChunk:
    sentences = [chunk.text] if chunk.row else split_sentences(chunk.text)
    return IndexedChunk(
        chunk,
        tuple((sentence, tuple(terms_of(sentence))) for sentence in sentences),
        frozenset(terms_of(" ".join(chunk.headings))),
    )


def passage_of(chunk: Chunk, score: float = 0.0) -> Passage:
    """The chunk as what is cited."""
    title = chunk.headings[-1] if chunk.headings else ""
    return Passage(chunk.document, title, chunk.text, chunk.line, score)
