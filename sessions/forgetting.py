"""Erasing a person: everything in Redis and in the journal that is theirs."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from sessions.journal_files import FLUSH_S, records
from sessions.journal_reading import read_user
from sessions.keys import encoded, person_key
from sessions.redis import forgotten_key

NOTED_S = 86_400
"""Seconds that it stays noted that a person was forgotten: conversations that were live then are
over, or were told in a day's turns."""
BATCH = 500
"""Keys looked at together."""


async def redis_keys(client: Redis, user: str) -> list[str]:
    """Keys that hold something of this person's; their being forgotten is not among them.

    Everything of ours is looked through, which takes a second for a hundred thousand keys: it is
    done seldom, and an index would have to be kept right at every turn.
    """
    own = person_key(user, "")
    noted = forgotten_key(user)
    found = []
    async for batch in _batches(client):
        named = [key for key in batch if key.startswith(own) and key != noted]
        others = [key for key in batch if not key.startswith("overture:{")]
        owners = await _owners(client, others)
        found += named + [key for key in others if owners.get(key) == user]
    return sorted(found)


async def forget_in_redis(client: Redis, user: str) -> list[str]:
    """Erases those keys and returns them; and what indexes over all people say of this one.

    It is noted first: what a live conversation of theirs stores afterwards is erased at once.
    """
    seconds, microseconds = await client.time()
    await client.set(forgotten_key(user), f"{seconds}.{microseconds:06d}", ex=NOTED_S)
    keys = await redis_keys(client, user)
    for start in range(0, len(keys), BATCH):
        await client.unlink(*keys[start : start + BATCH])
    await _forget_in_indexes(client, user)
    return keys


def journal_files(folder: Path, user: str) -> list[Path]:
    """Records of this person's sessions."""
    return [path for path in records(folder) if _is_of(path, user)]


async def forget_in_journal(folder: Path, user: str) -> list[Path]:
    """Erases those records and returns them. What is still being said in them is not written."""
    # A record that has just begun comes to the disk that much later.
    await asyncio.sleep(2 * FLUSH_S)
    paths = await asyncio.to_thread(journal_files, folder, user)
    for path in paths:
        path.unlink(missing_ok=True)
    return paths


def _is_of(path: Path, user: str) -> bool:
    try:
        return read_user(path) == user
    except FileNotFoundError:  # its day was swept meanwhile
        return False


async def _forget_in_indexes(client: Redis, user: str) -> None:
    """In the sorted sets `overture:index:...`, whatever belongs to a person begins with {USER}."""
    named = re.sub(r"([*?\[\]\\^-])", r"\\\1", f"{{{encoded(user)}}}")
    async for key in client.scan_iter(match="overture:index:*", count=BATCH, _type="zset"):
        found = [name async for name, _ in client.zscan_iter(key, match=f"{named}*", count=BATCH)]
        for start in range(0, len(found), BATCH):
            await client.zrem(key, *found[start : start + BATCH])


async def _batches(client: Redis) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    async for key in client.scan_iter(match="overture:*", count=BATCH):
        batch.append(key.decode())
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


async def _owners(client: Redis, keys: list[str]) -> dict[str, str]:
    """key -> the user that its JSON document names, of any version."""
    if not keys:
        return {}
    async with client.pipeline(transaction=False) as together:
        for key in keys:
            together.get(key)
        documents = await together.execute(raise_on_error=False)
    owners = {}
    for key, document in zip(keys, documents, strict=True):
        if document is None or isinstance(document, ResponseError):  # no string: not a document
            continue
        try:
            read = orjson.loads(document)
        except orjson.JSONDecodeError:
            continue
        if isinstance(read, dict) and isinstance(read.get("user"), str):
            owners[key] = read["user"]
    return owners
