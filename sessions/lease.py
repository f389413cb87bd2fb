"""A lease on a role that one process has at a time, such as the scheduler's leader."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sessions.store import StoreUnavailableError

if TYPE_CHECKING:  # importing redis takes half a second: whoever hands us a client has done so
    from redis.asyncio import Redis

# KEYS: lock, token. ARGV: holder, ms. The token grows with every change of hands.
_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return false end
if not holder then redis.call('INCR', KEYS[2]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return tonumber(redis.call('GET', KEYS[2]))
"""

_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class Lease:
    """name: of the role. holder: of this process, for people who look. ttl_s: how long it holds
    without being renewed, by Redis' clock.

    Whoever has it must stop by itself when it cannot be renewed for so long. Every method raises
    StoreUnavailableError when Redis is away.
    """

    def __init__(self, redis: "Redis", name: str, holder: str, ttl_s: float = 2.0) -> None:
        self._redis = redis
        # Two leases of one process are two holders.
        self._holder = f"{holder}/{secrets.token_hex(4)}"
        self._ms = int(ttl_s * 1000)
        key = f"overture:lock:{{{name}}}"
        self._keys = (key, f"{key}:token")

    async def acquire(self) -> int | None:
        """A fencing token, greater than any before; None while another has it.

        Whoever has it already renews it, and gets the same token.
        """
        return await self._run(_ACQUIRE, *self._keys)

    async def renew(self) -> bool:
        """False if it was lost meanwhile: ask for it anew."""
        return bool(await self._run(_RENEW, self._keys[0]))

    async def release(self) -> None:
        """Another may have it at once; no error if it was lost."""
        await self._run(_RELEASE, self._keys[0])

    async def _run(self, script: str, *keys: str) -> int | None:
        with _errors():
            result: int | None = await self._redis.eval(
                script, len(keys), *keys, self._holder, self._ms
            )
            return result


@contextmanager
def _errors() -> Iterator[None]:
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(f"Redis: {error or type(error).__name__}") from error
