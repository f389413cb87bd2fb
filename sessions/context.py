"""What a conversation remembers: one immutable value, stored as one JSON document."""

import secrets
from collections.abc import Mapping
from time import time
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

MAX_ITEMS = 200
"""Items kept: an hour of brisk talk. What is older has no bearing on the next answer."""

MAX_BYTES = 256 * 1024
"""Bound of the stored document: 200 items of a minute's speech each are about 200 KiB."""

MARKED_ITEMS = 8
"""Latest items that keep their marks: nobody truncates what was said longer ago."""

MAX_SENTENCES = 200
"""Sentences kept of the answer that was said last: a quarter of an hour."""

Marks: TypeAlias = tuple[tuple[int, int], ...]
"""Rising (character, ms) pairs: so much of a text had been said when so much audio was played."""

Role: TypeAlias = Literal["user", "assistant", "system"]


class UnreadableContextError(Exception):
    """A stored document is not a context this version can read; begin a new one."""


class _Stored(BaseModel):
    # Unknown keys are refused: they mean a newer version wrote it, and reading half of it would
    # lose the rest at the next write.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Stored):
    """What an answer rested on. document: path in the agent's knowledge; line: from 1."""

    document: str
    title: str = ""
    line: int = 1


class Item(_Stored):
    """Something that was said, as it was heard, or a function's call or output.

    text: of an interrupted answer only the words that were played. at: Unix time in seconds.
    spoken: it was audio, `audio_ms` of it with these `marks`. complete: it was not cut short.
    kind, raw: of what is no message, the item as the wire has it.
    worked: functions of the agent's own that were called for it, and what came of them.
    """

    id: str
    role: Role
    text: str
    at: float
    sources: tuple[Source, ...] = ()
    spoken: bool = True
    complete: bool = True
    audio_ms: int = 0
    marks: Marks = ()
    kind: str = "message"
    raw: Mapping[str, JsonValue] = Field(default_factory=dict)
    worked: tuple[Mapping[str, str], ...] = ()


class Played(_Stored):
    """How far the agent's latest audio was played: milliseconds of item `item_id`."""

    item_id: str
    ms: int = Field(ge=0)


class Sentence(_Stored):
    """Of an answer. start_ms: where its audio begins in the item's, None while there is none.

    marks: from the sentence's own start; the last one is at its end once all audio was made.
    """

    text: str
    start_ms: int | None = None
    marks: Marks = ()


class Answer(_Stored):
    """What the agent said last, or is saying, as far as it was worked out.

    sentences: none while it is still being looked for. at: Unix time, when that was known.
    """

    item_id: str
    sentences: tuple[Sentence, ...] = Field(default=(), max_length=MAX_SENTENCES)
    at: float


class SessionContext(_Stored):
    """Everything needed to go on with a conversation elsewhere or later.

    version: of this schema; 1 had no `began`, `answer` and marks. began: Unix time.
    agent_version: the folder's content hash at the last turn.
    form: the open form as the intents room wrote it, None when none is open.
    resume_token: what a client shows to take the conversation up again.
    answer: while a client that comes back may still want the rest of it.
    """

    version: Literal[1, 2] = 2
    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")
    user: str
    agent: str
    agent_version: str
    resume_token: str
    began: float = 0.0
    items: tuple[Item, ...] = ()
    form: Mapping[str, JsonValue] | None = None
    played: Played | None = None
    answer: Answer | None = None

    def with_item(self, item: Item, after: str | None = None) -> "SessionContext":
        """The context with `item` after that one, "" for the first place, None or an unknown one
        for the last; one of the same id is replaced in its place.

        The oldest items beyond MAX_ITEMS are dropped.
        """
        items = tuple(item if kept.id == item.id else kept for kept in self.items)
        if all(kept.id != item.id for kept in self.items):
            at = next((i + 1 for i, kept in enumerate(items) if kept.id == after), len(items))
            at = 0 if after == "" else at
            items = (*items[:at], item, *items[at:])
        faded = items[-MAX_ITEMS:-MARKED_ITEMS]
        if any(old.marks for old in faded):
            faded = tuple(old.model_copy(update={"marks": ()}) for old in faded)
        return self.model_copy(update={"items": (*faded, *items[-MARKED_ITEMS:])})

    def without_item(self, item_id: str) -> "SessionContext":
        """The context as if the item had not been said."""
        items = tuple(kept for kept in self.items if kept.id != item_id)
        return self.model_copy(update={"items": items})

    def with_form(self, form: Mapping[str, JsonValue] | None) -> "SessionContext":
        """The context with this form open, or none."""
        return self.model_copy(update={"form": form})

    def with_played(self, played: Played) -> "SessionContext":
        """The context with the place that the agent's audio was played to."""
        return self.model_copy(update={"played": played})

    def with_answer(self, answer: Answer | None) -> "SessionContext":
        """The context with what the agent is saying, or with nothing to go on with."""
        return self.model_copy(update={"answer": answer})

    def to_json(self) -> bytes:
        """The stored document, at most MAX_BYTES; the oldest items give way, then the answer."""
        document = self.model_dump_json().encode()
        context = self
        while len(document) > MAX_BYTES and context.items:
            # Dropping in proportion to the excess ends in a few rounds, however big it is.
            excess = 1 - MAX_BYTES / len(document)
            drop = max(1, int(len(context.items) * excess))
            context = context.model_copy(update={"items": context.items[drop:]})
            document = context.model_dump_json().encode()
        if len(document) > MAX_BYTES:
            document = context.with_answer(None).model_dump_json().encode()
        return document

    @classmethod
    def from_json(cls, document: bytes | str) -> "SessionContext":
        """Reads a stored document of this version or an older; raises UnreadableContextError."""
        try:
            return cls.model_validate_json(document).model_copy(update={"version": 2})
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise UnreadableContextError(f"{where}: {first['msg']}") from None


def new_context(*, session_id: str, user: str, agent: str, agent_version: str) -> SessionContext:
    """A conversation in which nothing was said yet."""
    return SessionContext(
        id=session_id,
        user=user,
        agent=agent,
        agent_version=agent_version,
        resume_token=secrets.token_urlsafe(24),
        began=time(),
    )
