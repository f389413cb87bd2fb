"""The second answerer takes over, but never in the middle."""

from collections.abc import AsyncIterator

import pytest

from knowledge.counts import ModelCounts
from knowledge.fallback import FallbackAnswerer
from knowledge.passages import (
    AnswererError,
    AnswerPart,
    AnswerSentence,
    FunctionCall,
    FunctionOutput,
    Message,
    Question,
)
from knowledge.scripted import ScriptedAnswerer

SECOND = ScriptedAnswerer([], {"why": ["Because."]}, unknown="No idea.")


class Failing:
    """Says some sentences, then fails."""

    name = "failing"

    def __init__(self, *sentences: str) -> None:
        self._sentences = sentences
        self.closed = False

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        for text in self._sentences:
            yield AnswerSentence(text)
        raise AnswererError("it broke")

    async def aclose(self) -> None:
        self.closed = True


async def said(answerer: FallbackAnswerer, question: Question) -> list[AnswerPart]:
    return [part async for part in answerer.answer(question)]


async def test_the_first_answers_when_it_can() -> None:
    counts = ModelCounts()
    answerer = FallbackAnswerer(ScriptedAnswerer(["Hello."]), SECOND, counts)
    assert await said(answerer, Question("why")) == [AnswerSentence("Hello.")]
    assert counts.fell_back == 0
    assert answerer.name == "scripted"


async def test_the_second_answers_when_the_first_fails() -> None:
    counts = ModelCounts()
    answerer = FallbackAnswerer(Failing(), SECOND, counts)
    assert await said(answerer, Question("why")) == [AnswerSentence("Because.")]
    assert counts.fell_back == 1


async def test_once_something_is_said_there_is_no_second_beginning() -> None:
    answerer = FallbackAnswerer(Failing("Well."), SECOND, ModelCounts())
    answer = aiter(answerer.answer(Question("why")))
    assert await anext(answer) == AnswerSentence("Well.")
    with pytest.raises(AnswererError, match="it broke"):
        await anext(answer)


async def test_after_a_call_the_second_answers_what_was_asked() -> None:
    history = (
        Message("user", "why"),
        FunctionCall("c", "status", "{}"),
        FunctionOutput("c", "ready"),
    )
    answerer = FallbackAnswerer(Failing(), SECOND, ModelCounts())
    assert await said(answerer, Question("", history)) == [AnswerSentence("Because.")]


async def test_closing_closes_both() -> None:
    first, second = Failing(), Failing()
    await FallbackAnswerer(first, second, ModelCounts()).aclose()
    assert first.closed
    assert second.closed
