"""`overture forget USER`: erases a person from Redis and from the journal."""

import asyncio
from pathlib import Path

from overture.errors import UserError
from overture.settings import Settings
from sessions.connect import RedisConnection, connect
from sessions.forgetting import forget_in_journal, forget_in_redis, journal_files, redis_keys
from sessions.private_redis import RedisUnavailableError

PATIENCE_S = 60.0
"""Seconds for all of it; Redis takes one for a hundred thousand keys."""


def forget(settings: Settings, user: str, *, dry_run: bool) -> int:
    """Erases, or with dry_run only tells of, what is kept of the user. Raises UserError."""
    return asyncio.run(_forget(settings, user, dry_run=dry_run))


async def _forget(settings: Settings, user: str, *, dry_run: bool) -> int:
    journal = settings.data_dir / "journal"
    try:
        async with asyncio.timeout(PATIENCE_S):
            redis = await connect(settings.redis_url, settings.data_dir)
            try:
                keys = await _in_redis(redis, user, dry_run=dry_run)
            finally:
                await redis.aclose()
            if dry_run:
                paths = journal_files(journal, user)
            else:
                paths = await forget_in_journal(journal, user)
    except (RedisUnavailableError, OSError, TimeoutError) as error:
        why = str(error) or f"no answer within {PATIENCE_S:.0f} s"
        raise UserError(f"{user!r} is not forgotten: {why}; try again") from None
    _tell(user, redis, keys, paths, dry_run=dry_run)
    return 0


async def _in_redis(redis: RedisConnection, user: str, *, dry_run: bool) -> list[str]:
    from redis.exceptions import RedisError

    look = redis_keys if dry_run else forget_in_redis
    try:
        return await look(redis.client, user)
    except RedisError as error:
        raise RedisUnavailableError(f"Redis: {error}") from error


def _tell(
    user: str, redis: RedisConnection, keys: list[str], paths: list[Path], *, dry_run: bool
) -> None:
    done = "would be erased" if dry_run else "erased"
    for key in keys:
        print(f"{done}  {key}")
    for path in paths:
        print(f"{done}  {path}")
    print(f"{user}: {len(keys)} keys, {len(paths)} records {done}")
    if not redis.durable:
        print(
            "There is no redis-server here: a server that runs keeps sessions in its own memory, "
            "until it is stopped or OVERTURE_SESSION_TTL_S has passed."
        )
    elif not dry_run:
        print("A conversation of theirs that is live goes on, and nothing of it is kept any more.")
