"""A scheduler on a real Redis, with rules from YAML, whose parts a test drives by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from intents.finder import PlainFinder
from messaging.bus import Bus, BusUnavailableError
from messaging.memory import MemoryBus
from outreach.entry import Entry
from outreach.inbox import Event
from outreach.states import State
from scheduler.rule_files import parse_rules
from scheduler.rules import Rule
from scheduler.runtime import Scheduler
from sessions.presence import InstanceCard, LiveAt, Presence, SessionCard

PATIENCE = 30.0
"""Seconds that anything may take on a slow machine before a test gives up."""

ORDER_READY = """
name: order_ready
status: live
purpose: orders
trigger: {event: order.ready}
say: "Your {event.data.drink} is ready."
cancel_on: [order.collected]
convert_on: [order.paid]
"""


def rules(*texts: str) -> Sequence[Rule]:
    """Of YAML that is right."""
    found = []
    for text in texts:
        loaded = parse_rules(text, "rules.yaml")
        assert not loaded.problems, loaded.problems
        found += loaded.rules
    return found


@asynccontextmanager
async def scheduler(
    redis: Redis,
    *texts: str,
    bus: Bus | None = None,
    instance: str = "one",
    started: bool = False,
    lease_s: float = 2.0,
) -> AsyncIterator[Scheduler]:
    """One in whose rules these are. started: it handles, leads and sweeps by itself; else only its
    intake listens to the bus."""
    own = bus or MemoryBus(instance, finish_s=0.1)
    await own.start()
    made = Scheduler(
        redis,
        own,
        instance=instance,
        rules=rules(*texts),
        agent_zone="Europe/London",
        finder=PlainFinder(("I don't know that.",)),
        lease_s=lease_s,
    )
    if started:
        await made.start()
    else:
        await made.rulebook.refresh()
        await made.intake.start()
    try:
        yield made
    finally:
        await made.aclose()
        await made.intake.aclose()
        await made.ledger.aclose()
        if bus is None:
            await own.aclose()


def event(type: str = "order.ready", user: str = "u42", id: str = "e1", **given: object) -> Event:
    """One that happened in 2001 unless `time` says otherwise is late: so `time` is to be given."""
    fields: dict[str, object] = {"data": {"drink": "latte"}, **given}
    return Event.model_validate({"id": id, "type": type, "user": user, **fields})


async def now(redis: Redis) -> float:
    """Redis' own time."""
    seconds, micros = await redis.time()
    return float(seconds + micros / 1e6)


async def come(
    redis: Redis, user: str, session: str = "sess_1", instance: str = "one", **card: object
) -> SessionCard:
    """The person opens a conversation."""
    at = await now(redis)
    presence = Presence(redis, instance)
    shown = SessionCard.model_validate(
        {"session": session, "user": user, "since": at, "active": at, **card}
    )
    await presence.beat(InstanceCard(instance=instance, sessions=(shown,)))
    await presence.enter(LiveAt(session, user, instance, at, text_only=False))
    return shown


async def only(made: Scheduler, user: str = "u42") -> Entry:
    """The one prompt of that person."""
    (entry,) = await made.ledger.search(user=user)
    return entry


async def states(made: Scheduler, user: str = "") -> list[State]:
    """Of all prompts, newest first."""
    return [entry.state for entry in await made.ledger.search(user=user)]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Waits for it."""
    async with asyncio.timeout(PATIENCE):
        while not await true():
            await asyncio.sleep(0.01)


async def handled(made: Scheduler, id: str = "e1") -> dict[str, object]:
    """The outcome of an event, once there is one."""

    async def there() -> bool:
        return await made.inbox.outcome(id) is not None

    await until(there)
    outcome = await made.inbox.outcome(id)
    assert outcome is not None
    return dict(outcome)


class AwayBus(MemoryBus):
    """A bus whose broker is away as long as `away` says so."""

    away = True

    async def publish(
        self,
        topic: str,
        body: bytes,
        *,
        id: str = "",
        key: str = "",
        tag: str = "",
        delay_s: float = 0.0,
        owner: str = "",
    ) -> str:
        if self.away:
            raise BusUnavailableError("the broker is away")
        return await super().publish(
            topic, body, id=id, key=key, tag=tag, delay_s=delay_s, owner=owner
        )
