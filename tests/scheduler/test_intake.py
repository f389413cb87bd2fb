"""Events: accepted once, whatever fails, and each with a recorded outcome."""

import pytest
from redis.asyncio import Redis

from messaging.bus import Delivery, Message
from messaging.memory import MemoryBus
from messaging.redis_streams import RedisStreamsBus
from outreach.errors import OutreachUnavailableError
from outreach.people import Person
from outreach.states import State
from tests.support.redis_server import RedisServer
from tests.support.scheduling import (
    ORDER_READY,
    AwayBus,
    come,
    event,
    handled,
    now,
    only,
    scheduler,
    states,
    until,
)


async def test_an_event_becomes_a_prompt_in_the_mailbox_and_on_the_bus(redis: Redis) -> None:
    told: list[Message] = []
    bus = MemoryBus("one")

    async def take(message: Message) -> None:
        told.append(message)

    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await bus.subscribe("outreach", "delivery", take, delivery=Delivery.ONCE)
        await come(redis, "u42")
        accepted = await made.intake.accept(event(time=await now(redis)))
        outcome = await handled(made)
        entry = await only(made)
        assert not accepted.duplicate
        assert entry.state is State.PUBLISHED
        assert entry.outreach.text == "Your latte is ready."
        assert outcome["prompts"] == [entry.outreach.id]
        assert [each.outreach.id for each in await made.ledger.mailbox("u42")] == [
            entry.outreach.id
        ]

        async def came() -> bool:
            return bool(told)

        await until(came)
        assert (told[0].id, told[0].key) == (entry.outreach.id, "u42")
    await bus.aclose()


async def test_the_same_through_redis_streams(redis: Redis) -> None:
    bus = RedisStreamsBus(redis, "one", finish_s=0.1)
    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await made.intake.accept(event(time=await now(redis)))
        assert (await handled(made))["prompts"] == [(await only(made)).outreach.id]
    await bus.aclose()


async def test_an_event_that_comes_twice_is_one_event(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        first = event(time=await now(redis))
        assert not (await made.intake.accept(first)).duplicate
        await handled(made)
        assert (await made.intake.accept(first)).duplicate
        await made.intake.handle(first)  # as a bus may deliver it once more
        assert await states(made) == [State.PUBLISHED]


async def test_an_event_that_its_publisher_put_on_the_bus_has_an_outcome(redis: Redis) -> None:
    bus = MemoryBus("one")
    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await bus.publish("events", event(time=await now(redis)).model_dump_json().encode())
        assert (await handled(made))["prompts"] == [(await only(made)).outreach.id]
    await bus.aclose()


async def test_what_is_no_event_is_put_aside(redis: Redis) -> None:
    bus = MemoryBus("one")
    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await bus.publish("events", b'{"type": "no id"}')

        async def counted() -> bool:
            return made.intake.counts["unreadable"] == 1

        await until(counted)
        assert await bus.dead_letters("events", "scheduler") == []
    await bus.aclose()


async def test_an_event_without_a_user_says_so(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await made.intake.accept(event(user="", time=await now(redis)))
        why = (await handled(made))["why"]
        assert why == {"order_ready": "the event has no user, and the rule no audience"}
        assert await states(made) == []


async def test_an_event_without_a_user_for_an_audience(redis: Redis) -> None:
    text = ORDER_READY + "audience: {users: [ann, ben]}\n"
    async with scheduler(redis, text) as made:
        await made.intake.accept(event(user="", time=await now(redis)))
        await handled(made)
        assert {each.outreach.user for each in await made.ledger.search()} == {"ann", "ben"}


async def test_an_event_for_everybody_known(redis: Redis) -> None:
    text = ORDER_READY + "audience: {all: true}\n"
    async with scheduler(redis, text) as made:
        for number in range(40):
            await made.people.put(Person(user=f"u{number}"))
        await made.intake.accept(event(user="", time=await now(redis)))
        outcome = await handled(made)
        assert len(await made.ledger.search(limit=200)) == 40
        assert len(outcome["prompts"]) == 40  # type: ignore[arg-type]


async def test_a_prompt_for_an_unknown_user_waits_for_them(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await made.intake.accept(event(user="nobody", time=await now(redis)))
        await handled(made)
        assert (await only(made, "nobody")).state is State.PUBLISHED


async def test_an_event_that_no_rule_waits_for_says_so(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await made.intake.accept(event("order.lost", time=await now(redis)))
        assert (await handled(made))["why"] == "no rule waits for order.lost"


async def test_a_late_event_is_suppressed(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await made.intake.accept(event(time=await now(redis) - 3600))
        why = (await handled(made))["why"]
        entry = await only(made)
        assert entry.state is State.SUPPRESSED
        assert entry.steps[-1].evidence["check"] == "ttl"
        assert "order_ready" in why  # type: ignore[operator]


async def test_what_withdraws_a_prompt_may_come_before_its_reason(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        at = await now(redis)
        await made.intake.accept(event("order.collected", id="second", time=at))
        await handled(made, "second")
        await made.intake.accept(event(time=at - 5))
        assert (await handled(made))["why"] == {
            "order_ready": "order.collected had happened before"
        }
        await made.intake.accept(event(id="another", time=at + 1))
        await handled(made, "another")
        assert await states(made) == [State.PUBLISHED]


async def test_a_later_event_withdraws_what_waits(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        at = await now(redis)
        await made.intake.accept(event(time=at))
        await handled(made)
        await made.intake.accept(event("order.collected", id="e2", time=at))
        assert (await handled(made, "e2"))["cancelled"] == 1
        assert (await only(made)).state is State.CANCELLED


async def test_words_that_cannot_be_made_fail_for_that_prompt_alone(redis: Redis) -> None:
    other = ORDER_READY.replace("order_ready", "other").replace("{event.data.drink}", "order")
    async with scheduler(redis, ORDER_READY, other) as made:
        await made.intake.accept(event(time=await now(redis), data={}))
        await handled(made)
        found = {each.outreach.rule: each for each in await made.ledger.search(user="u42")}
        assert found["other"].state is State.PUBLISHED
        assert found["order_ready"].state is State.FAILED
        assert "event.data.drink is missing" in found["order_ready"].steps[-1].reason


async def test_without_the_bus_events_are_accepted_and_handled_all_the_same(redis: Redis) -> None:
    bus = AwayBus("one")
    async with scheduler(redis, ORDER_READY, bus=bus, started=True) as made:
        await made.intake.accept(event(time=await now(redis)))
        await handled(made)
        assert (await only(made)).state is State.PUBLISHED
        assert made.intake.counts["not on the bus"] == 1
    await bus.aclose()


async def test_without_redis_nothing_is_accepted(redis_server: RedisServer, redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        at = await now(redis)
        redis_server.kill()
        try:
            with pytest.raises(OutreachUnavailableError):
                await made.intake.accept(event(time=at))
        finally:
            redis_server.start()
        assert not (await made.intake.accept(event(time=at))).duplicate
        await handled(made)
