"""Rules by what starts them, and the sweep: which of them hold in which live sessions."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.conditions import Data
from scheduler.prefilter import Columns, Prefilter
from scheduler.rules import Rule
from scheduler.triggers import (
    AbandonedIntentTrigger,
    EventTrigger,
    IdleTrigger,
    IntentTrigger,
    JobDoneTrigger,
    Kind,
    SessionStartTrigger,
)
from scheduler.variables import variables

IN_FORCE = ("live", "shadow")
SWEPT: tuple[Kind, ...] = ("session_start", "idle", "abandoned_intent")
"""Triggers that are a state of a session, rather than a moment."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule whose trigger and condition hold in a session. key: the occurrence."""

    rule: Rule
    session: Mapping[str, Any]
    key: str


class RuleIndex:
    """All rules of an agent, whatever their status; the policy says what a draft may do."""

    def __init__(self, rules: Collection[Rule] = ()) -> None:
        self.rules: Mapping[str, Rule] = {rule.name: rule for rule in rules}
        self._by_kind: dict[Kind, list[Rule]] = defaultdict(list)
        self._by_event: dict[str, list[Rule]] = defaultdict(list)
        self._by_intent: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._by_kind[rule.trigger.kind].append(rule)
            match rule.trigger:
                case EventTrigger(event=event):
                    self._by_event[event].append(rule)
                case IntentTrigger(intent=intent):
                    self._by_intent[intent].append(rule)
                case _:
                    pass
        self._prefilter: Prefilter | None = None

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def get(self, name: str) -> Rule | None:
        """The rule of that name."""
        return self.rules.get(name)

    def for_event(self, event_type: str) -> Sequence[Rule]:
        """The rules that such an event starts."""
        return self._by_event.get(event_type, ())

    def for_intent(self, name: str) -> Sequence[Rule]:
        """The rules that this intent starts."""
        return self._by_intent.get(name, ())

    def for_job(self, name: str) -> Sequence[Rule]:
        """The rules that the end of such a job starts."""
        return [
            rule
            for rule in self.of("job_done")
            if isinstance(rule.trigger, JobDoneTrigger) and rule.trigger.job_done == name
        ]

    def of(self, kind: Kind) -> Sequence[Rule]:
        """The rules with that kind of trigger."""
        return self._by_kind.get(kind, ())

    def sweep(
        self,
        sessions: Sequence[Mapping[str, Any]],
        now: float,
        *,
        people: Mapping[str, Mapping[str, Any]] | None = None,
        agent_zone: str = "UTC",
    ) -> list[Match]:
        """Which rules in force hold in which sessions, for the triggers that are a session's state.

        These are session_start, idle and abandoned_intent. sessions: SessionCards as plain values;
        now: Unix time; people: by user, outreach.people.Person as plain values. A match is exactly
        what evaluating every condition by itself gives; one that cannot be evaluated is none here.
        The same occurrence has the same key at every sweep, so it is acted on once.
        """
        if self._prefilter is None:
            self._prefilter = Prefilter(
                [rule for kind in SWEPT for rule in self.of(kind) if rule.status in IN_FORCE]
            )
        if not self._prefilter.rules or not sessions:
            return []
        known = people or {}
        seen = [_seen(card, now, known.get(card["user"]), agent_zone) for card in sessions]
        data = _Converted(seen)
        found: list[Match] = []
        for rule, holds, may_hold in self._prefilter.candidates(Columns(seen)):
            evaluate = rule.condition.evaluate
            places = [place for place in holds if not rule.when or not data[place].trouble]
            places += [place for place in may_hold if evaluate(data[place]).value]
            for place in places:
                card = sessions[place]
                found.append(Match(rule, card, occurrence_key(rule, card)))
        return found


class _Converted(dict[int, Data]):
    """What conditions look at, by place; each converted when it is first asked for."""

    def __init__(self, seen: Sequence[Mapping[str, Any]]) -> None:
        self._seen = seen

    def __missing__(self, place: int) -> Data:
        data = self[place] = Data(self._seen[place])
        return data


def occurrence_key(rule: Rule, card: Mapping[str, Any]) -> str:
    """By what a firing in a session is known: the session, its silence, or the episode."""
    session = card["session"]
    match rule.trigger:
        case SessionStartTrigger():
            return f"session:{session}"
        case IdleTrigger():
            # The silence is known by what came before it.
            return f"idle:{session}:{card.get('turns', 0)}"
        case AbandonedIntentTrigger():
            return f"abandoned:{session}:{card.get('turns', 0)}"
        case _:
            return f"{rule.trigger.kind}:{session}"


def _seen(
    card: Mapping[str, Any], now: float, person: Mapping[str, Any] | None, agent_zone: str
) -> dict[str, Any]:
    zone = (person or {}).get("time_zone") or card.get("time_zone") or agent_zone
    return variables(user=card["user"], now=now, zone=zone, person=person, session=card)
