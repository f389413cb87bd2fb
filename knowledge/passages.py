"""What knowledge hands out: passages with where they come from, and answers that cite them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias


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
class Tool:
    """A function that an answerer may call. parameters: a JSON schema of its one object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call the answerer wants made. arguments: a JSON object as text, as the model wrote it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class FunctionOutput:
    """What became of a call, in the form its caller gave it."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said, as it was heard."""

    role: Literal["user", "assistant", "system"]
    text: str


Exchange: TypeAlias = Message | FunctionCall | FunctionOutput
"""What an answerer is told of the conversation so far."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. history: what came before, oldest first.

    text: "" when the answer goes on after function outputs, which end `history` then.
    tools: what may be called, the client's and the agent's own. tool_choice: "auto", "none",
        "required", or a tool's name.
    max_output_tokens: None for no bound.
    """

    text: str
    history: Sequence[Exchange] = ()
    instructions: str = ""
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence to say, with the passages it rests on. known False: "I don't know that"."""

    text: str
    sources: tuple[Passage, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens that an answer cost, as its engine counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class AnswerCut:
    """The answer stopped before its end. reason: in the Realtime protocol's words.

    Comes after what was answered so far; usage may follow. Whoever asked says what there is.
    """

    reason: Literal["max_output_tokens", "content_filter"]


AnswerPart: TypeAlias = AnswerSentence | FunctionCall | AnswerCut | TokenUsage
"""What an answer is made of; usage comes last, if at all."""


class AnswererError(Exception):
    """The answerer failed on this question. The message says what to do."""


class Answerer(Protocol):
    """Answers a question, part by part, as each is ready. Has no side effects: whoever asked makes
    the calls, once the turn has really ended, and asks again with their outputs."""

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        ...

    def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        """At least one sentence or call; raises AnswererError when the engine fails."""
        ...

    async def aclose(self) -> None:
        """Frees what it holds."""
        ...
