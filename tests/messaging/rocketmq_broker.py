"""RocketMQ as the contract suite sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from messaging.bus import Bus
from tests.support.rocketmq_server import (
    RocketMQServer,
    shared_rocketmq,
    skip_unless_able,
)


class RocketMQBrokerInTests:
    """A real RocketMQ."""

    def __init__(self, server: RocketMQServer) -> None:
        self._server = server

    def bus(self, instance: str) -> Bus:
        from messaging.rocketmq.bus import RocketMQBus

        return RocketMQBus(self._server.url, instance, finish_s=0.1)

    def url(self) -> str | None:
        return self._server.url

    def away(self) -> None:
        self._server.kill()

    def back(self) -> None:
        self._server.start()


@asynccontextmanager
async def rocketmq() -> AsyncIterator[RocketMQBrokerInTests]:
    """The adapter over a real server that many tests share."""
    skip_unless_able()
    yield RocketMQBrokerInTests(shared_rocketmq())


@asynccontextmanager
async def rocketmq_to_kill() -> AsyncIterator[RocketMQBrokerInTests]:
    """The same, and it may be killed: tests of a process run one after another."""
    skip_unless_able()
    server = shared_rocketmq()
    yield RocketMQBrokerInTests(server)
    server.start()  # where a test has left it dead
