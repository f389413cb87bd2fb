"""Client secrets in Redis, each for as long as it lives."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.store import StoreUnavailableError


class RedisSecretStore:
    """A SecretStore on any redis.asyncio client, fakeredis included."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def keep(self, digest: str, document: bytes, ttl_s: int) -> None:
        """See SecretStore."""
        with _errors():
            await self._client.set(_key_of(digest), document, ex=ttl_s)

    async def find(self, digest: str) -> bytes | None:
        """See SecretStore."""
        with _errors():
            document = await self._client.get(_key_of(digest))
        return document.encode() if isinstance(document, str) else document


def _key_of(digest: str) -> str:
    return f"overture:client-secret:{{{digest}}}"


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(f"Redis: {error or type(error).__name__}") from error
