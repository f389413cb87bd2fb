"""The scheduler as a whole, by itself."""

import asyncio

from redis.asyncio import Redis

from messaging.memory import MemoryBroker, MemoryBus
from messaging.redis_streams import RedisStreamsBus
from outreach.states import State
from scheduler.ticker import TICKED
from sessions.connect import _in_process
from sessions.lease import Lease
from tests.scheduler.test_ticker import HOURLY
from tests.support.redis_server import RedisServer
from tests.support.scheduling import ORDER_READY, event, handled, now, scheduler, states, until


async def test_one_of_two_leads_and_the_other_when_it_ends(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY, instance="two", started=False) as second:
        async with scheduler(redis, ORDER_READY, started=True) as first:
            await second.leader.look()
            assert (first.leader.leading, second.leader.leading) == (True, False)
        await second.leader.look()
        assert second.leader.leading
        assert second.leader.token > first.leader.token


async def test_a_leader_that_dies_is_followed_and_its_work_is_done(redis: Redis) -> None:
    # It held the lease, wrote nothing since an hour, and never lets go of it.
    assert await Lease(redis, "scheduler", "dead", 0.3).acquire() is not None
    await redis.set(TICKED, repr(await now(redis) - 3600))
    async with scheduler(redis, HOURLY, instance="two", started=True, lease_s=0.3) as second:
        assert not second.leader.leading

        async def said() -> bool:
            return await states(second) == [State.PUBLISHED]

        await until(said)
        assert second.leader.token == 2


async def test_two_schedulers_over_one_bus_handle_each_event_once(redis: Redis) -> None:
    broker = MemoryBroker()
    buses = [MemoryBus(name, broker, finish_s=0.1) for name in ("one", "two")]
    async with (
        scheduler(redis, ORDER_READY, bus=buses[0], started=True) as one,
        scheduler(redis, ORDER_READY, bus=buses[1], instance="two", started=True) as two,
    ):
        at = await now(redis)
        for number in range(20):
            await one.intake.accept(event(id=f"e{number}", user=f"u{number}", time=at))
        for number in range(20):
            await handled(one, f"e{number}")
        assert len(await one.ledger.search(limit=100)) == 20
        assert one.intake.counts["handled"] + two.intake.counts["handled"] == 20
    for bus in buses:
        await bus.aclose()


async def test_it_goes_on_when_redis_comes_back(redis_server: RedisServer, redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY, started=True) as made:
        at = await now(redis)
        redis_server.kill()
        try:

            async def noticed() -> bool:
                return made.counts().get("failed_rounds:sweep", 0) > 0 or not made.leader.leading

            await until(noticed)
        finally:
            redis_server.start()

        async def leads() -> bool:
            return made.leader.leading

        await until(leads)
        await made.intake.accept(event(time=at))
        await handled(made)
        assert await states(made) == [State.PUBLISHED]


async def test_without_redis_at_the_start_it_waits_for_it(
    redis_server: RedisServer, redis: Redis
) -> None:
    redis_server.kill()
    try:
        async with scheduler(redis, ORDER_READY, bus=MemoryBus("one"), started=True) as made:
            assert not made.leader.leading
            redis_server.start()

            async def leads() -> bool:
                return made.leader.leading

            await until(leads)
    finally:
        if redis_server._process is None:
            redis_server.start()


async def test_it_works_over_redis_streams(redis: Redis) -> None:
    bus = RedisStreamsBus(redis, "one", finish_s=0.1)
    async with scheduler(redis, ORDER_READY, bus=bus, started=True) as made:
        await made.intake.accept(event(time=await now(redis)))
        await handled(made)
        assert await states(made) == [State.PUBLISHED]
    await bus.aclose()


async def test_it_works_without_a_redis_server() -> None:
    in_process = _in_process()
    async with scheduler(in_process.client, ORDER_READY, HOURLY, started=True) as made:
        assert made.leader.leading
        await made.intake.accept(event(time=await now(in_process.client)))
        await handled(made)
        assert await states(made) == [State.PUBLISHED]
    await in_process.aclose()


async def test_nothing_runs_on_once_it_is_closed(redis: Redis) -> None:
    before = asyncio.all_tasks()
    async with scheduler(redis, ORDER_READY, HOURLY, started=True) as made:
        assert made.counts()["leading"] == 1.0
    assert asyncio.all_tasks() - before == set()
