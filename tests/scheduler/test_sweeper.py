"""What the bus lost is found, and one that is broken does not hold up the others."""

import pytest
from redis.asyncio import Redis

from messaging.bus import Message
from outreach.ledger import Ledger
from outreach.states import State
from scheduler.engine import Engine
from scheduler.sweeper import EVENT_WAITS_S
from tests.outreach.prompts import an_hour_later
from tests.support.scheduling import ORDER_READY, AwayBus, event, now, only, scheduler, until


async def test_a_prompt_that_the_bus_lost_is_published_again(redis: Redis) -> None:
    bus = AwayBus("one")
    told: list[str] = []

    async def take(message: Message) -> None:
        told.append(message.id)

    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await bus.subscribe("outreach", "delivery", take)
        await made.intake.handle(event(time=await now(redis)))
        assert (await only(made)).state is State.PUBLISHED
        bus.away = False
        await an_hour_later(redis)
        await made.sweeper.sweep()

        async def came() -> bool:
            return bool(told)

        await until(came)
        assert told == [(await only(made)).outreach.id]
    await bus.aclose()


async def test_a_lease_that_ran_out_is_given_up_and_told_of(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await made.intake.handle(event(time=await now(redis)))
        id = (await only(made)).outreach.id
        await made.ledger.reserve("u42", id, "dead/sess_1", lease_s=0)
        await an_hour_later(redis)
        await made.sweeper.sweep()
        assert (await only(made)).state is State.PUBLISHED
        assert made.sweeper.counts["leases given up"] == 1


async def test_an_event_that_the_bus_lost_is_handled(redis: Redis) -> None:
    bus = AwayBus("one")
    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await made.intake.accept(event(time=await now(redis)))

        async def swept() -> bool:
            await made.sweeper.sweep()
            return await made.inbox.outcome("e1") is not None

        assert EVENT_WAITS_S < 5
        await until(swept)
        assert (await only(made)).state is State.PUBLISHED
    await bus.aclose()


async def test_a_prompt_that_cannot_be_looked_at_fails_alone(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        at = await now(redis)
        kept = made.rulebook.get("order_ready")
        assert kept is not None
        for key in ("bad", "good"):
            told = event(id=key, time=at)
            await made.engine.consider(kept.rule, key, key, event=told, due=at + 60)
            id = (await only(made, key)).outreach.id
            await made.ledger.move(key, id, State.HELD, until=at - 1)
        honest = made.engine.look_again

        async def broken(user: str, id: str) -> State | None:
            if user == "bad":
                raise ValueError("a mistake of ours")
            return await honest(user, id)

        monkeypatch.setattr(made.engine, "look_again", broken)
        await an_hour_later(redis)
        await made.sweeper.sweep()
        assert (await only(made, "bad")).state is State.FAILED
        assert (await only(made, "good")).steps[-1].reason == "it is not due yet"


async def test_an_event_that_cannot_be_handled_says_so(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = AwayBus("one")
    async with scheduler(redis, ORDER_READY, bus=bus) as made:

        async def broken(*_: object, **__: object) -> None:
            raise ValueError("a mistake of ours")

        monkeypatch.setattr(Engine, "consider", broken)
        await made.intake.accept(event(time=await now(redis)))

        async def swept() -> bool:
            await made.sweeper.sweep()
            return await made.inbox.outcome("e1") is not None

        await until(swept)
        assert await made.inbox.outcome("e1") == {"failed": "ValueError: a mistake of ours"}
    await bus.aclose()


async def test_two_sweepers_do_not_do_the_same_work(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await made.intake.handle(event(time=await now(redis)))
        await an_hour_later(redis)
        other = Ledger(redis, "two")
        found = [*await made.ledger.lapsed(), *await other.lapsed()]
        assert len(found) == 1
        await other.aclose()
