"""The API with everything real behind it: a scheduler, a bus and a Redis of this process."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from intents.finder import PlainFinder
from messaging.memory import MemoryBus
from outreach.people import Consent
from outreach.switch import Switch
from scheduler.rule_files import parse_rules
from scheduler.runtime import Scheduler
from server.operations.services import Operations
from sessions.connect import _in_process
from tests.support.keys import Keys, bearer, make_keys
from tests.support.serving import PATIENCE, Serving, Stage

RULES = """
rules:
  - name: order_ready
    description: The order is on the counter
    status: live
    purpose: orders
    trigger: {event: order.ready}
    say: "Your {event.data.drink} is ready."
    reason: You ordered it.
    cancel_on: [order.collected]
    policy: {consent: opt_out}
  - name: closing_soon
    status: draft
    purpose: news
    trigger: {cron: "30 16 * * *"}
    audience: {live: true}
    say: We close in half an hour.
    policy: {quiet_hours: 22:00-08:00}
"""


class Bus(MemoryBus):
    """It can be away."""

    away = ""

    @property
    def trouble(self) -> str:
        return self.away


@dataclass
class Backstage:
    """What is behind the API; used on the server's own loop only."""

    redis: Redis
    bus: Bus
    scheduler: Scheduler
    operations: Operations


@pytest.fixture(scope="session")
def backstage(stage: Stage) -> Iterator[Backstage]:
    """Up once; tests keep to people of their own."""

    async def begin() -> Backstage:
        redis = _in_process().client
        bus = Bus("one")
        await bus.start()
        loaded = parse_rules(RULES, "rules.yaml")
        assert not loaded.problems, loaded.problems
        scheduler = Scheduler(
            redis,
            bus,
            instance="one",
            rules=loaded.rules,
            agent_zone="Europe/London",
            finder=PlainFinder(),
        )
        await scheduler.start()
        operations = Operations(
            ledger=scheduler.ledger,
            inbox=scheduler.inbox,
            intake=scheduler.intake,
            engine=scheduler.engine,
            rulebook=scheduler.rulebook,
            presence=scheduler.presence,
            switch=Switch(redis),
            people=scheduler.people,
            consent=Consent(redis),
            bus=bus,
            problems=(("agents/cafe/outreach/bad.yaml", 3, "should be a time"),),
            zone="Europe/London",
        )
        return Backstage(redis, bus, scheduler, operations)

    async def end(backstage: Backstage) -> None:
        await backstage.scheduler.aclose()
        await backstage.bus.aclose()

    backstage = stage.run(begin())
    yield backstage
    stage.run(end(backstage))


@pytest.fixture(scope="session")
def open_api(stage: Stage, backstage: Backstage) -> Iterator[Serving]:
    """A server without keys."""
    with stage.serving(operations=backstage.operations) as serving:
        yield serving


@pytest.fixture(scope="session")
def api(open_api: Serving) -> Iterator[httpx.Client]:
    """A client of it."""
    with httpx.Client(base_url=open_api.http_url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """One of each role."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return make_keys(folder)


@pytest.fixture(scope="session")
def guarded(stage: Stage, backstage: Backstage, keys: Keys) -> Iterator[Serving]:
    """A server that asks for keys."""
    with stage.serving(operations=backstage.operations, keys=keys.ring()) as serving:
        yield serving


@pytest.fixture(scope="session")
def operator(guarded: Serving, keys: Keys) -> Iterator[httpx.Client]:
    """Who may do everything, on the server that asks for keys."""
    with httpx.Client(
        base_url=guarded.http_url, timeout=PATIENCE, headers=bearer(keys.operator)
    ) as client:
        yield client
