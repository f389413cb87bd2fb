"""What is counted of prompts, events and messages is in /metrics."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from redis.asyncio import BlockingConnectionPool, Redis

from messaging.memory import MemoryBroker
from outreach.claims import Claim
from outreach.entry import Entry, Step
from outreach.states import State
from overture.outreach_metering import meter_outreach
from tests.outreach.prompts import prompt, published
from tests.support.delivering import Instance
from tests.support.redis_server import RedisServer, needs_redis
from tests.support.scheduling import ORDER_READY, event, now, scheduler

pytestmark = needs_redis


@pytest.fixture
def server() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def one(server: RedisServer) -> AsyncIterator[Instance]:
    pool = BlockingConnectionPool.from_url(server.url, max_connections=32, timeout=10.0)
    instance = Instance("one", Redis(connection_pool=pool), MemoryBroker())
    await instance.start()
    yield instance
    await instance.aclose()
    await pool.disconnect()


async def test_prompts_are_counted_from_the_reason_to_the_ear(one: Instance) -> None:
    registry = CollectorRegistry()

    def count(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    async with scheduler(one.redis, ORDER_READY, bus=one.bus) as made:
        meter_outreach(registry, made, one.delivery, one.bus)
        assert count("overture_outreach_delivery_total", what="heard") == 0
        assert count("overture_outreach_begin_seconds_count") == 0
        kept = made.rulebook.get("order_ready")
        assert kept is not None
        happened = event(id="e1", time=await now(one.redis))
        await made.engine.consider(kept.rule, "u42", "e1", event=happened)
        talk = await one.talk("s1")
        outreach = await published(one.ledger, ttl_s=1e6)
        assert await one.delivery.nearby.bring(outreach, "s1")
        await one.becomes(outreach, State.HEARD, talk)
        assert count("overture_outreach_decisions_total", outcome="published") == 1
        for what in ("reserved", "begun", "heard"):
            assert (count("overture_outreach_delivery_total", what=what) or 0) >= 1
        assert (count("overture_outreach_begin_seconds_count") or 0) >= 1
        labels = {"topic": "outreach", "group": "", "what": "published"}
        assert count("overture_bus_messages_total", **labels) == 1
        assert count("overture_bus_trouble") == 0
        assert count("overture_scheduler_leading") == 0
        # Nobody's name, words or rules are in it.
        shown = generate_latest(registry).decode()
        assert not [word for word in ("u42", 's1"', "latte", "order_ready") if word in shown]


async def test_what_the_ledger_does_not_grant_is_counted_by_why(one: Instance) -> None:
    registry = CollectorRegistry()
    async with scheduler(one.redis, bus=one.bus) as made:
        meter_outreach(registry, made, one.delivery, one.bus)
        await one.talk("s1")
        assert not await one.delivery.nearby.bring(prompt(), "s1")
        assert registry.get_sample_value("overture_outreach_refused_total", {"why": "gone"}) == 1


def test_a_prompt_is_as_old_as_its_reason_unless_it_was_held() -> None:
    outreach = prompt(born=100.0)
    steps = (Step(state=State.MATCHED, at=101.0), Step(state=State.PUBLISHED, at=101.0))
    claim = Claim(
        "u42", outreach.id, 1, 0, Entry(outreach=outreach, state=State.RESERVED, steps=steps)
    )
    assert claim.age_s(102.5) == 2.5
    held = (
        Step(state=State.MATCHED, at=101.0),
        Step(state=State.HELD, at=101.0),
        Step(state=State.PUBLISHED, at=900.0),
    )
    claim = Claim(
        "u42", outreach.id, 1, 0, Entry(outreach=outreach, state=State.RESERVED, steps=held)
    )
    assert claim.age_s(902.0) == 2.0
