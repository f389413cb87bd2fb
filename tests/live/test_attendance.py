"""Who is here stays known, whatever happens to Redis."""

import asyncio

import orjson
import pytest
from redis.asyncio import Redis

from messaging.memory import MemoryBroker
from outreach.states import State
from tests.outreach.prompts import prompt
from tests.support.delivering import PATIENCE, Instance, prompts_said
from tests.support.redis_server import needs_redis

pytestmark = needs_redis


async def test_a_redis_that_lost_what_it_had_is_told_anew_who_is_here(redis: Redis) -> None:
    broker = MemoryBroker()
    one, two = Instance("one", redis, broker), Instance("two", redis, broker)
    for instance in (one, two):
        await instance.start()
    try:
        talk = await one.talk("s1")
        await one.present("s1")
        await redis.flushall()
        await one.present("s1")
        await one.delivery._subscriptions[0].aclose()  # the other one gets what comes for both
        outreach = prompt(ttl_s=1e6)
        await two.publish(outreach)
        await two.becomes(outreach, State.HEARD, talk)
        assert prompts_said(talk)
    finally:
        for instance in (one, two):
            await instance.aclose()


async def test_a_round_that_goes_wrong_is_followed_by_the_next(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Instance("one", redis, MemoryBroker())
    attending = one.delivery._attending
    honest, broken = attending.beat, asyncio.Event()

    async def once() -> None:
        if not broken.is_set():
            broken.set()
            raise ValueError("a mistake of ours")
        await honest()

    monkeypatch.setattr(attending, "beat", once)
    await one.start()
    try:
        await one.talk("s1")
        await one.present("s1")  # which takes a beat
        assert broken.is_set()
    finally:
        await one.aclose()


async def test_who_has_just_gone_to_another_instance_is_not_away(redis: Redis) -> None:
    broker = MemoryBroker()
    one, two = Instance("one", redis, broker), Instance("two", redis, broker)
    for instance in (one, two):
        await instance.start()
    try:
        talk = await two.talk("s2")
        await two.present("s2")
        outreach = prompt(ttl_s=1e6, offline="drop")
        assert await one.ledger.open(outreach, State.PUBLISHED)
        body = {"kind": "deliver", "user": "u42", "id": outreach.id, "session": "gone"}
        await two.bus.publish("to-instance", orjson.dumps(body), key="u42", owner="one")
        async with asyncio.timeout(PATIENCE):
            while not one.bus.counts["to-instance", "delivery", "handled"]:
                await asyncio.sleep(0.002)
        assert (await one.entry(outreach)).state is State.PUBLISHED
        await two.bus.publish("outreach", orjson.dumps(body), key="u42")  # as the sweeper does
        await two.becomes(outreach, State.HEARD, talk)
    finally:
        for instance in (one, two):
            await instance.aclose()
