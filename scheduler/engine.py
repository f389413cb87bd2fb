"""From a reason to speak to a prompt on its way: facts, policy, ledger, bus."""

import re
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson
import structlog
from pydantic import JsonValue

from messaging.bus import Bus, BusError
from messaging.topics import Topics
from outreach.entry import Entry
from outreach.facts import person_facts
from outreach.inbox import Event
from outreach.ledger import Ledger
from outreach.prompt import Outreach, outreach_id
from outreach.states import State
from scheduler.cards import Cards
from scheduler.content import ContentError
from scheduler.index import IN_FORCE, RuleIndex
from scheduler.judging import Judge, Seen, SpokenNow, event_of, evidence_of, outcome, unworded
from scheduler.near import Near, NobodyNear
from scheduler.policy import Check, Decision, Verdict, look_back
from scheduler.rulebook import Rulebook
from scheduler.rules import Rule
from scheduler.samples import sample_event
from scheduler.say import Said, SayRequest, as_rule
from sessions.presence import SessionCard

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

CLOCKS_DIFFER_S = 60.0
"""How far this machine's clock may be from Redis'."""
_LATER = re.compile(r":later:([0-9]{1,9})\Z")
"""At the end of the key of a prompt that the person asked to hear later: how often they did."""


class UnknownRuleError(Exception):
    """There is no rule of that name."""


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
        self._judge = Judge(agent_zone)
        self._topic = (topics or Topics())("outreach")
        self._look_back_of: RuleIndex | None = None
        self._look_back_s = 0.0
        self.near: Near = NobodyNear()
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
        verdict = self._judge.decide(rule, user, event, seen, born)
        state, reason, until = outcome(verdict)
        if state is State.PUBLISHED and due > now:
            state, reason, until = State.HELD, "it is not due yet", due
        try:
            outreach = self._judge.word(rule, user, key, event, seen, now, born, max(now, due))
        except ContentError as error:
            if state in (State.PUBLISHED, State.HELD, State.SHADOW):
                state, reason = State.FAILED, f"it cannot be worded: {error}"
            outreach = unworded(rule, user, key, event, now, born)
        opened = await self._open(outreach, state, reason, evidence_of(verdict), until, seen)
        if opened and state is State.PUBLISHED:
            seen.said.append(SpokenNow(now, rule.name, rule.purpose))
        return verdict

    async def look_again(self, user: str, id: str) -> State | None:
        """Decides anew on a held prompt whose time has come; its new state, None if it has none."""
        entry = await self._ledger.get(id)
        if entry is None or entry.state is not State.HELD:
            return None
        outreach = entry.outreach
        seen = await self.see(user)
        asked = outreach.test or _LATER.search(outreach.key) is not None
        if not outreach.rule:
            verdict = self._judge.decide(
                as_rule(outreach), user, None, seen, outreach.born, asked=asked
            )
        else:
            kept = self._rulebook.get(outreach.rule)
            if kept is None:
                reason = f"rule {outreach.rule} is gone"
                return await self._move(outreach, State.SUPPRESSED, reason, {}, 0.0)
            if kept.rule.status not in IN_FORCE and not outreach.test:
                reason, check = f"the rule is {kept.rule.status}", {"check": "status"}
                return await self._move(outreach, State.SUPPRESSED, reason, check, 0.0)
            event = event_of(kept.rule, outreach)
            verdict = self._judge.decide(
                kept.rule, user, event, seen, outreach.born, asked=asked, attempts=entry.begun
            )
        state, reason, until = outcome(verdict)
        if state is State.PUBLISHED and outreach.due > seen.person.now:
            state, reason, until = State.HELD, "it is not due yet", outreach.due
        return await self._move(outreach, state, reason, evidence_of(verdict), until)

    async def say(self, request: SayRequest, by: str) -> Said:
        """One thing to one person, as far as switch, consent and TTL let it pass."""
        seen = await self.see(request.user)
        outreach = request.to_outreach(request.key or secrets.token_hex(8), seen.person.now)
        verdict = self._judge.decide(as_rule(outreach), request.user, None, seen, outreach.born)
        state, reason, until = outcome(verdict)
        evidence = {**evidence_of(verdict), "asked_by": by}
        opened = await self._open(outreach, state, reason, evidence, until, seen)
        return Said(outreach, duplicate=not opened)

    async def defer(self, entry: Entry, delay_s: float) -> str:
        """ "Not now": the same prompt as a new one, held for `delay_s` seconds; its id.

        The old one is DEFERRED. Asked for twice, it is the same prompt.
        """
        old = entry.outreach
        before = _LATER.search(old.key)
        base, times = (old.key[: before.start()], int(before[1])) if before else (old.key, 0)
        key = f"{base[:280]}:later:{times + 1}"
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
        verdict = self._judge.decide(rule, user, event, seen, now, zone=zone)
        try:
            return verdict, self._judge.word(rule, user, "preview", event, seen, now, now, now).text
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
        outreach = self._judge.word(rule, user, key, event, seen, now, now, now, test=True)
        verdict = self._judge.decide(rule, user, event, seen, now, asked=True)
        state, reason, until = outcome(verdict)
        evidence = {**evidence_of(verdict), "tested_by": by}
        await self._open(outreach, state, reason, evidence, until, seen)
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

    async def _open(
        self,
        outreach: Outreach,
        state: State,
        reason: str,
        evidence: Mapping[str, JsonValue],
        until: float,
        seen: Seen | None = None,
    ) -> bool:
        live = seen.person.live if seen is not None and state is State.PUBLISHED else ()
        session = live[0].session if live else ""
        self.near.expect(outreach, session)
        opened = await self._ledger.open(
            outreach, state, reason=reason, evidence=evidence, until=until
        )
        if not opened:
            self.counts["known"] += 1
            return False
        if not outreach.test:
            self._count(state, evidence)
        if state is State.PUBLISHED and not await self.near.bring(outreach, session):
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
