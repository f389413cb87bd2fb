"""The bus's own connections to the Redis of which it was given a client.

Own ones, because the shared pool limits a read to a second, which a blocking read exceeds, and
because a burst of messages must not take the connections that live talk needs.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.maint_notifications import MaintNotificationsConfig

COMMAND_S = 1.0
"""Longest wait for an answer, and for a free connection: Redis answers in 0.1 ms, across a network
in a few."""

COMMANDS_AT_ONCE = 16
"""Connections for commands. Each subscription has one more, which waits for messages."""

_NOT_OURS = ("maint_notifications_pool_handler", "himport_registry")
"""What a pool adds for its own connections."""


class RedisLink:
    """Runs scripts and blocking reads; every call has a time-out and can be cancelled."""

    def __init__(self, given: Redis) -> None:
        kwargs: dict[str, Any] = {
            name: value
            for name, value in given.connection_pool.connection_kwargs.items()
            if name not in _NOT_OURS and not name.startswith("orig_")
        }
        kwargs |= {
            # Time-outs are set here, around each call. With a socket_timeout redis-py sends
            # through asyncio.wait_for, which in Python 3.11 can lose a cancellation, and costs a
            # task a command.
            "socket_timeout": None,
            "socket_connect_timeout": COMMAND_S,
            # Once more at once: a connection that was idle while Redis restarted is dead.
            "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            "decode_responses": False,
            "max_connections": 10_000,  # bounded here: by the subscriptions, and the commands
            "protocol": 2,
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        }
        pool = ConnectionPool(connection_class=given.connection_pool.connection_class, **kwargs)
        self._redis = Redis(connection_pool=pool)
        self._pool = pool
        self._known: dict[str, str] = {}
        self._free = asyncio.Semaphore(COMMANDS_AT_ONCE)

    async def run(self, script: str, stream: str, *arguments: str | int | bytes) -> Any:
        """What a script of redis_scripts returns. Raises RedisError, OSError, TimeoutError."""
        async with self._connection():
            if sha := self._known.get(script):
                try:
                    return await self._redis.evalsha(sha, 1, stream, *arguments)
                except NoScriptError:  # Redis was restarted
                    pass
            self._known[script] = await self._redis.script_load(script)
            return await self._redis.evalsha(self._known[script], 1, stream, *arguments)

    async def do(self, *command: str | int | bytes) -> Any:
        """What a command returns, plainly. Raises as `run`."""
        async with self._connection():
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def read(
        self, after: Mapping[str, bytes], block_s: float, count: int
    ) -> dict[bytes, list[tuple[bytes, dict[bytes, bytes]]]]:
        """New entries of some streams, by stream; waits for them `block_s` at most.

        after: of each stream the entry after which to read. Raises as `run`.
        """
        # At least 1 ms: 0 would mean for ever.
        block = max(1, round(block_s * 1000))
        async with asyncio.timeout(block_s + COMMAND_S):
            found = await self._redis.execute_command(  # type: ignore[no-untyped-call]
                *("XREAD", "COUNT", count, "BLOCK", block, "STREAMS", *after, *after.values())
            )
        return dict(found)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[None]:
        async with asyncio.timeout(COMMAND_S):
            await self._free.acquire()
        try:
            async with asyncio.timeout(COMMAND_S):
                yield
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._pool.disconnect()
