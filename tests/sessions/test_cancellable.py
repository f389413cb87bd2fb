"""A task that talks to Redis ends when it is cancelled, in whichever moment."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sessions.connect import connect
from sessions.ending import end
from tests.support.redis_server import RedisServer

PATIENCE = 30.0


async def test_one_cancellation_is_enough_in_every_moment_of_a_command(
    start_redis: Callable[..., RedisServer], short_folder: Path
) -> None:
    redis = await connect(start_redis().url, short_folder)

    async def talk() -> None:
        while True:
            await redis.client.ping()

    try:
        for turns in range(150):  # of the loop, before the cancellation
            task = asyncio.create_task(talk())
            for _ in range(turns % 50):
                await asyncio.sleep(0)
            task.cancel()
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait([task])
            assert task.cancelled()
        assert await redis.client.ping()  # the connections that were broken off are not used again
    finally:
        await redis.aclose()


async def test_a_redis_that_takes_nothing_is_given_up(
    start_redis: Callable[..., RedisServer], short_folder: Path
) -> None:
    server = start_redis()
    redis = await connect(server.url, short_folder)
    server.freeze()
    try:
        async with asyncio.timeout(PATIENCE):
            failed = (
                await asyncio.gather(
                    # More than the socket's buffers hold: it is the sending that gets stuck.
                    redis.client.set("key", b"x" * 64_000_000),
                    return_exceptions=True,
                )
            )[0]
        assert "Timeout writing" in str(failed)
    finally:
        server.thaw()
        await redis.aclose()


async def test_a_task_that_loses_cancellations_is_ended_all_the_same() -> None:
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await end(task)
    assert task.cancelled()
    assert lost == 3
