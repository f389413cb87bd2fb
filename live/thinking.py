"""An answer on its way from words to sentences: a plain value that the mind fills."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from intents.understanding import Form, Understanding
from knowledge.passages import AnswerSentence, FunctionCall, TokenUsage
from live.asking import Asked
from live.replying import Replied


@dataclass(slots=True)
class Thinking:
    """An answer being worked out.

    known: every sentence at once, None if they are to come.
    otherwise: said when a function's output holds no words of its own.
    said: sentences so far. calls: functions that the client is to run; own: that the agent is, as
    soon as the turn has really ended.
    adopted: it has. anchor: the item that the agent's calls are noted to, None for nowhere.
    finished: nothing more will come. rounds: how often functions of the agent's were run.
    went_on: called when a function came back.
    replied: the prompt that the words answer, None if they are an ordinary turn.
    cut: why the answer stopped before its end, "" if it did not. usage: tokens not yet told of.
    """

    asked: Asked
    understanding: Understanding = field(default_factory=lambda: Understanding(None))
    form: Form | None = None
    known: tuple[AnswerSentence, ...] | None = None
    otherwise: str = ""
    said: list[AnswerSentence] = field(default_factory=list)
    calls: list[FunctionCall] = field(default_factory=list)
    own: list[FunctionCall] = field(default_factory=list)
    adopted: bool = False
    anchor: str | None = None
    finished: bool = False
    rounds: int = 0
    went_on: Callable[[], None] = lambda: None
    replied: Replied | None = None
    cut: Literal["", "max_output_tokens", "content_filter"] = ""
    usage: TokenUsage = field(default_factory=TokenUsage)

    def used(self, usage: TokenUsage) -> None:
        """Adds tokens."""
        self.usage = TokenUsage(
            self.usage.input_tokens + usage.input_tokens,
            self.usage.output_tokens + usage.output_tokens,
            self.usage.cached_tokens + usage.cached_tokens,
        )

    def take_usage(self) -> TokenUsage:
        """What was used since this was last asked."""
        usage, self.usage = self.usage, TokenUsage()
        return usage
