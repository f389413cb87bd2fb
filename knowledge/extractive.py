"""Answers with the documents' own sentences, and says so when they do not hold the answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date

from knowledge.asking import what_is_asked
from knowledge.documents import spoken_row
from knowledge.evidence import Evidence, gather
from knowledge.index import KnowledgeIndex, passage_of
from knowledge.passages import AnswerSentence, Question
from knowledge.terms import terms_of

MIN_COVERED = 0.5
"""Share of a question's weight that must be found. On XQuAD's English half (bench/answers.py)
0.5 refuses 0.91 of the questions without an answer and 0.08 of those with one; 0.4: 0.75, 0.02;
0.6: 0.95, 0.17. A wrong answer, spoken, costs more than asking again."""
SECOND_SHARE = 0.8
"""Of the best score a second sentence of the same chunk needs to be said too. Before refusals, on
XQuAD, what is said held the answer in 0.89 with 1.35 sentences; 0.82 with one, 0.91 with two."""

_POINTS_BACK = re.compile(r"(?:He|She|It|They|This|These|Those|His|Her|Its|Their|Such)\b")
"""Beginnings that are only understood after the sentence before."""


class ExtractiveAnswerer:
    """Picks the sentence that shares most with the question, if it shares enough.

    unknown: said when nothing does. today: the date where the agent is, so that "today" and
    "tomorrow" find the weekday's sentence.
    """

    name = "extractive"

    def __init__(
        self,
        index: KnowledgeIndex,
        unknown: str = "Sorry, I don't know that.",
        *,
        today: Callable[[], date] = date.today,
        min_covered: float = MIN_COVERED,
    ) -> None:
        self._index = index
        self._unknown = unknown
        self._today = today
        self._min_covered = min_covered

    async def answer(self, question: Question) -> AsyncIterator[AnswerSentence]:
        """One or two sentences; see `answers`."""
        for sentence in await asyncio.to_thread(self.answers, question):
            yield sentence

    def answers(self, question: Question) -> list[AnswerSentence]:
        """The sentences to say, without an event loop; takes about 1 ms."""
        asked, before = what_is_asked(question, self._today())
        found = gather(self._index, asked, before)
        if not found or found[0].covered < self._min_covered:
            return [AnswerSentence(self._unknown, known=False)]
        best = found[0]
        said = [best]
        if _POINTS_BACK.match(best.sentence):
            said += [e for e in found if e.chunk is best.chunk and e.at == best.at - 1]
        elif len(found) > 1 and _adds(found[1], best):
            said.append(found[1])
        # In the order of the document, which is how they were written to be read.
        return [_spoken(e, asked, before) for e in sorted(said, key=lambda e: e.at)]

    async def aclose(self) -> None:
        """Nothing to free: the index is the caller's."""


def _adds(second: Evidence, best: Evidence) -> bool:
    return second.chunk is best.chunk and second.score >= SECOND_SHARE * best.score


def _spoken(evidence: Evidence, asked: str, before: str) -> AnswerSentence:
    """The sentence; of a table's row only the cells whose columns were asked for, if any were."""
    row = evidence.chunk.row
    source = passage_of(evidence.chunk, evidence.score)
    cells = _cells(row, asked) or _cells(row, before)
    text = spoken_row([row[0], *cells]) if cells else evidence.sentence
    return AnswerSentence(text, (source,))


def _cells(row: Sequence[tuple[str, str]], question: str) -> list[tuple[str, str]]:
    terms = set(terms_of(question))
    return [cell for cell in row[1:] if cell[0] and terms.issuperset(terms_of(cell[0]))]
