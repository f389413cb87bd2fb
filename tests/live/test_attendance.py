"""Who is here stays known, whatever happens to Redis."""

from redis.asyncio import Redis

from messaging.memory import MemoryBroker
from outreach.states import State
from tests.outreach.prompts import prompt
from tests.support.delivering import Instance, prompts_said
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
