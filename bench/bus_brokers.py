"""The brokers of benchmarks, each started for one and gone with it."""

import asyncio
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bench.server_under_test import ROOT, NoServerError
from messaging.bus import Bus
from messaging.memory import MemoryBroker, MemoryBus

SCRIPT = ROOT / "script" / "rocketmq"
NEAR = (-1, 0, 1795, 2828, 2830, 2831)
"""Ports that script/rocketmq takes, counted from the gRPC port."""
START_S = 300.0

BusOf = Callable[[str], Bus]
"""A bus, not started, for an instance of this name."""


@asynccontextmanager
async def memory() -> AsyncIterator[BusOf]:
    """In this process."""
    broker = MemoryBroker()
    yield lambda instance: MemoryBus(instance, broker)


@asynccontextmanager
async def redis() -> AsyncIterator[BusOf]:
    """A redis-server of its own, on a Unix socket, with its append-only file."""
    from messaging.redis_streams import RedisStreamsBus

    program = shutil.which("redis-server")
    if program is None:
        raise NoServerError("needs redis-server: apt-get install redis-server")
    folder = tempfile.mkdtemp(prefix="ov-bus-")
    path = f"{folder}/r.sock"
    options = ("--port", "0", "--unixsocket", path, "--dir", folder, "--appendonly", "yes")
    process = await asyncio.create_subprocess_exec(
        program, *options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    clients: list[Redis] = []

    def bus(instance: str) -> Bus:
        clients.append(Redis(unix_socket_path=path))
        return RedisStreamsBus(clients[-1], instance)

    try:
        await _answers(path)
        yield bus
    finally:
        for client in clients:
            await client.aclose()
        process.kill()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def _answers(path: str) -> None:
    async with asyncio.timeout(START_S), Redis(unix_socket_path=path) as client:
        while True:
            try:
                await client.ping()
                return
            except (RedisError, OSError):
                await asyncio.sleep(0.02)


class RocketMQProcess:
    """A RocketMQ by script/rocketmq, on ports of its own."""

    def __init__(self) -> None:
        self.port = _free_port()
        self.url = f"rocketmq://127.0.0.1:{self.port}"
        self._data = Path(tempfile.mkdtemp(prefix="ov-bus-"))

    def bus(self, instance: str) -> Bus:
        """A bus to it."""
        from messaging.rocketmq.bus import RocketMQBus

        return RocketMQBus(f"127.0.0.1:{self.port}", instance)

    async def start(self) -> None:
        """Returns when it is ready. Raises NoServerError."""
        await self._script("start")

    async def kill(self) -> None:
        """With -9."""
        await self._script("stop")

    async def remove(self) -> None:
        """Ends it, and its data."""
        await self.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    async def _script(self, action: str) -> None:
        where = ("--port", str(self.port), "--data", str(self._data))
        # To a file: what the script starts lives on, and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as said:
            process = await asyncio.create_subprocess_exec(
                SCRIPT, action, *where, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            async with asyncio.timeout(START_S):
                if await process.wait():
                    said.seek(0)
                    raise NoServerError(f"script/rocketmq {action} failed:\n{said.read()}")


@asynccontextmanager
async def rocketmq_process() -> AsyncIterator[RocketMQProcess]:
    """One that runs."""
    process = RocketMQProcess()
    try:
        await process.start()
        yield process
    finally:
        await process.remove()


@asynccontextmanager
async def rocketmq() -> AsyncIterator[BusOf]:
    """A real RocketMQ of its own."""
    async with rocketmq_process() as process:
        yield process.bus


ADAPTERS: Mapping[str, Callable[[], AbstractAsyncContextManager[BusOf]]] = {
    "memory": memory,
    "redis": redis,
    "rocketmq": rocketmq,
}


def _free_port() -> int:
    for _ in range(200):
        # Below what the system gives to outgoing connections, which could take one meanwhile.
        port = random.randrange(10_000, 29_000)
        if all(_is_free(port + near) for near in NEAR):
            return port
    raise NoServerError("no free ports for RocketMQ")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
