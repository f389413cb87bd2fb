"""Every adapter of the bus as the contract suite sees it."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from redis.asyncio import Redis

from messaging.bus import Bus
from messaging.memory import MemoryBroker, MemoryBus
from messaging.redis_streams import RedisStreamsBus
from tests.messaging.rocketmq_broker import rocketmq, rocketmq_to_kill
from tests.support.redis_server import PROGRAM, RedisServer

PATIENCE = 30.0
"""Seconds that anything may take on a slow machine before a test gives up."""


class Broker(Protocol):
    """One technology, running."""

    def bus(self, instance: str) -> Bus:
        """One process's bus, not started. Its handlers get a tenth of a second to end."""
        ...

    def url(self) -> str | None:
        """For a bus in another process (tests/messaging/dying_consumer.py); None: none can."""
        ...


class CanFail(Broker, Protocol):
    """One that can go away."""

    def away(self) -> None:
        """The broker is killed."""
        ...

    def back(self) -> None:
        """It runs again, with what it had."""
        ...


class MemoryBrokerInTests:
    """All in this process."""

    def __init__(self) -> None:
        self._broker = MemoryBroker()

    def bus(self, instance: str) -> Bus:
        return MemoryBus(instance, self._broker, finish_s=0.1)

    def url(self) -> str | None:
        return None


class RedisBrokerInTests:
    """A real redis-server."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self._clients: list[Redis] = []

    def bus(self, instance: str) -> Bus:
        self._clients.append(Redis.from_url(self.server.url))
        return RedisStreamsBus(self._clients[-1], instance, finish_s=0.1)

    def url(self) -> str | None:
        return self.server.url

    def away(self) -> None:
        self.server.kill()

    def back(self) -> None:
        self.server.start()

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def memory() -> AsyncIterator[Broker]:
    """The memory adapter."""
    yield MemoryBrokerInTests()


@asynccontextmanager
async def redis_streams() -> AsyncIterator[CanFail]:
    """The Redis adapter over a real server of its own."""
    if PROGRAM is None:
        pytest.skip("needs redis-server")
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    server = RedisServer(folder)
    server.start()
    broker = RedisBrokerInTests(server)
    try:
        yield broker
    finally:
        await broker.aclose()
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


BROKERS = {"memory": memory, "redis-streams": redis_streams, "rocketmq": rocketmq}
"""Those that every contract test runs against."""

CAN_FAIL = {"redis-streams": redis_streams, "rocketmq": rocketmq_to_kill}
"""Those whose broker can go away."""


async def until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds; the loop goes on meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def dying_consumer(url: str, topic: str, group: str) -> asyncio.subprocess.Process:
    """A process that has begun to handle a message of the topic when this returns."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.messaging.dying_consumer", url, topic, group),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.readline() == b"subscribed\n"
    return process
