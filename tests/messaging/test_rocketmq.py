"""What only the RocketMQ bus does at a real RocketMQ: it makes and sweeps groups, keeps what it
holds, and script/rocketmq starts what it talks to."""

import asyncio
import subprocess
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from messaging.bus import BusError, BusUnavailableError, Delivery, Handler, Message, Retries
from messaging.rocketmq.admin import FIFO, NORMAL, STALE_S, Admin
from messaging.rocketmq.bus import RocketMQBus
from messaging.topics import Topics
from tests.messaging.buses import PATIENCE, until
from tests.support.rocketmq_server import (
    SCRIPT,
    RocketMQServer,
    shared_rocketmq,
    skip_unless_able,
)


@pytest.fixture
def server() -> RocketMQServer:
    skip_unless_able()
    return shared_rocketmq()


@pytest.fixture
def admin(server: RocketMQServer) -> Admin:
    return Admin(f"127.0.0.1:{server.port + 2830}")


@pytest.fixture
async def bus(server: RocketMQServer) -> AsyncIterator[RocketMQBus]:
    made = RocketMQBus(server.url, "one", finish_s=0.1)
    async with asyncio.timeout(PATIENCE):
        await made.start()
    yield made
    async with asyncio.timeout(PATIENCE):
        await made.aclose()


@pytest.fixture
def topic() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


async def _ignore(message: Message) -> None:
    pass


async def _own_groups(admin: Admin, topic: str) -> list[str]:
    groups = await admin.stale_groups(time.time() + 2 * STALE_S)
    return sorted(group for group, _ in groups if topic in group)


async def test_the_groups_of_an_instance_go_with_it(
    bus: RocketMQBus, admin: Admin, topic: str
) -> None:
    subscription = await bus.subscribe(topic, "g", _ignore, delivery=Delivery.ALL)
    assert await _own_groups(admin, topic) == [
        f"{topic}__g__all__at__one",
        f"{topic}__g__all__at__one__keyed",
        f"{topic}__g__all__at__one__later",
    ]
    await subscription.aclose()
    assert await _own_groups(admin, topic) == []


async def test_groups_of_instances_that_are_gone_are_swept(admin: Admin, topic: str) -> None:
    await admin.make_topic(topic, NORMAL)
    group = f"{topic}__g__all__at__gone"
    await admin.make_group(group, topic, orderly=False, own=True)
    assert group not in dict(await admin.stale_groups())
    stale = await admin.stale_groups(time.time() + STALE_S + 60)
    assert (group, topic) in stale
    await admin.delete_groups([(group, topic)])
    assert await _own_groups(admin, topic) == []


async def test_making_what_is_there_changes_nothing(admin: Admin, topic: str) -> None:
    for _ in range(2):
        await admin.make_topic(topic, FIFO)
        await admin.make_group(f"{topic}__g", topic, orderly=True, own=False)


async def test_a_message_is_kept_for_as_long_as_its_handler_and_its_retries_take(
    bus: RocketMQBus, server: RocketMQServer, topic: str
) -> None:
    # It fails, waits for longer than the broker hides it by itself, and no other consumer of the
    # group gets it meanwhile.
    attempts: list[tuple[str, int]] = []
    other = RocketMQBus(server.url, "two", finish_s=0.1)
    async with asyncio.timeout(PATIENCE):
        await other.start()

    def handler_of(name: str) -> Handler:
        async def handler(message: Message) -> None:
            attempts.append((name, message.attempt))
            if len(attempts) < 2:
                raise ValueError("again")

        return handler

    slow = Retries(attempts=5, first_s=5.0, handling_s=1.0)
    await bus.subscribe(topic, "g", handler_of("one"), retries=slow)
    await other.subscribe(topic, "g", handler_of("two"), retries=slow)
    try:
        await bus.publish(topic, b"x")
        await until(lambda: len(attempts) == 2)
        assert attempts[0][0] == attempts[1][0]
        assert [attempt for _, attempt in attempts] == [1, 2]
    finally:
        async with asyncio.timeout(PATIENCE):
            await other.aclose()


async def test_topics_can_be_called_otherwise_at_the_broker(
    server: RocketMQServer, topic: str
) -> None:
    named = RocketMQBus(server.url, "one", topics=Topics(prefix=f"{topic}-"), finish_s=0.1)
    plain = RocketMQBus(server.url, "one", finish_s=0.1)
    heard: list[str] = []

    async def handler(message: Message) -> None:
        heard.append(message.topic)

    async with asyncio.timeout(PATIENCE):
        await named.start()
        await plain.start()
    try:
        await named.subscribe("outreach", "g", handler)
        await plain.publish(f"{topic}-outreach", b"")
        await until(lambda: bool(heard))
        assert heard == ["outreach"]
    finally:
        async with asyncio.timeout(PATIENCE):
            await named.aclose()
            await plain.aclose()


async def test_a_delay_of_more_than_a_day_is_refused(bus: RocketMQBus, topic: str) -> None:
    with pytest.raises(BusError, match="a day at most"):
        await bus.publish(topic, b"", delay_s=100_000)


async def test_a_strict_bus_says_that_nobody_is_there() -> None:
    bus = RocketMQBus("127.0.0.1:9", "one", strict=True)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(BusUnavailableError, match="cannot be reached"):
            await bus.start()


async def test_a_patient_bus_starts_without_a_broker_and_tells() -> None:
    bus = RocketMQBus("127.0.0.1:9", "one")
    async with asyncio.timeout(PATIENCE):
        await bus.start()
        assert "cannot be reached" in bus.trouble
        with pytest.raises(BusUnavailableError):
            await bus.publish("t", b"")
        await bus.aclose()


def test_the_script_tells_whether_it_runs(server: RocketMQServer) -> None:
    assert server.status().startswith("rocketmq: runs: process ")
    server.start()  # again: it runs already
    assert server.status().startswith("rocketmq: runs: process ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["go"], "'go' is not known"),
        (["start", "--port"], "--port needs a number"),
        (["start", "--port", "x"], "must be a number"),
        (["start", "--port", "64000"], "between 1025 and 62000"),
    ],
)
def test_the_script_says_what_is_wrong(arguments: list[str], told: str) -> None:
    done = subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert told in done.stderr
