"""Parts of a rule: whom it is for, its wordings, how it is said and what must hold."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from outreach.prompt import Priority, User
from scheduler.rule_values import Cap, Duration, QuietHours

LONGEST_TTL = 30 * 86400.0


class RulePart(BaseModel):
    """Unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Audience(RulePart):
    """Whom it is for: one of users, live (everybody in a conversation) or all (everybody known)."""

    users: tuple[User, ...] = Field(default=(), max_length=10_000)
    live: bool = False
    all: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> "Audience":
        if bool(self.users) + self.live + self.all != 1:
            raise ValueError(
                "give one of `users: [...]`, `live: true` and `all: true`; leave audience out for "
                "whom the trigger names"
            )
        return self


class Variant(RulePart):
    """One wording of several. share: percent of the people; all left out means equal shares."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    share: float | None = Field(default=None, gt=0, le=100)
    say: str = Field(min_length=1, max_length=2000)


class DeliverySettings(RulePart):
    """How it is said once it may be."""

    priority: Priority = Field(
        default="normal", description="low, normal, high or critical: how long it waits for a gap."
    )
    earcon: bool = Field(default=False, description="A short sound first.")
    quiet: Duration = Field(
        default=0.0, description="Silence that it waits for, where its priority needs less."
    )
    on_barge_in: Literal["resume", "again", "yield"] = Field(
        default="resume", description="What becomes of it when the person interrupts it."
    )
    offline: Literal["wait", "drop"] = Field(
        default="wait", description="Nobody there: wait until its ttl for them, or drop it."
    )

    @field_validator("quiet")
    @classmethod
    def _bounded(cls, seconds: float) -> float:
        if seconds > 30:
            raise ValueError("30s is the longest silence to wait for")
        return seconds


class PolicySettings(RulePart):
    """What must hold for it to be said."""

    quiet_hours: QuietHours | None = Field(
        default=None, description="Held until they are over, on the person's own clock."
    )
    cooldown: Duration = Field(default=0.0, description="Since this rule last spoke to them.")
    cap: Cap | None = Field(default=None, description="Of this rule, to one person.")
    purpose_cap: Cap | None = Field(default=None, description="Of all rules of its purpose.")
    overall_cap: Cap | None = Field(default=None, description="Of everything said to them.")
    ttl: Duration = Field(default=900.0, description="After that it is of no use any more.")
    attempts: int = Field(default=2, ge=1, le=10, description="How often it may be begun.")
    consent: Literal["opt_out", "opt_in", "none"] = Field(
        default="opt_out",
        description="opt_in: only who agreed; opt_out: who has not refused; none: asks nobody.",
    )

    @field_validator("ttl")
    @classmethod
    def _some_time(cls, seconds: float) -> float:
        if not 1 <= seconds <= LONGEST_TTL:
            raise ValueError("ttl may be from 1s to 30d")
        return seconds


class Breaker(RulePart):
    """Pauses the rule when more than `share` of the last `of` people opted out or interrupted."""

    share: float = Field(gt=0, lt=1, description="0.3 is three in ten.")
    of: int = Field(default=20, ge=5, le=1000)
