"""One thing to say to one person: the immutable part of a prompt."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

User = Annotated[str, Field(min_length=1, max_length=256)]
Priority = Literal["low", "normal", "high", "critical"]

_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_WIDE_GAP = re.compile(r" {2,}")


def speakable(text: str) -> str:
    """The words alone: control characters and those that turn the direction of writing would do
    harm on a card or in a terminal, and cannot be said."""
    return _WIDE_GAP.sub(" ", _UNSPEAKABLE.sub(" ", text)).strip()


def _something_speakable(text: str) -> str:
    said = speakable(text)
    if not said:
        raise ValueError("holds nothing that could be said")
    return said


Words = Annotated[str, AfterValidator(speakable)]
Something = Annotated[
    str, Field(min_length=1, max_length=2000), AfterValidator(_something_speakable)
]
"""What somebody asked to be said."""


class Expected(BaseModel):
    """An answer that a prompt expects beyond yes, no, not now, stop, repeat and why.

    sentences: in the notation of intents. does: what follows. say: what the agent replies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    sentences: tuple[str, ...] = Field(min_length=1, max_length=40)
    does: Literal["engage", "convert", "defer", "opt_out", "event"] = "engage"
    event: str = Field(
        default="", max_length=100, pattern=r"^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?$"
    )
    """With does: event; the type of the event that is published, with the user and the prompt."""
    say: str = Field(default="", max_length=1000)


class Outreach(BaseModel):
    """What is to be said, to whom, until when, and why.

    id: see `outreach_id`. rule: its name, "" of a direct request. key: the occurrence.
    text: what is said, or, with `goal`, what is said if the answerer cannot phrase it.
    missed: what is said instead if the person was away when it was due, or may have heard it
        before; "" puts "In case you missed it," before the text.
    due, expires: Unix time. reason: for the card and "why did you tell me that?".
    cancel_on: event types that withdraw it while it waits. data: of the event, for the ledger.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^out_[a-z0-9]{16,40}$")
    user: User
    rule: str = Field(default="", max_length=100)
    version: int = 0
    key: str = Field(default="", max_length=300)
    purpose: str = Field(default="service", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    text: str = Field(min_length=1, max_length=2000)
    goal: str = Field(default="", max_length=2000)
    missed: str = Field(default="", max_length=2000)
    reason: str = Field(default="", max_length=500)
    priority: Priority = "normal"
    earcon: bool = False
    on_barge_in: Literal["resume", "again", "yield"] = "resume"
    quiet_s: float = Field(default=0.0, ge=0, le=30)
    """Silence that it waits for, where its priority needs less."""
    offline: Literal["wait", "drop"] = "wait"
    attempts: int = Field(default=2, ge=1, le=10)
    born: float
    due: float
    expires: float
    cancel_on: tuple[str, ...] = ()
    expects: tuple[Expected, ...] = Field(default=(), max_length=20)
    convert_on: tuple[str, ...] = ()
    """Event types that mean the person did what it was for."""
    variant: str = Field(default="", max_length=40)
    test: bool = False
    """Sent by an operator to themself: not counted by caps and funnels."""
    data: Mapping[str, JsonValue] = Field(default_factory=dict)


def outreach_id(rule: str, user: str, key: str) -> str:
    """The same prompt has the same id, whoever finds the reason for it, however often."""
    digest = hashlib.blake2b("\x1f".join((rule, user, key)).encode(), digest_size=16)
    return f"out_{digest.hexdigest()}"
