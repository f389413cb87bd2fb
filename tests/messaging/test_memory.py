"""What only the memory adapter promises: its bounds."""

import asyncio

import pytest

from messaging.bus import BusFullError, Delivery, Message, Retries
from messaging.local import MAX_WAITING
from messaging.memory import MemoryBus
from tests.messaging.buses import until


async def _ignore(message: Message) -> None:
    pass


async def test_a_group_that_handles_nothing_makes_a_topic_full() -> None:
    bus = MemoryBus("one")
    await (await bus.subscribe("t", "slow", _ignore)).aclose()
    for _ in range(MAX_WAITING):
        await bus.publish("t", b"")
    with pytest.raises(BusFullError, match="'slow'"):
        await bus.publish("t", b"")
    await bus.subscribe("t", "slow", _ignore)
    await until(lambda: bus.counts["t", "slow", "handled"] == MAX_WAITING)
    await bus.publish("t", b"")
    await bus.aclose()


async def test_a_consumer_of_all_that_is_too_slow_loses_the_oldest_and_counts_it() -> None:
    bus, go, heard = MemoryBus("one"), asyncio.Event(), list[bytes]()

    async def handler(message: Message) -> None:
        await go.wait()
        heard.append(message.body)

    await bus.subscribe("t", "g", handler, delivery=Delivery.ALL, at_once=1)
    for n in range(MAX_WAITING + 10):
        await bus.publish("t", str(n).encode())
    assert bus.counts["t", "g", "lost"] == 10
    go.set()
    await until(lambda: len(heard) == MAX_WAITING)
    assert heard[:2] == [b"0", b"11"]  # the first was being handled
    await bus.aclose()


async def test_too_many_delayed_messages_are_refused() -> None:
    bus = MemoryBus("one")
    for _ in range(MAX_WAITING):
        await bus.publish("t", b"", delay_s=3600)
    with pytest.raises(BusFullError, match="delayed"):
        await bus.publish("t", b"", delay_s=3600)


def test_the_wait_doubles_up_to_the_longest() -> None:
    retries = Retries(first_s=0.2, longest_s=1.0)
    assert [retries.wait_s(n) for n in (1, 2, 3, 4, 5000)] == [0.2, 0.4, 0.8, 1.0, 1.0]
