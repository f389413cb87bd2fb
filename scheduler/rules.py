"""A rule: when to speak first, to whom, what to say, and what must hold.

docs/rules.md is the reference for those who write them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    Field,
    JsonValue,
    field_serializer,
    field_validator,
    model_validator,
)

from intents.templates import TemplateError as SentenceError
from intents.templates import parse_template, references
from outreach.prompt import Expected, Outreach, outreach_id
from scheduler.conditions import Condition, ConditionError, condition
from scheduler.content import ContentError, TemplateError, template
from scheduler.rule_parts import (
    Audience,
    Breaker,
    DeliverySettings,
    PolicySettings,
    RulePart,
    Variant,
)
from scheduler.triggers import KINDS, EventType, Kind, Trigger

__all__ = [
    "NAME",
    "Audience",
    "Breaker",
    "DeliverySettings",
    "PolicySettings",
    "Rule",
    "Status",
    "Variant",
    "share_of",
]

NAME = r"^[a-z][a-z0-9_]{0,79}$"
"""What a rule may be called."""

Status = Literal["draft", "shadow", "live", "paused"]

WITHOUT_EVENT: frozenset[Kind] = frozenset({"cron", "interval", "once", "session_start", "idle"})
"""Triggers that carry no event: nothing of it can be said or asked for."""

ONLY = "only"
"""The variant's name where there is one wording."""


Said: TypeAlias = tuple[Variant, ...]


class Rule(RulePart):
    """See docs/rules.md. version: counted by the rulebook; 0 for what only a file says."""

    name: str = Field(pattern=NAME, description="a name such as order_ready, once only")
    version: int = Field(default=0, ge=0, exclude=True)
    description: str = Field(default="", max_length=500)
    status: Status = "draft"
    purpose: str = Field(default="service", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    trigger: Trigger = Field(description="what starts it, e.g. `{event: order.ready}`")
    audience: Audience | None = None
    when: str = Field(default="", max_length=2000)
    say: Said = Field(description="what is said")
    goal: str = Field(default="", max_length=2000)
    missed: str = Field(default="", max_length=2000)
    reason: str = Field(default="", max_length=500)
    expects: tuple[Expected, ...] = Field(default=(), max_length=20)
    delivery: DeliverySettings = DeliverySettings()
    policy: PolicySettings = PolicySettings()
    cancel_on: tuple[EventType, ...] = Field(default=(), max_length=20)
    convert_on: tuple[EventType, ...] = Field(default=(), max_length=20)
    holdout: float = Field(default=0, ge=0, le=100)
    breaker: Breaker | None = None

    @field_validator("trigger", mode="before")
    @classmethod
    def _one_trigger(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            from scheduler.model_problems import nearest  # rapidfuzz is only needed for mistakes

            for key in given:
                if key not in (*KINDS, "zone"):
                    near = nearest(str(key), list(KINDS))
                    hint = f"did you mean '{near}'?" if near else f"known: {', '.join(KINDS)}"
                    raise ValueError(f"there is no trigger '{key}'; {hint}")
            if sum(key in KINDS for key in given) != 1:
                raise ValueError("should be one trigger; write a rule for each")
            if "zone" in given and not {"cron", "once"} & given.keys():
                raise ValueError("'zone' goes with cron and once; the others look at no clock")
        elif not isinstance(given, BaseModel):
            raise ValueError(f"should be one of `{'`, `'.join(f'{kind}: ...' for kind in KINDS)}`")
        return given

    @field_validator("say", mode="before")
    @classmethod
    def _variants(cls, given: Any) -> Any:
        if isinstance(given, str):
            return ({"name": ONLY, "say": given},)
        if isinstance(given, list | tuple):
            return given
        raise ValueError("should be text, or a list of variants with name, share and say")

    @field_validator("say")
    @classmethod
    def _shares(cls, variants: Said) -> Said:
        if not 1 <= len(variants) <= 10:
            raise ValueError("should have from 1 to 10 variants")
        names = [variant.name for variant in variants]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two variants are called '{twice}'")
        given = [variant.share for variant in variants if variant.share is not None]
        if given and len(given) < len(variants):
            raise ValueError("give every variant a share, or none of them")
        if given and abs(sum(given) - 100) > 0.01:
            raise ValueError(f"the variants' shares add up to {sum(given):g}; they should to 100")
        for variant in variants:
            _readable(variant.say)
        return variants

    @field_serializer("say")
    def _written(self, variants: Said) -> str | list[dict[str, Any]]:
        if variants[0].name == ONLY:
            return variants[0].say
        return [variant.model_dump(exclude_none=True) for variant in variants]

    @field_validator("goal", "missed", "reason")
    @classmethod
    def _worded(cls, text: str) -> str:
        _readable(text)
        return text

    @field_validator("when")
    @classmethod
    def _understood(cls, source: str) -> str:
        try:
            condition(source)
        except ConditionError as error:
            at = f"column {error.column}: " if error.column else ""
            raise ValueError(f"{at}{error}") from None
        return source

    @field_validator("expects")
    @classmethod
    def _answers(cls, expects: tuple[Expected, ...]) -> tuple[Expected, ...]:
        names = [expected.name for expected in expects]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two expected answers are called '{twice}'")
        for expected in expects:
            if (expected.does == "event") != bool(expected.event):
                raise ValueError(
                    f"answer '{expected.name}': `event: TYPE` goes with `does: event`, and only so"
                )
            for sentence in expected.sentences:
                _understandable(expected.name, sentence)
        return expects

    @model_validator(mode="after")
    def _fits_its_trigger(self) -> "Rule":
        if self.trigger.kind in WITHOUT_EVENT:
            texts = [*(variant.say for variant in self.say), self.goal, self.missed, self.reason]
            asked = any("event" in template(text).roots for text in texts)
            if asked or "event" in self.condition.roots:
                raise ValueError(
                    f"'event' is not there: a rule with the trigger {self.trigger.kind} is started "
                    "by no event"
                )
        return self

    @property
    def condition(self) -> Condition:
        """Its `when`, compiled."""
        return condition(self.when)

    def variant_for(self, user: str) -> Variant:
        """The same person hears the same variant, as long as names and shares stay."""
        place = share_of(f"{self.name}/variant", user) * 100
        for variant in self.say:
            place -= 100 / len(self.say) if variant.share is None else variant.share
            if place < 0:
                return variant
        return self.say[-1]

    def held_out(self, user: str) -> bool:
        """Whether the person is in the share that hears nothing of this rule."""
        return share_of(f"{self.name}/holdout", user) * 100 < self.holdout

    def to_outreach(
        self,
        *,
        user: str,
        key: str,
        variables: Mapping[str, object],
        now: float,
        due: float | None = None,
        born: float | None = None,
        test: bool = False,
        data: Mapping[str, JsonValue] | None = None,
    ) -> Outreach:
        """The prompt for that person and occurrence; raises ContentError if it cannot be worded.

        variables: see variables.py. born: when its reason arose, from which its ttl counts; `now`
        if not given. due: when it is to be said; `now` if not given.
        """
        born = now if born is None else born
        variant = self.variant_for(user)
        return Outreach(
            id=outreach_id(self.name, user, key),
            user=user,
            rule=self.name,
            version=self.version,
            key=key,
            purpose=self.purpose,
            text=_said(variant.say, variables, 2000),
            goal=_said(self.goal, variables, 2000),
            missed=_said(self.missed, variables, 2000),
            reason=_said(self.reason, variables, 500),
            priority=self.delivery.priority,
            earcon=self.delivery.earcon,
            on_barge_in=self.delivery.on_barge_in,
            quiet_s=self.delivery.quiet,
            offline=self.delivery.offline,
            attempts=self.policy.attempts,
            born=born,
            due=now if due is None else due,
            expires=born + self.policy.ttl,
            cancel_on=self.cancel_on,
            expects=self.expects,
            convert_on=self.convert_on,
            variant=variant.name if len(self.say) > 1 else "",
            test=test,
            data=dict(data or {}),
        )


def share_of(what: str, user: str) -> float:
    """From 0 up to 1: the person's place in an order of people that is another for each `what`."""
    digest = hashlib.blake2b(f"{what}\x1f{user}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _readable(text: str) -> None:
    try:
        template(text)
    except TemplateError as error:
        raise ValueError(str(error)) from None


def _understandable(name: str, sentence: str) -> None:
    try:
        named = any(True for _ in references(parse_template(sentence)))
    except SentenceError as error:
        raise ValueError(f"answer '{name}': {sentence!r}: {error}") from None
    if named:
        raise ValueError(
            f"answer '{name}': {sentence!r} has a slot or a phrase; only words, (a|b) and [a] here"
        )


def _said(text: str, variables: Mapping[str, object], longest: int) -> str:
    said = template(text).render(variables)
    if text and not said:
        raise ContentError("nothing is left to say: all of it is optional, and missing")
    if len(said) > longest:
        raise ContentError(f"it is {len(said)} characters long, more than {longest}")
    return said
