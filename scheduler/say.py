"""One thing to say to one person, without a rule."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from outreach.prompt import (
    Expected,
    Outreach,
    Priority,
    Something,
    User,
    Words,
    outreach_id,
)
from scheduler.rules import DeliverySettings, PolicySettings, Rule, Variant
from scheduler.triggers import EventTrigger, EventType

LONGEST_TTL_S = 7 * 86_400.0


class SayRequest(BaseModel):
    """What `POST /v1/outreach` and programs ask for.

    key: the same key and person is the same prompt; without one each request is another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: User
    text: Something
    missed: Words = Field(default="", max_length=2000)
    reason: Words = Field(default="", max_length=500)
    purpose: str = Field(default="service", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    priority: Priority = "normal"
    ttl_s: float = Field(default=900.0, ge=1, le=LONGEST_TTL_S)
    key: str = Field(default="", max_length=200)
    earcon: bool = False
    on_barge_in: Literal["resume", "again", "yield"] = "resume"
    offline: Literal["wait", "drop"] = "wait"
    attempts: int = Field(default=2, ge=1, le=10)
    expects: tuple[Expected, ...] = Field(default=(), max_length=20)
    cancel_on: tuple[EventType, ...] = Field(default=(), max_length=20)
    convert_on: tuple[EventType, ...] = Field(default=(), max_length=20)
    data: dict[str, JsonValue] = Field(default_factory=dict)

    def to_outreach(self, key: str, now: float) -> Outreach:
        """The prompt. key: of the request, or one made for it."""
        return Outreach(
            id=outreach_id("", self.user, key),
            user=self.user,
            key=key,
            purpose=self.purpose,
            text=self.text,
            missed=self.missed,
            reason=self.reason,
            priority=self.priority,
            earcon=self.earcon,
            on_barge_in=self.on_barge_in,
            offline=self.offline,
            attempts=self.attempts,
            born=now,
            due=now,
            expires=now + self.ttl_s,
            cancel_on=self.cancel_on,
            convert_on=self.convert_on,
            expects=self.expects,
            data=self.data,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a request. duplicate: its key was used before, and nothing was changed."""

    outreach: Outreach
    duplicate: bool


def as_rule(outreach: Outreach) -> Rule:
    """What the policy judges a prompt by that has no rule: switch, consent, TTL, presence."""
    return Rule(
        name="direct",
        status="live",
        purpose=outreach.purpose,
        trigger=EventTrigger(event="direct"),
        say=(Variant(name="only", say="as asked"),),
        delivery=DeliverySettings(priority=outreach.priority, offline=outreach.offline),
        # As the words of another rule would be read, its ttl is built past the parser of durations.
        policy=PolicySettings.model_construct(
            ttl=outreach.expires - outreach.born, attempts=outreach.attempts
        ),
    )
