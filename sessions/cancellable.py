"""Connections to Redis whose user can be cancelled for certain.

redis-py sends each command through asyncio.wait_for (redis/asyncio/connection.py,
send_packed_command). Up to Python 3.11 wait_for drops a cancellation that arrives in the moment
in which what it waits for has just ended (python/cpython#86296): here about every second
cancellation of a task that talks to Redis all the time was lost, and the task lived on.
"""

import asyncio
from collections.abc import Iterable

from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import TimeoutError as RedisTimeoutError


class _Cancellable(AbstractConnection):
    """Limits sending by asyncio.timeout instead."""

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        limit = self.socket_timeout
        self.socket_timeout = None  # for then redis-py sends plainly
        try:
            async with asyncio.timeout(limit):
                await super().send_packed_command(command, check_health)
        except TimeoutError:
            raise RedisTimeoutError("Timeout writing to socket") from None
        finally:
            self.socket_timeout = limit


class _Plain(_Cancellable, Connection):
    pass


class _Encrypted(_Cancellable, SSLConnection):
    pass


class _Local(_Cancellable, UnixDomainSocketConnection):
    pass


_CANCELLABLE: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Plain,
    SSLConnection: _Encrypted,
    UnixDomainSocketConnection: _Local,
}


def make_cancellable(pool: ConnectionPool) -> None:
    """Of the connections that the pool makes from now on."""
    pool.connection_class = _CANCELLABLE.get(pool.connection_class, pool.connection_class)
