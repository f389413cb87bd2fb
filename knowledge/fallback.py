"""A second answerer for when the first one fails."""

from collections.abc import AsyncIterator
from dataclasses import replace

import structlog

from knowledge.asking import asked_before
from knowledge.counts import ModelCounts
from knowledge.passages import Answerer, AnswererError, AnswerPart, Message, Question

log = structlog.get_logger(__name__)


class FallbackAnswerer:
    """`second` answers what `first` fails on before it has said anything.

    Once a part of the first's answer is out the second would begin anew, and be heard to: from then
    on the first's failure is raised.
    """

    def __init__(self, first: Answerer, second: Answerer, counts: ModelCounts) -> None:
        self._first = first
        self._second = second
        self._counts = counts

    @property
    def name(self) -> str:
        """The first one's, which mostly answers."""
        return self._first.name

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        """The first's answer, or the second's; raises AnswererError when both fail."""
        begun = False
        try:
            async for part in self._first.answer(question):
                begun = True
                yield part
            return
        except AnswererError as error:
            if begun or _is_told_to_speak(question):
                raise
            self._counts.fell_back += 1
            log.warning("answer_fell_back", model=self._first.name, reason=str(error))
        if not question.text:
            # Only who made the calls can go on from their outputs; the question can be answered.
            question = replace(question, text=asked_before(question))
        async for part in self._second.answer(question):
            yield part

    async def aclose(self) -> None:
        """Closes both."""
        await self._first.aclose()
        await self._second.aclose()


def _is_told_to_speak(question: Question) -> bool:
    """Nobody asked anything: the second, which only answers, would say its last answer again."""
    last = question.history[-1] if question.history else None
    return not question.text and isinstance(last, Message) and last.role == "system"
