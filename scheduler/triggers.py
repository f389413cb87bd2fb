"""What makes a rule want to speak: a moment, an event, or what a conversation is like."""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
)

from scheduler.clocks import zone_of
from scheduler.cron import CronError, parse_cron
from scheduler.rule_values import Duration

EVENT_TYPE = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
EventType = Annotated[str, Field(min_length=1, max_length=100, pattern=EVENT_TYPE)]

Kind = Literal[
    "cron",
    "interval",
    "once",
    "event",
    "session_start",
    "idle",
    "intent",
    "abandoned_intent",
    "knowledge_changed",
    "job_done",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

SHORTEST_INTERVAL = 60.0
SHORTEST_IDLE, LONGEST_IDLE = 5.0, 3600.0


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _zone_name(name: str) -> str:
    if zone_of(name) is None:
        from scheduler.model_problems import nearest  # rapidfuzz is only needed for mistakes

        near = nearest(name, sorted(zoneinfo.available_timezones()))
        hint = f"did you mean {near}?" if near else "use an IANA name such as Europe/Amsterdam"
        raise ValueError(f"there is no time zone '{name}'; {hint}")
    return name


ZoneName = Annotated[str, Field(max_length=64), AfterValidator(_zone_name)]


class CronTrigger(_Model):
    """At times of day: minute, hour, day of month, month, day of week.

    zone: the clock that counts, such as the shop's; None: each person's own.
    """

    kind: ClassVar[Kind] = "cron"
    cron: str = Field(max_length=200)
    zone: ZoneName | None = None

    @field_validator("cron")
    @classmethod
    def _readable(cls, cron: str) -> str:
        try:
            parse_cron(cron)
        except CronError as error:
            raise ValueError(str(error)) from None
        return cron


class IntervalTrigger(_Model):
    """Again and again, counted from midnight UTC of 1970: clock changes do not touch it."""

    kind: ClassVar[Kind] = "interval"
    interval: Duration

    @field_validator("interval")
    @classmethod
    def _long_enough(cls, seconds: float) -> float:
        if seconds < SHORTEST_INTERVAL:
            raise ValueError("a minute (1m) is the shortest interval")
        return seconds


def _moment(given: object) -> object:
    # YAML makes a datetime of some of these by itself.
    if isinstance(given, datetime):
        return given
    if isinstance(given, str) and re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", given):
        try:
            return datetime.fromisoformat(given)
        except ValueError:
            pass
    raise ValueError(f"should be a date and time such as 2026-12-24T16:00, not {given!r}")


class OnceTrigger(_Model):
    """At one moment: on each person's own clock, or on the clock of `zone`, or, with an offset such
    as +01:00, everywhere."""

    kind: ClassVar[Kind] = "once"
    once: Annotated[datetime, BeforeValidator(_moment)]
    zone: ZoneName | None = None


class EventTrigger(_Model):
    """When an event of that type is posted; its user is whom the prompt is for."""

    kind: ClassVar[Kind] = "event"
    event: EventType


class _Nothing(_Model):
    pass


class SessionStartTrigger(_Model):
    """When the person opens a conversation."""

    kind: ClassVar[Kind] = "session_start"
    session_start: _Nothing = _Nothing()


class IdleTrigger(_Model):
    """When nobody has said anything in a conversation for as long."""

    kind: ClassVar[Kind] = "idle"
    idle: Duration

    @field_validator("idle")
    @classmethod
    def _sensible(cls, seconds: float) -> float:
        if not SHORTEST_IDLE <= seconds <= LONGEST_IDLE:
            raise ValueError("idle may be from 5s to 1h")
        return seconds


class IntentTrigger(_Model):
    """When the person said something of that intent."""

    kind: ClassVar[Kind] = "intent"
    intent: str = Field(min_length=1, max_length=100)


class AbandonedIntent(_Model):
    """Which intent was begun and not finished, and for how long it has lain."""

    intent: str = Field(min_length=1, max_length=100)
    after: Duration = 300.0


class AbandonedIntentTrigger(_Model):
    """When an intent was begun and not finished."""

    kind: ClassVar[Kind] = "abandoned_intent"
    abandoned_intent: AbandonedIntent


class KnowledgeChanged(_Model):
    """documents: names in knowledge/, * for any part of one; none means every document."""

    documents: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=100
    )


class KnowledgeChangedTrigger(_Model):
    """When a document of the agent has changed."""

    kind: ClassVar[Kind] = "knowledge_changed"
    knowledge_changed: KnowledgeChanged


class JobDoneTrigger(_Model):
    """When a long job of that name has ended."""

    kind: ClassVar[Kind] = "job_done"
    job_done: str = Field(min_length=1, max_length=100)


def _kind_of(given: object) -> str | None:
    if isinstance(given, BaseModel):
        return getattr(given, "kind", None)
    known = given if isinstance(given, Mapping) else ()
    return next((kind for kind in KINDS if kind in known), None)


Trigger: TypeAlias = Annotated[
    Annotated[CronTrigger, Tag("cron")]
    | Annotated[IntervalTrigger, Tag("interval")]
    | Annotated[OnceTrigger, Tag("once")]
    | Annotated[EventTrigger, Tag("event")]
    | Annotated[SessionStartTrigger, Tag("session_start")]
    | Annotated[IdleTrigger, Tag("idle")]
    | Annotated[IntentTrigger, Tag("intent")]
    | Annotated[AbandonedIntentTrigger, Tag("abandoned_intent")]
    | Annotated[KnowledgeChangedTrigger, Tag("knowledge_changed")]
    | Annotated[JobDoneTrigger, Tag("job_done")],
    Discriminator(_kind_of),
]

TimeTrigger: TypeAlias = CronTrigger | IntervalTrigger | OnceTrigger


def shown(trigger: Any) -> str:
    """In a few words: "event order.ready"."""
    match trigger:
        case CronTrigger():
            return f"cron {trigger.cron}" + (f" in {trigger.zone}" if trigger.zone else "")
        case SessionStartTrigger():
            return "session_start"
        case OnceTrigger():
            return f"once {trigger.once.isoformat(timespec='minutes')}"
        case AbandonedIntentTrigger():
            about = trigger.model_dump()["abandoned_intent"]
            return f"abandoned_intent {about['intent']} after {about['after']}"
        case KnowledgeChangedTrigger():
            return f"knowledge_changed {', '.join(trigger.knowledge_changed.documents) or 'any'}"
        case _:
            return f"{trigger.kind} {trigger.model_dump()[trigger.kind]}"
