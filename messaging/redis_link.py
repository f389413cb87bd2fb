"""The bus's own connections to the Redis of which it was given a client.

Own ones, because the shared pool limits a read to a second, which a blocking read exceeds, and
because a burst of messages must not take the connections that live talk needs. They are driven
directly: what redis-py's client and pool do around each command takes longer than the command.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from messaging.redis_messages import Fields, paired

COMMAND_S = 1.0
"""Longest wait for an answer, and for a free connection: Redis answers in 0.1 ms, across a network
in a few."""

COMMANDS_AT_ONCE = 16
"""Connections for commands. Each subscription has one more, which waits for messages."""

_NOT_OURS = ("maint_notifications_pool_handler", "himport_registry")
"""What a pool adds for its own connections."""


class RedisLink:
    """Runs scripts and blocking reads; every call has a time-out and can be cancelled.

    All raise RedisError, OSError or TimeoutError.
    """

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
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": False,
            "protocol": 2,
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        }
        # It only makes connections.
        self._maker = ConnectionPool(
            connection_class=given.connection_pool.connection_class, **kwargs
        )
        self._idle: list[AbstractConnection] = []
        self._known: dict[str, bytes] = {}
        self._free = asyncio.Semaphore(COMMANDS_AT_ONCE)

    async def run(self, script: str, stream: str, *arguments: str | int | bytes) -> Any:
        """What a script of redis_scripts returns."""
        async with self._turn():
            if sha := self._known.get(script):
                try:
                    return await self._call("EVALSHA", sha, 1, stream, *arguments)
                except NoScriptError:  # Redis was restarted
                    pass
            self._known[script] = await self._call("SCRIPT LOAD", script)
            return await self._call("EVALSHA", self._known[script], 1, stream, *arguments)

    async def do(self, *command: str | int | bytes) -> Any:
        """What a command returns, plainly."""
        async with self._turn():
            return await self._call(*command)

    async def read(
        self, after: Mapping[str, bytes], block_s: float, count: int
    ) -> dict[str, list[tuple[bytes, Fields]]]:
        """New entries of some streams, by stream; waits for them `block_s` at most.

        after: of each stream the entry after which to read.
        """
        # At least 1 ms: 0 would mean for ever.
        block = max(1, round(block_s * 1000))
        async with asyncio.timeout(block_s + COMMAND_S):
            where: list[str | bytes] = [*after, *after.values()]
            found = await self._call("XREAD", "COUNT", count, "BLOCK", block, "STREAMS", *where)
        return {
            stream.decode(): [(entry, paired(flat)) for entry, flat in entries]
            for stream, entries in found or ()
        }

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._free.locked():
            async with asyncio.timeout(COMMAND_S):
                await self._free.acquire()
        else:
            await self._free.acquire()  # at once
        try:
            async with asyncio.timeout(COMMAND_S):
                yield
        finally:
            self._free.release()

    async def _call(self, *command: str | int | bytes) -> Any:
        while True:
            was_idle = bool(self._idle)
            connection = self._idle.pop() if was_idle else self._new()
            # After any error but Redis' own answer, redis-py has closed the connection.
            try:
                await connection.send_command(*command)
                answer = await connection.read_response(disable_decoding=True)
            except ResponseError:
                self._idle.append(connection)
                raise
            except RedisConnectionError:
                if was_idle:
                    continue  # it was dead already: Redis was restarted meanwhile
                raise
            self._idle.append(connection)
            return answer

    def _new(self) -> AbstractConnection:
        made: AbstractConnection = self._maker.make_connection()  # type: ignore[no-untyped-call]
        return made

    async def aclose(self) -> None:
        """Closes the connections."""
        while self._idle:
            await self._idle.pop().disconnect()
