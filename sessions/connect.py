"""Finds a Redis: the one that was named, a private one, or one in this process."""

import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from sessions.cancellable import make_cancellable
from sessions.private_redis import PrivateRedis, RedisUnavailableError
from sessions.redis_url import without_password

log = structlog.get_logger(__name__)

_OPTIONS: dict[str, Any] = {
    # Redis answers in 0.1 ms here and a few ms across a network; a second means that it is away,
    # and whoever asked has its own way to go on.
    "socket_timeout": 1.0,
    "socket_connect_timeout": 1.0,
    "retry": Retry(NoBackoff(), 0),
    "max_connections": 32,
    "timeout": 1.0,  # longest wait for a free connection
}


@dataclass(frozen=True, slots=True)
class RedisConnection:
    """A Redis that answered.

    description: for the start-up lines. durable: whether what is stored survives a restart.
    aclose: frees what it holds, and stops a private server.
    """

    client: Redis
    description: str
    durable: bool
    aclose: Callable[[], Awaitable[None]]


async def connect(
    url: str | None, data_dir: Path, *, program: str | None = None
) -> RedisConnection:
    """The Redis at `url`; without one a private server, else fakeredis.

    program: path of redis-server, by default the one on PATH.

    Raises RedisUnavailableError saying what to do, when the named or private one does not work.
    """
    if url is not None:
        return await _named(url)
    program = program or shutil.which("redis-server")
    # The bond to our life, and telling a leftover from a stranger, need Linux.
    if program is not None and sys.platform == "linux":
        return await _private(Path(program), data_dir / "redis")
    return _in_process()


async def _named(url: str) -> RedisConnection:
    shown = without_password(url)
    try:
        pool = BlockingConnectionPool.from_url(url, **_OPTIONS)
    except ValueError as error:
        raise RedisUnavailableError(f"OVERTURE_REDIS_URL={shown}: {error}") from None
    make_cancellable(pool)
    client = Redis(connection_pool=pool)

    async def aclose() -> None:
        await client.aclose()
        await pool.disconnect()

    try:
        await client.ping()
        await _refuse_eviction(client, shown)
    except (RedisError, OSError, TimeoutError) as error:
        await aclose()
        # Of a refused login redis-py says "connection error", with the reason behind it.
        reason = error.__cause__ if isinstance(error.__cause__, AuthenticationError) else error
        if isinstance(reason, AuthenticationError | ResponseError):
            raise RedisUnavailableError(
                f"Redis at {shown} refuses the login: {reason}; put user and password in "
                "OVERTURE_REDIS_URL=redis://USER:PASSWORD@HOST:PORT/0"
            ) from None
        raise RedisUnavailableError(
            f"no Redis answers at {shown}: {error}; start it, correct OVERTURE_REDIS_URL, "
            "or unset it to use a private one"
        ) from None
    except RedisUnavailableError:
        await aclose()
        raise
    return RedisConnection(client, f"Redis at {shown}", True, aclose)


async def _refuse_eviction(client: Redis, shown: str) -> None:
    """Evicted sessions and prompts would be forgotten without a word.

    INFO rather than CONFIG, which hosted ones often forbid.
    """
    try:
        memory = await client.info("memory")
    except ResponseError as error:
        log.warning("cannot check that Redis does not evict", redis=shown, reason=str(error))
        return
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and memory.get("maxmemory"):
        raise RedisUnavailableError(
            f"Redis at {shown} would evict what Overture stores (maxmemory-policy {policy}); "
            "set it with: redis-cli CONFIG SET maxmemory-policy noeviction"
        )


async def _private(program: Path, folder: Path) -> RedisConnection:
    server = PrivateRedis(program, folder)
    await server.start()
    pool = BlockingConnectionPool(
        connection_class=UnixDomainSocketConnection,
        path=str(server.socket),
        **_OPTIONS,
    )
    make_cancellable(pool)
    client = Redis(connection_pool=pool)

    async def aclose() -> None:
        await client.aclose()
        await pool.disconnect()
        await server.aclose()

    whose = "private" if server.owned else "shared with another Overture"
    return RedisConnection(client, f"redis-server ({whose}) in {folder}", True, aclose)


def _in_process() -> RedisConnection:
    # Imported here: it costs 0.2 s, and only machines without redis-server need it.
    from fakeredis import FakeAsyncRedis, FakeServer

    client = FakeAsyncRedis(server=FakeServer())
    return RedisConnection(
        client,
        "in-process (fakeredis); nothing survives a restart. "
        "To keep sessions: apt-get install redis-server",
        False,
        client.aclose,
    )
