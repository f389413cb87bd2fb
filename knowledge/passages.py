"""What knowledge hands out: passages with where they come from, and answers that cite them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document.

    document: its path below the agent's knowledge folder; title: its nearest heading.
    line: where it starts, from 1. score: higher is better, comparable within one search only.
    """

    document: str
    title: str
    text: str
    line: int
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. history: earlier (role, text) pairs, oldest first."""

    text: str
    history: Sequence[tuple[str, str]] = ()
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence to say, with the passages it rests on. known False: "I don't know that"."""

    text: str
    sources: tuple[Passage, ...] = ()
    known: bool = True


class AnswererError(Exception):
    """The answerer failed on this question. The message says what to do."""


class Answerer(Protocol):
    """Answers a question, sentence by sentence, as each is ready. Has no side effects."""

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        ...

    def answer(self, question: Question) -> AsyncIterator[AnswerSentence]:
        """At least one sentence; raises AnswererError when the engine fails."""
        ...

    async def aclose(self) -> None:
        """Frees what it holds."""
        ...
