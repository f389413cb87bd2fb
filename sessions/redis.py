"""Contexts in Redis: one JSON document a session, with a sliding time to live."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.context import SessionContext
from sessions.keys import person_key
from sessions.store import StoreUnavailableError

DEFAULT_TTL_S = 1800


def key_of(session_id: str) -> str:
    """Redis key; the braces keep all keys of a session on one cluster slot."""
    return f"overture:session:{{{session_id}}}"


def forgotten_key(user: str) -> str:
    """Where it is noted when a person was last forgotten: Unix time of that."""
    return person_key(user, "forgotten")


class RedisSessionStore:
    """A SessionStore on any redis.asyncio client, fakeredis included.

    ttl_s: seconds that a context lives after its last load or save.
    """

    def __init__(self, client: Redis, ttl_s: int = DEFAULT_TTL_S) -> None:
        self._client = client
        self._ttl_s = ttl_s

    async def load(self, session_id: str) -> SessionContext | None:
        """See SessionStore."""
        with _errors():
            document = await self._client.getex(key_of(session_id), ex=self._ttl_s)
        return None if document is None else SessionContext.from_json(document)

    async def save(self, context: SessionContext) -> None:
        """See SessionStore. Of a person who was forgotten since it began, nothing stays."""
        key = key_of(context.id)
        with _errors():
            async with self._client.pipeline(transaction=False) as together:
                together.set(key, context.to_json(), ex=self._ttl_s)
                # Asked after it was written: whoever forgets notes that first and then looks for
                # what there is, so one of the two finds it.
                together.get(forgotten_key(context.user))
                _, forgotten = await together.execute()
            if forgotten is not None and context.began <= float(forgotten):
                await self._client.delete(key)

    async def forget(self, session_id: str) -> None:
        """See SessionStore."""
        with _errors():
            await self._client.delete(key_of(session_id))


@contextmanager
def _errors() -> Iterator[None]:
    # A Redis that answers with an error (loading, read-only, out of memory) is as good as one
    # that does not answer: later may be better.
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(f"Redis: {error or type(error).__name__}") from error
