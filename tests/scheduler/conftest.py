"""A real Redis for the parts of this room that use one."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import BlockingConnectionPool, Redis

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
    """A client of it, as the server has one; it is empty."""
    pool = BlockingConnectionPool.from_url(redis_server.url, max_connections=32, timeout=10.0)
    client = Redis(connection_pool=pool)
    await client.flushall()
    yield client
    await client.aclose()
    await pool.disconnect()
