"""What a conversation remembers: one immutable value, stored as one JSON document."""

import secrets
from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

MAX_ITEMS = 200
"""Items kept: an hour of brisk talk. What is older has no bearing on the next answer."""

MAX_BYTES = 256 * 1024
"""Bound of the stored document: 200 items of a minute's speech each are about 200 KiB."""

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
    """Something that was said, as it was heard.

    text: of an interrupted answer only the words that were played. at: Unix time in seconds.
    """

    id: str
    role: Role
    text: str
    at: float
    sources: tuple[Source, ...] = ()


class Played(_Stored):
    """How far the agent's latest audio was played: milliseconds of item `item_id`."""

    item_id: str
    ms: int = Field(ge=0)


class SessionContext(_Stored):
    """Everything needed to go on with a conversation elsewhere or later.

    version: of this schema. agent_version: the folder's content hash at the last turn.
    form: the open form as the intents room wrote it, None when none is open.
    resume_token: what a client shows to take the conversation up again.
    """

    version: Literal[1] = 1
    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")
    user: str
    agent: str
    agent_version: str
    resume_token: str
    items: tuple[Item, ...] = ()
    form: Mapping[str, JsonValue] | None = None
    played: Played | None = None

    def with_item(self, item: Item) -> "SessionContext":
        """The context with `item` as its latest; one of the same id is replaced in its place.

        The oldest items beyond MAX_ITEMS are dropped.
        """
        items = tuple(item if kept.id == item.id else kept for kept in self.items)
        if all(kept.id != item.id for kept in self.items):
            items = (*items, item)
        return self.model_copy(update={"items": items[-MAX_ITEMS:]})

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

    def to_json(self) -> bytes:
        """The stored document, at most MAX_BYTES; the oldest items give way."""
        document = self.model_dump_json().encode()
        context = self
        while len(document) > MAX_BYTES and context.items:
            # Dropping in proportion to the excess ends in a few rounds, however big it is.
            excess = 1 - MAX_BYTES / len(document)
            drop = max(1, int(len(context.items) * excess))
            context = context.model_copy(update={"items": context.items[drop:]})
            document = context.model_dump_json().encode()
        return document

    @classmethod
    def from_json(cls, document: bytes | str) -> "SessionContext":
        """Reads a stored document; raises UnreadableContextError."""
        try:
            return cls.model_validate_json(document)
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
    )
