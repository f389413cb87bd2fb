"""What only the Redis Streams adapter promises: its bounds, its upkeep, other programs' entries."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from messaging import redis_scripts as scripts
from messaging.bus import BusFullError, BusUnavailableError, Delivery, Message, Retries
from messaging.redis_messages import stream_of
from messaging.redis_streams import RedisStreamsBus
from tests.messaging.buses import PATIENCE, RedisBrokerInTests, redis_streams, until


@pytest.fixture
async def broker() -> AsyncIterator[RedisBrokerInTests]:
    async with redis_streams() as started:
        assert isinstance(started, RedisBrokerInTests)
        yield started


@pytest.fixture
async def redis(broker: RedisBrokerInTests) -> AsyncIterator[Redis]:
    async with Redis.from_url(broker.url()) as client:
        yield client


@pytest.fixture
async def bus(redis: Redis) -> AsyncIterator[RedisStreamsBus]:
    """One whose topics are full at 20 messages."""
    made = RedisStreamsBus(redis, "one", finish_s=0.1, most=20)
    await made.start()
    yield made
    async with asyncio.timeout(PATIENCE):
        await made.aclose()


async def _ignore(message: Message) -> None:
    pass


async def test_a_full_topic_refuses_and_says_who_is_slow_and_loses_nothing(
    bus: RedisStreamsBus,
) -> None:
    heard: list[bytes] = []

    async def handler(message: Message) -> None:
        heard.append(message.body)

    await bus.subscribe("t", "quick", _ignore)
    await (await bus.subscribe("t", "slow {1}", handler)).aclose()
    for n in range(20):
        await bus.publish("t", str(n).encode(), key="k")
    with pytest.raises(BusFullError, match=r"'slow \{1\}'.*XGROUP DESTROY"):
        await bus.publish("t", b"refused")
    assert bus.trouble == ""  # Redis is well
    await bus.subscribe("t", "slow {1}", handler)
    await until(lambda: len(heard) == 20)
    await until(lambda: bus.counts["t", "slow {1}", "handled"] == 20)
    await bus.publish("t", b"there is room again", key="k")
    await until(lambda: len(heard) == 21)
    assert heard == [*(str(n).encode() for n in range(20)), b"there is room again"]


async def test_too_many_delayed_messages_are_refused(bus: RedisStreamsBus) -> None:
    for _ in range(20):
        await bus.publish("t", b"", delay_s=3600)
    with pytest.raises(BusFullError, match="until they are due"):
        await bus.publish("t", b"", delay_s=3600)
    await bus.publish("t", b"")


async def test_a_topic_without_any_group_never_fills(bus: RedisStreamsBus, redis: Redis) -> None:
    await bus.subscribe("t", "all", _ignore, delivery=Delivery.ALL)
    for _ in range(50):
        await bus.publish("t", b"")
    await until(lambda: bus.counts["t", "all", "handled"] == 50)
    assert await redis.xlen(stream_of("t")) <= 20


async def test_trimming_leaves_what_a_group_has_not_handled(
    bus: RedisStreamsBus, redis: Redis
) -> None:
    go = asyncio.Event()
    begun: list[str] = []

    async def waits(message: Message) -> None:
        begun.append(message.id)
        if message.id == "5":
            await go.wait()

    await bus.subscribe("t", "g", waits)
    for n in range(10):
        await bus.publish("t", b"", id=str(n))
    await until(lambda: bus.counts["t", "g", "handled"] == 9)
    left, slowest = await bus._link.run(scripts.TRIM, stream_of("t"), "", 0)
    assert (left, slowest) == (5, b"g")
    assert [fields[b"id"] for _, fields in await redis.xrange(stream_of("t"))] == [
        str(n).encode() for n in range(5, 10)
    ]
    go.set()
    await until(lambda: bus.counts["t", "g", "handled"] == 10)
    assert (await bus._link.run(scripts.TRIM, stream_of("t"), 60_000, 0))[0] == 5


async def test_an_entry_that_another_program_added_is_a_message(
    bus: RedisStreamsBus, redis: Redis
) -> None:
    heard: list[Message] = []

    async def handler(message: Message) -> None:
        heard.append(message)

    await bus.subscribe("t", "g", handler)
    entry = await redis.xadd(stream_of("t"), {"body": "{}", "born": "yesterday", "tag": b"\xff"})
    await until(lambda: len(heard) == 1)
    [message] = heard
    assert (message.id, message.body, message.key, message.tag) == (
        entry.decode(),
        b"{}",
        "",
        "\N{REPLACEMENT CHARACTER}",
    )
    assert message.born == int(entry.split(b"-")[0]) / 1000


async def test_a_long_line_of_unwanted_messages_of_one_key_is_passed_over(redis: Redis) -> None:
    bus, heard = RedisStreamsBus(redis, "one"), asyncio.Event()

    async def handler(message: Message) -> None:
        heard.set()

    await (await bus.subscribe("t", "g", handler, tags="wanted")).aclose()
    await asyncio.gather(*(bus.publish("t", b"", key="k", tag="unwanted") for _ in range(600)))
    await bus.publish("t", b"", key="k", tag="wanted")
    await bus.subscribe("t", "g", handler, tags="wanted")
    async with asyncio.timeout(PATIENCE):
        await heard.wait()
        await bus.aclose()


async def test_messages_flow_again_when_redis_has_lost_everything(
    bus: RedisStreamsBus, redis: Redis
) -> None:
    heard = set[str]()

    async def handler(message: Message) -> None:
        heard.add(message.id)

    for delivery in (Delivery.ONCE, Delivery.ALL):
        await bus.subscribe(f"t-{delivery.value}", "g", handler, delivery=delivery)
        await bus.publish(f"t-{delivery.value}", b"", id=f"{delivery.value} before", key="k")
    await until(lambda: len(heard) == 2)
    await redis.flushall()
    for delivery in (Delivery.ONCE, Delivery.ALL):
        await bus.publish(f"t-{delivery.value}", b"", id=f"{delivery.value} after", key="k")
    await until(lambda: len(heard) == 4)
    await until(lambda: bus.trouble == "")


@pytest.mark.parametrize("delivery", list(Delivery))
async def test_a_mistake_in_one_look_does_not_end_a_consumer(
    bus: RedisStreamsBus, monkeypatch: pytest.MonkeyPatch, delivery: Delivery
) -> None:
    heard, mistakes = set[str](), []

    async def handler(message: Message) -> None:
        heard.add(message.id)

    def once_broken(honest: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def look(*args: Any) -> Any:
            if not mistakes:
                mistakes.append(args)
                raise ValueError("a mistake of ours")
            return await honest(*args)

        return look

    monkeypatch.setattr(bus._link, "read", once_broken(bus._link.read))
    await bus.subscribe("t", "g", handler, delivery=delivery)
    await until(lambda: bool(mistakes))
    await bus.publish("t", b"", id="m", owner="one" if delivery is Delivery.OWNER else "")
    await until(lambda: heard == {"m"})
    await until(lambda: bus.trouble == "")


async def test_an_entry_removed_by_hand_does_not_hold_up_those_of_its_key(
    bus: RedisStreamsBus, redis: Redis
) -> None:
    heard: list[str] = []

    async def handler(message: Message) -> None:
        heard.append(message.id)
        if message.id == "first":
            await redis.xtrim(stream_of("t"), maxlen=1, approximate=False)  # itself, too
            raise ValueError("again")

    retries = Retries(first_s=0.05)
    await (await bus.subscribe("t", "g", handler)).aclose()
    for id in ("first", "second", "third"):
        await bus.publish("t", b"", id=id, key="k")
    await bus.subscribe("t", "g", handler, retries=retries)
    await until(lambda: "third" in heard)
    assert heard == ["first", "third"]


async def test_consumers_that_are_gone_are_forgotten(bus: RedisStreamsBus, redis: Redis) -> None:
    await (await bus.subscribe("t", "g", _ignore)).aclose()
    gone = await bus.subscribe("t", "g", _ignore)
    await bus.publish("t", b"")
    await until(lambda: bus.counts["t", "g", "handled"] == 1)
    await gone.aclose()
    assert await redis.xinfo_consumers(stream_of("t"), "g")
    await bus._link.run(scripts.SWEEP, stream_of("t"), "g", "me", 1000, "g", -1)
    assert not await redis.xinfo_consumers(stream_of("t"), "g")


async def test_a_frozen_redis_is_told_and_messages_flow_when_it_thaws(
    broker: RedisBrokerInTests, bus: RedisStreamsBus
) -> None:
    heard = set[str]()

    async def handler(message: Message) -> None:
        heard.add(message.id)

    await bus.subscribe("t", "g", handler)
    await bus.publish("t", b"", id="before")
    await until(lambda: heard == {"before"})
    broker.server.freeze()
    try:
        with pytest.raises(BusUnavailableError, match="no answer"):
            async with asyncio.timeout(PATIENCE):
                await bus.publish("t", b"", id="perhaps")
        assert "no answer" in bus.trouble
    finally:
        broker.server.thaw()
    await until(lambda: bus.trouble == "")
    await bus.publish("t", b"", id="after")
    await until(lambda: "after" in heard)


async def test_a_strict_bus_does_not_start_without_redis(broker: RedisBrokerInTests) -> None:
    broker.away()
    bus = RedisStreamsBus(Redis.from_url(broker.url()), "one", strict=True)
    with pytest.raises(BusUnavailableError):
        await bus.start()
    await bus.aclose()


async def test_nothing_of_the_bus_is_left_running_after_it_closed(redis: Redis) -> None:
    before = asyncio.all_tasks()
    bus = RedisStreamsBus(redis, "one")
    await bus.start()
    for delivery in Delivery:
        await bus.subscribe(delivery.value, "g", _ignore, delivery=delivery)
    async with asyncio.timeout(PATIENCE):
        await bus.aclose()
    assert asyncio.all_tasks() == before
    await until_connections(redis, 1)


async def until_connections(redis: Redis, n: int) -> None:
    """Returns when so many clients are connected."""
    async with asyncio.timeout(PATIENCE):
        while len(await redis.client_list()) > n:
            await asyncio.sleep(0.005)


async def test_consumers_that_come_and_go_and_a_redis_that_restarts_lose_nothing(
    broker: RedisBrokerInTests, redis: Redis
) -> None:
    """Every message is handled, and what is handled for the first time is so in its key's order."""
    handled: dict[str, list[int]] = {}
    chance = random.Random(5)

    async def handler(message: Message) -> None:
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            raise ValueError("again")
        numbers = handled.setdefault(message.key, [])
        if int(message.body) not in numbers:  # at least once
            numbers.append(int(message.body))

    retries = Retries(attempts=100, first_s=0.01, longest_s=0.05, handling_s=0.5)
    publisher = broker.bus("publisher")
    sent = 0
    for round_ in range(6):
        consumer = broker.bus("one of many")
        for _ in range(2):
            await consumer.subscribe("t", "g", handler, retries=retries, at_once=4)
        for n in range(40):
            if round_ % 2 and n == 20:
                broker.away()
                broker.back()
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        await publisher.publish("t", str(sent).encode(), key=f"k{sent % 7}")
                        break
                    except BusUnavailableError:
                        await asyncio.sleep(0.01)
            sent += 1
        await consumer.aclose()
    last = broker.bus("last")
    await last.subscribe("t", "g", handler, retries=retries)
    await until(lambda: sum(map(len, handled.values())) == sent)
    assert all(numbers == sorted(numbers) for numbers in handled.values())
    await last.aclose()
    await publisher.aclose()
