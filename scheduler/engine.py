"""From a reason to speak to a prompt on its way: facts, policy, ledger, bus."""

import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from pydantic import BaseModel, JsonValue

from messaging.bus import Bus, BusError
from messaging.topics import Topics
from outreach.entry import Entry
from outreach.facts import PersonFacts, person_facts
from outreach.inbox import Event
from outreach.ledger import Ledger
from outreach.prompt import Outreach, outreach_id
from outreach.states import State
from scheduler.cards import Cards
from scheduler.conditions import Data
from scheduler.content import ContentError
from scheduler.index import IN_FORCE, RuleIndex
from scheduler.policy import Check, Decision, Facts, Spoken, Verdict, decide, look_back
from scheduler.rulebook import Rulebook
from scheduler.rules import Rule
from scheduler.say import Said, SayRequest, as_rule
from scheduler.variables import variables
from sessions.presence import SessionCard

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

CLOCKS_DIFFER_S = 60.0
"""How far this machine's clock may be from Redis'."""
LATER = ":later:"
"""In the key of a prompt that the person asked to hear later."""

STATES: Mapping[Decision, State] = {
    Decision.SPEAK: State.PUBLISHED,
    Decision.HOLD: State.HELD,
    Decision.SUPPRESS: State.SUPPRESSED,
    Decision.HOLDOUT: State.HOLDOUT,
    Decision.SHADOW: State.SHADOW,
}


class UnknownRuleError(Exception):
    """There is no rule of that name."""


@dataclass(slots=True)
class Seen:
    """What was read of a person at one moment, for all rules that look at them then.

    said: what was published since, which the facts do not know yet.
    """

    person: PersonFacts
    session: SessionCard | None
    said: list["_Spoken"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Spoken:
    at: float
    rule: str
    purpose: str


class Engine:
    """Decides on occurrences of rules, and on requests, and sends what may be said on its way.

    Everything is idempotent by outreach_id: whoever finds the same reason again changes nothing.
    agent_zone: for people whose own time zone is not known. counts: what became of occurrences,
    by state, and of suppressed ones by reason ("suppressed:cooldown"). All methods raise
    OutreachUnavailableError while Redis is away; a bus that is away costs nothing but time.
    """

    def __init__(
        self,
        redis: "Redis",
        ledger: Ledger,
        rulebook: Rulebook,
        bus: Bus,
        cards: Cards,
        *,
        agent_zone: str,
        topics: Topics | None = None,
    ) -> None:
        self._redis = redis
        self._ledger = ledger
        self._rulebook = rulebook
        self._bus = bus
        self._cards = cards
        self._agent_zone = agent_zone
        self._topic = (topics or Topics())("outreach")
        self._look_back_of: RuleIndex | None = None
        self._look_back_s = 0.0
        self.counts: Counter[str] = Counter()

    async def see(self, user: str) -> Seen:
        """The facts of a person, read in one round trip."""
        # Only how far back is read: what counts is judged by Redis' own time.
        since = time.time() - self._looked_back() - CLOCKS_DIFFER_S
        person = await person_facts(self._redis, user, since)
        return Seen(person, await self._cards.of(person.live))

    async def consider(
        self,
        rule: Rule,
        user: str,
        key: str,
        *,
        event: Event | None = None,
        session: SessionCard | None = None,
        born: float | None = None,
        due: float = 0.0,
        seen: Seen | None = None,
    ) -> Verdict:
        """Decides on one occurrence of a rule for one person, and acts on it.

        key: the occurrence. born: Unix time of its reason, now if not given; its TTL counts from
        it. due: not before. seen: facts read before, for several rules at once.
        """
        seen = seen or await self.see(user)
        if session is not None:
            seen.session = session
        now = seen.person.now
        born = max(due, min(now, now if born is None else born))
        verdict = self._decide(rule, user, event, seen, born)
        state, reason, until = _outcome(verdict)
        if state is State.PUBLISHED and due > now:
            state, reason, until = State.HELD, "it is not due yet", due
        try:
            outreach = self._worded(rule, user, key, event, seen, now, born, max(now, due))
        except ContentError as error:
            if state in (State.PUBLISHED, State.HELD, State.SHADOW):
                state, reason = State.FAILED, f"it cannot be worded: {error}"
            outreach = _unworded(rule, user, key, event, now, born)
        opened = await self._open(outreach, state, reason, _evidence(verdict), until)
        if opened and state is State.PUBLISHED:
            seen.said.append(_Spoken(now, rule.name, rule.purpose))
        return verdict

    async def look_again(self, user: str, id: str) -> State | None:
        """Decides anew on a held prompt whose time has come; its new state, None if it has none."""
        entry = await self._ledger.get(id)
        if entry is None or entry.state is not State.HELD:
            return None
        outreach = entry.outreach
        seen = await self.see(user)
        asked = LATER in outreach.key or outreach.test
        if not outreach.rule:
            verdict = self._decide(as_rule(outreach), user, None, seen, outreach.born, asked=asked)
        else:
            kept = self._rulebook.get(outreach.rule)
            if kept is None:
                reason = f"rule {outreach.rule} is gone"
                return await self._move(outreach, State.SUPPRESSED, reason, {}, 0.0)
            if kept.rule.status not in IN_FORCE and not outreach.test:
                reason, check = f"the rule is {kept.rule.status}", {"check": "status"}
                return await self._move(outreach, State.SUPPRESSED, reason, check, 0.0)
            event = _event_of(kept.rule, outreach)
            verdict = self._decide(
                kept.rule, user, event, seen, outreach.born, asked=asked, attempts=entry.begun
            )
        state, reason, until = _outcome(verdict)
        if state is State.PUBLISHED and outreach.due > seen.person.now:
            state, reason, until = State.HELD, "it is not due yet", outreach.due
        return await self._move(outreach, state, reason, _evidence(verdict), until)

    async def say(self, request: SayRequest, by: str) -> Said:
        """One thing to one person, as far as switch, consent and TTL let it pass."""
        seen = await self.see(request.user)
        outreach = request.to_outreach(request.key or secrets.token_hex(8), seen.person.now)
        verdict = self._decide(as_rule(outreach), request.user, None, seen, outreach.born)
        state, reason, until = _outcome(verdict)
        evidence = {**_evidence(verdict), "asked_by": by}
        opened = await self._open(outreach, state, reason, evidence, until)
        return Said(outreach, duplicate=not opened)

    async def defer(self, entry: Entry, delay_s: float) -> str:
        """ "Not now": the same prompt as a new one, held for `delay_s` seconds; its id.

        The old one is DEFERRED. Asked for twice, it is the same prompt.
        """
        old = entry.outreach
        base, _, times = old.key.partition(LATER)
        key = f"{base[:280]}{LATER}{int(times or 0) + 1}"
        now = (await self.see(old.user)).person.now
        due = now + delay_s
        later = old.model_copy(
            update={
                "id": outreach_id(old.rule, old.user, key),
                "key": key,
                "born": due,
                "due": due,
                "expires": due + (old.expires - old.born),
            }
        )
        reason = f"they asked to hear it {round(delay_s)} s later"
        await self._open(later, State.HELD, reason, {"deferred": old.id}, due)
        await self._ledger.move(
            old.user, old.id, State.DEFERRED, reason=reason, evidence={"later": later.id}
        )
        return later.id

    async def preview(
        self, rule: Rule, user: str, *, event: Event | None = None, zone: str = ""
    ) -> tuple[Verdict, str]:
        """All checks as they stand now, and the words ("" and a failed check if there are none).

        Nothing is written. zone: instead of the person's own.
        """
        seen = await self.see(user)
        now = seen.person.now
        event = event or sample_event(rule, user, now)
        verdict = self._decide(rule, user, event, seen, now, zone=zone)
        try:
            return verdict, self._worded(rule, user, "preview", event, seen, now, now, now).text
        except ContentError as error:
            unworded = Check("words", False, f"it cannot be worded: {error}")
            failed = verdict.failed or unworded
            decision = Decision.SUPPRESS if verdict.failed is None else verdict.decision
            return Verdict(decision, failed, (*verdict.checks, unworded)), ""

    async def test(self, rule_name: str, user: str, by: str) -> Outreach:
        """A rule's words, sent by an operator to themself: whatever its status, not counted.

        Values that only an event would bring are said by their names. Raises UnknownRuleError, and
        ContentError if no words can be made.
        """
        kept = self._rulebook.get(rule_name)
        if kept is None:
            raise UnknownRuleError(rule_name)
        rule = kept.rule
        seen = await self.see(user)
        now = seen.person.now
        event = sample_event(rule, user, now)
        key = f"test:{secrets.token_hex(8)}"
        outreach = self._worded(rule, user, key, event, seen, now, now, now, test=True)
        verdict = self._decide(rule, user, event, seen, now, asked=True)
        state, reason, until = _outcome(verdict)
        await self._open(outreach, state, reason, {**_evidence(verdict), "tested_by": by}, until)
        return outreach

    async def publish(self, user: str, id: str) -> bool:
        """Tells the instances of a prompt in a mailbox; False if the bus is away.

        Nothing is lost then: sessions look into their mailbox, and the sweeper publishes again.
        """
        body = orjson.dumps({"user": user, "id": id})
        try:
            await self._bus.publish(self._topic, body, id=id, key=user, tag="published")
        except BusError as error:
            self.counts["not on the bus"] += 1
            log.warning("a prompt waits for the bus", outreach=id, reason=str(error))
            return False
        return True

    def _looked_back(self) -> float:
        index = self._rulebook.rules()
        if index is not self._look_back_of:
            self._look_back_of = index
            self._look_back_s = look_back(list(index))
        return self._look_back_s

    def _decide(
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
        """asked: the person, or a testing operator, wants it, so nothing is kept from them that
        only guards against too much."""
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

    def _worded(
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

    async def _open(
        self,
        outreach: Outreach,
        state: State,
        reason: str,
        evidence: Mapping[str, JsonValue],
        until: float,
    ) -> bool:
        opened = await self._ledger.open(
            outreach, state, reason=reason, evidence=evidence, until=until
        )
        if not opened:
            self.counts["known"] += 1
            return False
        if not outreach.test:
            self._count(state, evidence)
        if state is State.PUBLISHED:
            await self.publish(outreach.user, outreach.id)
        return True

    async def _move(
        self,
        outreach: Outreach,
        state: State,
        reason: str,
        evidence: Mapping[str, JsonValue],
        until: float,
    ) -> State | None:
        moved = await self._ledger.move(
            outreach.user,
            outreach.id,
            state,
            reason=reason,
            evidence=evidence,
            until=until,
            from_={State.HELD},
        )
        if not moved:
            return None
        self._count(state, evidence)
        if state is State.PUBLISHED:
            await self.publish(outreach.user, outreach.id)
        return state

    def _count(self, state: State, evidence: Mapping[str, JsonValue]) -> None:
        self.counts[state.value] += 1
        if state is State.SUPPRESSED:
            self.counts[f"suppressed:{evidence.get('check', '')}"] += 1


def _plain(model: BaseModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump()


def sample_event(rule: Rule, user: str, now: float) -> Event:
    """An event that the rule's words and conditions can be tried with: values are their names."""
    data: dict[str, JsonValue] = {}
    texts = [*(variant.say for variant in rule.say), rule.goal, rule.missed, rule.reason, rule.when]
    for path in _event_paths(texts):
        place = data
        for step in path[:-1]:
            deeper = place.setdefault(step, {})
            if not isinstance(deeper, dict):
                break
            place = deeper
        else:
            place.setdefault(path[-1], path[-1].replace("_", " "))
    kind = rule.trigger.kind
    type = getattr(rule.trigger, "event", kind)
    return Event(id="sample", type=type, user=user, time=now, data=data)


def _event_paths(texts: list[str]) -> list[list[str]]:
    paths = []
    for text in texts:
        for after in text.split("event.data.")[1:]:
            path = ""
            for char in after:
                if not (char.isalnum() or char in "_.-"):
                    break
                path += char
            if path := path.strip("."):
                paths.append(path.split("."))
    return paths


def _outcome(verdict: Verdict) -> tuple[State, str, float]:
    failed = verdict.failed
    state = STATES[verdict.decision]
    until = (failed.until or 0.0) if failed is not None and state is State.HELD else 0.0
    return state, failed.reason if failed is not None else "", until


def _evidence(verdict: Verdict) -> dict[str, JsonValue]:
    if verdict.failed is None:
        return {"checks": [check.name for check in verdict.checks]}
    return {"check": verdict.failed.name, **verdict.failed.evidence}


def zone_seen(seen: Seen) -> str:
    """Where the person is now, before where they were last known to be."""
    if seen.session is not None and seen.session.time_zone:
        return seen.session.time_zone
    return seen.person.person.time_zone if seen.person.person is not None else ""


def _event_of(rule: Rule, outreach: Outreach) -> Event | None:
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


def _unworded(
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
