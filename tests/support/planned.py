"""An answerer that gives what a test planned, and functions that note how they were called."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from knowledge.passages import AnswerPart, AnswerSentence, FunctionCall, Question, Tool
from live.parts import Parts
from live.tools import ToolContext, ToolError
from tests.support.talking import scripted_parts

OWN = Tool("order_status", "How far an order is.", {"type": "object", "properties": {}})


def calls(name: str, arguments: str = "{}", call_id: str = "call_1") -> FunctionCall:
    """A call that a model wants made."""
    return FunctionCall(call_id, name, arguments)


class PlannedAnswerer:
    """Each question gets the next of `rounds`, the last one again and again.

    questions: what was asked, in order.
    """

    name = "planned"

    def __init__(self, *rounds: Sequence[AnswerPart | str]) -> None:
        self._rounds = list(rounds)
        self.questions: list[Question] = []

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        self.questions.append(question)
        parts = self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]
        for part in parts:
            yield AnswerSentence(part) if isinstance(part, str) else part

    async def aclose(self) -> None: ...


class NotedTools:
    """One function, `order_status`. called: the arguments it was called with, and for whom.

    gives: its result, or why it fails. hold: makes it wait until `go` is set.
    """

    tools: Sequence[Tool] = (OWN,)

    def __init__(self, gives: str | ToolError = '{"ready": true}', *, hold: bool = False) -> None:
        self._gives = gives
        self.called: list[tuple[Mapping[str, Any], ToolContext]] = []
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        if not hold:
            self.go.set()

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        assert name == OWN.name
        self.called.append((arguments, context))
        self.begun.set()
        await self.go.wait()
        if isinstance(self._gives, ToolError):
            raise self._gives
        return self._gives


def model_parts(answerer: PlannedAnswerer, tools: NotedTools | None = None) -> Parts:
    """The café with a language model that follows the test's plan."""
    parts = replace(scripted_parts(), answerer=answerer, follows_instructions=True)
    return parts if tools is None else replace(parts, toolbox=tools)
