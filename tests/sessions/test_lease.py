"""One at a time has the role, and whoever comes later has the greater token."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sessions.connect import _in_process, connect
from sessions.lease import Lease
from sessions.store import StoreUnavailableError
from tests.support.redis_server import RedisServer

LOCK = "overture:lock:{scheduler}"


@pytest.fixture(params=["redis-server", "fakeredis"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    if request.param == "fakeredis":
        connection = _in_process()
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        connection = await connect(server.url, server.folder)
    yield connection.client
    await connection.aclose()


def lease(client: Redis, ttl_s: float = 600) -> Lease:
    return Lease(client, "scheduler", "one", ttl_s)


async def test_only_one_of_many_has_it(client: Redis) -> None:
    tokens = await asyncio.gather(*(lease(client).acquire() for _ in range(10)))
    assert sorted(token is None for token in tokens) == [False] + [True] * 9


async def test_who_has_it_keeps_its_token(client: Redis) -> None:
    mine = lease(client)
    assert [await mine.acquire(), await mine.acquire()] == [1, 1]
    assert await mine.renew()


async def test_it_changes_hands_with_a_greater_token(client: Redis) -> None:
    first, second = lease(client), lease(client)
    assert await first.acquire() == 1
    await first.release()
    assert not await first.renew()
    assert await second.acquire() == 2
    await first.release()
    assert await second.renew()
    assert await first.acquire() is None


async def test_it_runs_out(client: Redis) -> None:
    first, second = lease(client, 0.05), lease(client)
    assert await first.acquire() == 1
    async with asyncio.timeout(20):
        while (token := await second.acquire()) is None:
            await asyncio.sleep(0.01)
    assert token == 2
    assert not await first.renew()


async def test_renewing_makes_it_last(client: Redis) -> None:
    mine = lease(client)
    await mine.acquire()
    await client.pexpire(LOCK, 30_000)
    assert await mine.renew()
    assert await client.pttl(LOCK) > 500_000


async def test_roles_are_apart(client: Redis) -> None:
    await lease(client).acquire()
    assert await Lease(client, "index", "one").acquire() == 1


async def test_a_redis_that_is_away_is_told(redis_server: RedisServer) -> None:
    connection = await connect(redis_server.url, redis_server.folder)
    mine = lease(connection.client)
    redis_server.kill()
    for asked in (mine.acquire(), mine.renew(), mine.release()):
        with pytest.raises(StoreUnavailableError):
            await asked
    await connection.aclose()
