"""A Redis of this room's own."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from sessions.connect import connect
from tests.support.redis_server import PROGRAM, RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One for all tests of this room; who stops or freezes it brings it back."""
    if PROGRAM is None:
        pytest.skip("needs redis-server")
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client of it; it is empty."""
    connection = await connect(redis_server.url, redis_server.folder)
    await connection.client.flushall()
    yield connection.client
    await connection.aclose()
