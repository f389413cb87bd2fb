"""What is decided of one occurrence and how it is worded, from what was read of the person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, JsonValue

from outreach.facts import PersonFacts
from outreach.inbox import Event
from outreach.prompt import Outreach, outreach_id
from outreach.states import State
from scheduler.conditions import Data
from scheduler.policy import Decision, Facts, Spoken, Verdict, decide
from scheduler.rules import Rule
from scheduler.variables import variables
from sessions.presence import SessionCard

STATES: Mapping[Decision, State] = {
    Decision.SPEAK: State.PUBLISHED,
    Decision.HOLD: State.HELD,
    Decision.SUPPRESS: State.SUPPRESSED,
    Decision.HOLDOUT: State.HOLDOUT,
    Decision.SHADOW: State.SHADOW,
}


@dataclass(slots=True)
class Seen:
    """What was read of a person at one moment, for all rules that look at them then.

    said: what was published since, which the facts do not know yet.
    """

    person: PersonFacts
    session: SessionCard | None
    said: list["SpokenNow"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SpokenNow:
    """What was published a moment ago, as the caps count it."""

    at: float
    rule: str
    purpose: str


class Judge:
    """Decides and words. agent_zone: for people whose own time zone is not known."""

    def __init__(self, agent_zone: str) -> None:
        self._agent_zone = agent_zone

    def decide(
        self,
        rule: Rule,
        user: str,
        event: Event | None,
        seen: Seen,
        born: float,
        *,
        asked: bool = False,
        attempts: int = 0,
        zone: str = "",
    ) -> Verdict:
        """By the policy. born: when its reason arose. zone: instead of the person's own.

        asked: the person, or a testing operator, wants it, so nothing is kept from them that only
        guards against too much. attempts: how often it was begun.
        """
        person = seen.person
        given = self._variables(rule, user, event, seen)
        recent: list[Spoken] = [*seen.said, *person.recent]
        return decide(
            rule,
            Facts(
                user=user,
                now=person.now,
                born=born,
                stopped=person.stopped.stopped,
                stopped_why=f"by {person.stopped.by}: {person.stopped.why}",
                consent={purpose: state.agreed for purpose, state in person.consent.items()},
                recent=recent,
                condition=rule.condition.evaluate(Data(given)),
                present=bool(person.live),
                zone=zone or zone_seen(seen),
                agent_zone=self._agent_zone,
                floor=seen.session.floor if seen.session else "",
                attempts=attempts,
                test=asked,
            ),
        )

    def _variables(
        self, rule: Rule, user: str, event: Event | None, seen: Seen
    ) -> Mapping[str, object]:
        return variables(
            user=user,
            person=_plain(seen.person.person),
            session=_plain(seen.session),
            event=_plain(event),
            now=seen.person.now,
            zone=zone_seen(seen) or self._agent_zone,
        )

    def word(
        self,
        rule: Rule,
        user: str,
        key: str,
        event: Event | None,
        seen: Seen,
        now: float,
        born: float,
        due: float,
        *,
        test: bool = False,
    ) -> Outreach:
        """The prompt; raises ContentError if it has no words for this person."""
        return rule.to_outreach(
            user=user,
            key=key,
            variables=self._variables(rule, user, event, seen),
            now=now,
            born=born,
            due=due,
            test=test,
            data=event.data if event is not None else None,
        )


def outcome(verdict: Verdict) -> tuple[State, str, float]:
    """The state that follows, why, and of HELD until when."""
    failed = verdict.failed
    state = STATES[verdict.decision]
    until = (failed.until or 0.0) if failed is not None and state is State.HELD else 0.0
    return state, failed.reason if failed is not None else "", until


def evidence_of(verdict: Verdict) -> dict[str, JsonValue]:
    """What it was decided on; "check" names the failing one."""
    if verdict.failed is None:
        return {"checks": [check.name for check in verdict.checks]}
    return {"check": verdict.failed.name, **verdict.failed.evidence}


def zone_seen(seen: Seen) -> str:
    """Where the person is now, before where they were last known to be."""
    if seen.session is not None and seen.session.time_zone:
        return seen.session.time_zone
    return seen.person.person.time_zone if seen.person.person is not None else ""


def event_of(rule: Rule, outreach: Outreach) -> Event | None:
    """The event that a prompt was opened for, as far as the ledger kept it."""
    if not outreach.data:
        return None
    type = getattr(rule.trigger, "event", rule.trigger.kind)
    return Event(
        id=outreach.key[:200] or outreach.id,
        type=type,
        user=outreach.user,
        time=outreach.born,
        data=outreach.data,
    )


def unworded(
    rule: Rule, user: str, key: str, event: Event | None, now: float, born: float
) -> Outreach:
    """What the ledger keeps of a prompt that has no words for this person."""
    return Outreach(
        id=outreach_id(rule.name, user, key),
        user=user,
        rule=rule.name,
        version=rule.version,
        key=key,
        purpose=rule.purpose,
        text=rule.variant_for(user).say,
        born=born,
        due=now,
        expires=born + rule.policy.ttl,
        data=dict(event.data) if event is not None else {},
    )


def _plain(model: BaseModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump()
