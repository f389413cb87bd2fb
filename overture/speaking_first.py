"""Speaking first, joined: the bus, the scheduler, delivery, and what operators work with."""

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intents.finder import PlainFinder
from live.attendance import Attending
from live.consequences import Consequences
from live.delivery import Delivery
from messaging.bus import Bus, BusError
from messaging.topics import Topics
from outreach.entry import Entry
from outreach.inbox import Event
from outreach.people import Consent
from outreach.switch import Switch
from overture.agent_folder import Agent
from overture.errors import UserError
from overture.settings import Settings
from scheduler.runtime import Scheduler
from server.operations.services import QUEUES, Operations

if TYPE_CHECKING:
    from sessions.connect import RedisConnection


@dataclass(frozen=True, slots=True)
class SpeakingFirst:
    """Everything for it in one process, started. desk: where live sessions sign on."""

    instance: str
    bus: Bus
    scheduler: Scheduler
    desk: Delivery
    operations: Operations


def instance_name(settings: Settings) -> str:
    """As set, or the host's name and something that no other process has."""
    if settings.instance:
        return settings.instance
    host = "".join(c if c.isalnum() or c in "._-" else "-" for c in socket.gethostname())
    return f"{host[:40]}-{secrets.token_hex(3)}"


def topics_of(settings: Settings) -> Topics:
    """Raises UserError."""
    try:
        return Topics.parse(settings.topics)
    except BusError as error:
        raise UserError(f"OVERTURE_TOPICS={settings.topics!r}: {error}") from None


def make_bus(settings: Settings, redis: "RedisConnection", instance: str) -> Bus:
    """The bus that was asked for, not yet started."""
    named = settings.bus
    if named == "auto":
        named = "redis" if redis.durable else "memory"
    if named == "memory":
        from messaging.memory import MemoryBus

        return MemoryBus(instance)
    if named == "redis":
        from messaging.redis_streams import RedisStreamsBus

        return RedisStreamsBus(redis.client, instance)
    from messaging.rocketmq.bus import RocketMQBus

    return RocketMQBus(named, instance)


def make_scheduler(
    settings: Settings,
    agent: Agent,
    redis: "RedisConnection",
    bus: Bus,
    instance: str,
    topics: Topics,
) -> Scheduler:
    """Not yet started."""
    return Scheduler(
        redis.client,
        bus,
        instance=instance,
        rules=agent.rules,
        agent_zone=agent.settings.time_zone,
        finder=PlainFinder([agent.settings.unknown_answer]),
        knowledge=agent.knowledge_folder,
        topics=topics,
    )


async def speaking_first(
    settings: Settings, agent: Agent, redis: "RedisConnection", stack: AsyncExitStack
) -> SpeakingFirst:
    """Joins and starts all of it; `stack` ends it. Raises UserError."""
    instance, topics = instance_name(settings), topics_of(settings)
    bus = make_bus(settings, redis, instance)
    try:
        await bus.start()
        stack.push_async_callback(bus.aclose)
        scheduler = make_scheduler(settings, agent, redis, bus, instance, topics)
        if settings.scheduler == "on":
            await scheduler.start()
            stack.push_async_callback(scheduler.aclose)
        else:
            await scheduler.rulebook.start()
            stack.push_async_callback(scheduler.ledger.aclose)
            stack.push_async_callback(scheduler.rulebook.aclose)
        delivery = _delivery(settings, redis, scheduler, bus, instance, topics)
        scheduler.engine.near = delivery.nearby
        await delivery.start()
        stack.push_async_callback(delivery.aclose)
    except BusError as error:
        raise UserError(f"OVERTURE_BUS={settings.bus}: {error}") from None
    operations = Operations(
        ledger=scheduler.ledger,
        inbox=scheduler.inbox,
        intake=scheduler.intake,
        engine=scheduler.engine,
        rulebook=scheduler.rulebook,
        presence=scheduler.presence,
        switch=Switch(redis.client),
        people=scheduler.people,
        consent=Consent(redis.client),
        bus=bus,
        problems=tuple((p.file, p.line, p.message) for p in agent.rule_problems),
        zone=agent.settings.time_zone,
        queues=tuple((topics(topic), topics(group)) for topic, group in QUEUES),
    )
    return SpeakingFirst(instance, bus, scheduler, delivery, operations)


def _delivery(
    settings: Settings,
    redis: "RedisConnection",
    scheduler: Scheduler,
    bus: Bus,
    instance: str,
    topics: Topics,
) -> Delivery:
    async def publish_event(kind: str, entry: Entry) -> object:
        prompt = entry.outreach
        answered = Event(
            id=f"answer:{prompt.id}:{kind}"[:200],
            type=kind,
            user=prompt.user,
            time=time.time(),
            data={**prompt.data, "outreach_id": prompt.id, "rule": prompt.rule},
            source="overture/answers",
        )
        return await scheduler.intake.accept(answered)

    attending = Attending(
        scheduler.presence,
        scheduler.people,
        instance=instance,
        address=f"{settings.host}:{settings.port}",
        capacity=settings.max_sessions,
        bus_trouble=_trouble(bus),
    )
    consequences = Consequences(
        scheduler.ledger, Consent(redis.client), scheduler.engine.defer, publish_event
    )
    return Delivery(
        bus,
        scheduler.ledger,
        scheduler.presence,
        Switch(redis.client),
        consequences,
        instance=instance,
        attending=attending,
        topics=topics,
    )


def _trouble(bus: Bus) -> Callable[[], str]:
    return lambda: bus.trouble
