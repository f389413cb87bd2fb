"""Events on their way: accepted into Redis, through the bus, to the rules that wait for them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from pydantic import JsonValue, ValidationError

from messaging.bus import Bus, BusError, Delivery, Message, Subscription
from messaging.topics import Topics
from outreach.inbox import Event, Inbox
from outreach.ledger import Ledger
from outreach.prompt import outreach_id
from scheduler.audience import Audiences
from scheduler.engine import Engine
from scheduler.judging import Seen
from scheduler.overtaken import Overtaken
from scheduler.policy import Decision, Verdict
from scheduler.rulebook import Rulebook
from scheduler.rules import Rule

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

MAX_PROMPTS = 100
"""Prompts of a rule that an event's outcome names; of more it tells how many people it was."""
FINDING = "finding."
"""Types of events that the analysis makes; they are due at a time of their own."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """duplicate: the same id was accepted before, and nothing happens again."""

    id: str
    duplicate: bool


class Intake:
    """Accepts events and handles them; several instances share the work through the bus.

    counts: "accepted", "duplicate", "handled", "unreadable", "not on the bus".
    """

    def __init__(
        self,
        redis: "Redis",
        inbox: Inbox,
        ledger: Ledger,
        rulebook: Rulebook,
        engine: Engine,
        audiences: Audiences,
        bus: Bus,
        topics: Topics | None = None,
    ) -> None:
        names = topics or Topics()
        self._inbox = inbox
        self._ledger = ledger
        self._rulebook = rulebook
        self._engine = engine
        self._audiences = audiences
        self._overtaken = Overtaken(redis)
        self._bus = bus
        self._topic = names("events")
        self._group = names("scheduler")
        self._subscription: Subscription | None = None
        self.counts: Counter[str] = Counter()

    async def start(self) -> None:
        """Handles events from the bus from now on."""
        self._subscription = await self._bus.subscribe(
            self._topic, self._group, self._from_bus, delivery=Delivery.ONCE
        )

    async def aclose(self) -> None:
        """Handles no more; what was begun is finished."""
        if self._subscription is not None:
            await self._subscription.aclose()
            self._subscription = None

    async def accept(self, event: Event) -> Accepted:
        """Durable once it returns, whatever happens to this process or to the bus.

        Raises OutreachUnavailableError; then it was not accepted.
        """
        if not await self._inbox.accept(event):
            self.counts["duplicate"] += 1
            return Accepted(event.id, duplicate=True)
        self.counts["accepted"] += 1
        try:
            await self._bus.publish(
                self._topic,
                event.model_dump_json().encode(),
                id=event.id,
                key=event.user,
                tag=event.type,
            )
        except BusError as error:
            self.counts["not on the bus"] += 1
            log.warning("an event waits for the bus", id=event.id, reason=str(error))
        return Accepted(event.id, duplicate=False)

    async def handle(self, event: Event) -> None:
        """Everything that follows from an event; doing it again changes nothing."""
        index = self._rulebook.rules()
        rules = index.for_event(event.type)
        notes: dict[str, JsonValue] = {}
        seen: Seen | None = None
        if event.user:
            # Together, because each is a journey to Redis and somebody waits to hear of it.
            cancelled, seen, _ = await asyncio.gather(
                self._ledger.cancel_on(event.user, event.type),
                self._engine.see(event.user) if rules else _nobody(),
                self._overtaken.note(event, index),
            )
            notes |= {"cancelled": cancelled} if cancelled else {}
        outcomes: list[tuple[Rule, str, Verdict | str]] = []
        people = 0
        for rule in rules:
            some, number = await self._started(rule, event, seen)
            outcomes += some
            people += number
        notes |= {"people": people} if people > len(outcomes) else {}
        if event.user and (converted := await self._ledger.converted_by(event.user, event.type)):
            notes["converted"] = converted
        notes |= self._outcome(event, rules, outcomes)
        # An event that its publisher put on the bus itself is kept here first now, for its outcome.
        if not await self._inbox.done(event.id, notes) and await self._inbox.accept(event):
            await self._inbox.done(event.id, notes)
        self.counts["handled"] += 1

    async def _started(
        self, rule: Rule, event: Event, seen: Seen | None
    ) -> tuple[list[tuple[Rule, str, Verdict | str]], int]:
        """What was decided, of MAX_PROMPTS people at most, and of how many people."""
        if rule.audience is None and not event.user:
            return [(rule, "", "the event has no user, and the rule no audience")], 1
        outcomes: list[tuple[Rule, str, Verdict | str]] = []
        people = 0
        async for users in self._audiences.of(rule, event.user):
            for user, verdict in await self._considered(rule, users, event, seen):
                people += 1
                if len(outcomes) < MAX_PROMPTS:
                    outcomes.append((rule, user, verdict))
        return outcomes, people

    async def _considered(
        self, rule: Rule, users: Sequence[str], event: Event, seen: Seen | None
    ) -> list[tuple[str, Verdict | str]]:
        due = _due(event)

        async def one(user: str) -> tuple[str, Verdict | str]:
            overtaken = await self._overtaken.by(rule, user, event)
            if overtaken:
                return user, f"{overtaken} had happened before"
            known = seen if user == event.user else None
            return user, await self._engine.consider(
                rule, user, event.id, event=event, born=event.time, due=due, seen=known
            )

        return list(await asyncio.gather(*map(one, users)))

    def _outcome(
        self,
        event: Event,
        rules: Sequence[Rule],
        outcomes: Sequence[tuple[Rule, str, Verdict | str]],
    ) -> dict[str, JsonValue]:
        if not rules:
            return {"prompts": [], "why": f"no rule waits for {event.type}"}
        prompts: list[JsonValue] = []
        why: dict[str, JsonValue] = {}
        for rule, user, verdict in outcomes:
            if isinstance(verdict, str):
                why[rule.name] = verdict
                continue
            prompts.append(outreach_id(rule.name, user, event.id))
            if verdict.decision is not Decision.SPEAK and verdict.failed is not None:
                why[rule.name] = f"{verdict.decision.value}: {verdict.failed.reason}"
        if not outcomes:
            why["audience"] = "nobody is in the rules' audience now"
        return {"prompts": prompts, "rules": [rule.name for rule in rules], "why": why}

    async def _from_bus(self, message: Message) -> None:
        try:
            event = Event.model_validate_json(message.body)
        except ValidationError as error:
            # Sending it again would not help; whoever wrote it sees it here.
            self.counts["unreadable"] += 1
            log.error(
                "an event on the bus cannot be read",
                message=message.id,
                reason="; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors()[:3]),
            )
            return
        await self.handle(event)


async def _nobody() -> None:
    return None


def _due(event: Event) -> float:
    due = event.data.get("due") if event.type.startswith(FINDING) else None
    return float(due) if isinstance(due, int | float) else 0.0
