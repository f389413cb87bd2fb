"""A broker that goes away and comes back: nothing is lost, and `trouble` tells."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from messaging.bus import Bus, BusUnavailableError, Delivery, Message
from tests.messaging.buses import CAN_FAIL, PATIENCE, CanFail, until


@pytest.fixture(params=CAN_FAIL)
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[CanFail]:
    async with CAN_FAIL[request.param]() as started:
        yield started


@pytest.fixture
async def bus(broker: CanFail) -> AsyncIterator[Bus]:
    made = broker.bus("one")
    async with asyncio.timeout(PATIENCE):
        await made.start()
    yield made
    async with asyncio.timeout(PATIENCE):
        await made.aclose()


@pytest.fixture
def topic() -> str:
    """A topic that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


async def _published(bus: Bus, topic: str, id: str, owner: str = "") -> None:
    """Tries until the broker has it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await bus.publish(topic, id.encode(), id=id, owner=owner)
                return
            except BusUnavailableError:
                await asyncio.sleep(0.02)


async def test_messages_flow_again_and_none_is_lost(broker: CanFail, bus: Bus, topic: str) -> None:
    once, all_, owned = set[str](), set[str](), set[str]()
    held, go = asyncio.Event(), asyncio.Event()

    async def handler(message: Message) -> None:
        if message.id == "held":
            held.set()
            await go.wait()
        once.add(message.id)

    async def to_all(message: Message) -> None:
        all_.add(message.id)

    async def to_owner(message: Message) -> None:
        owned.add(message.id)

    await bus.subscribe(topic, "g", handler)
    await bus.subscribe(topic, "a", to_all, delivery=Delivery.ALL)
    await bus.subscribe(f"{topic}-o", "o", to_owner, delivery=Delivery.OWNER)
    for n in range(10):
        await bus.publish(topic, b"", id=f"before {n}")
    await bus.publish(topic, b"", id="held")
    async with asyncio.timeout(PATIENCE):
        await held.wait()
    assert bus.trouble == ""

    broker.away()
    with pytest.raises(BusUnavailableError):
        async with asyncio.timeout(PATIENCE):
            await bus.publish(topic, b"", id="refused")
    await until(lambda: bus.trouble != "")
    go.set()  # handled while the broker cannot be told

    broker.back()
    for n in range(10):
        await _published(bus, topic, f"after {n}")
        await _published(bus, f"{topic}-o", f"after {n}", owner="one")
    after = {f"after {n}" for n in range(10)}
    await until(lambda: once >= after | {f"before {n}" for n in range(10)} | {"held"})
    await until(lambda: all_ >= after and owned >= after)
    await until(lambda: bus.trouble == "")


async def test_what_was_published_before_a_crash_is_there_after_it(
    broker: CanFail, bus: Bus, topic: str
) -> None:
    async def refuse(message: Message) -> None:
        raise AssertionError("the first consumer is closed before anything is published")

    heard = set[str]()

    async def handler(message: Message) -> None:
        heard.add(message.id)

    await (await bus.subscribe(topic, "g", refuse)).aclose()
    for n in range(10):
        await bus.publish(topic, b"", id=str(n))
    broker.away()
    broker.back()
    await bus.subscribe(topic, "g", handler)
    await until(lambda: heard == {str(n) for n in range(10)})


async def test_one_may_subscribe_while_the_broker_is_away(
    broker: CanFail, bus: Bus, topic: str
) -> None:
    heard = set[str]()

    async def handler(message: Message) -> None:
        heard.add(message.id)

    broker.away()
    async with asyncio.timeout(PATIENCE):
        await bus.subscribe(topic, "g", handler)
        await bus.subscribe(topic, "a", handler, delivery=Delivery.ALL)
    assert bus.trouble != ""
    broker.back()
    await until(lambda: bus.trouble == "")
    await _published(bus, topic, "x")
    await until(lambda: heard == {"x"})


async def test_a_bus_can_be_closed_while_its_broker_is_away(
    broker: CanFail, bus: Bus, topic: str
) -> None:
    begun = asyncio.Event()

    async def never_ends(message: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    await bus.subscribe(topic, "g", never_ends)
    await bus.publish(topic, b"")
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    broker.away()
    async with asyncio.timeout(PATIENCE):
        await bus.aclose()
