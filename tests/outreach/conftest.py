"""The stores of this room, on a real redis-server and in this process."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from outreach.ledger import Ledger
from sessions.connect import _in_process
from tests.support.redis_server import PROGRAM, RedisServer


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    """One for all tests of this room; who stops or freezes it brings it back."""
    if PROGRAM is None:
        pytest.skip("needs redis-server")
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    redis = RedisServer(folder)
    redis.start()
    yield redis
    redis.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def real(server: RedisServer) -> AsyncIterator[Redis]:
    """A client of the real one, which is empty."""
    client = Redis.from_url(server.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(params=["redis-server", "fakeredis"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    """An empty Redis, of either kind."""
    if request.param == "redis-server":
        connection = Redis.from_url(request.getfixturevalue("server").url)
        await connection.flushall()
        yield connection
        await connection.aclose()
    else:
        in_process = _in_process()
        yield in_process.client
        await in_process.aclose()


@pytest.fixture
async def ledger(client: Redis) -> AsyncIterator[Ledger]:
    """Of the instance "one"."""
    ledger = Ledger(client, "one")
    yield ledger
    await ledger.aclose()
