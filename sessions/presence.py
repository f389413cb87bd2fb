"""Who is live where: the sessions of each person, and a card of each instance.

An instance that has not beaten for GONE_S is gone, and its sessions with it, whatever is written of
them. Every time is Redis' own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ConfigDict

from sessions.keys import person_key
from sessions.store import StoreUnavailableError

if TYPE_CHECKING:  # importing redis takes half a second: whoever hands us a client has done so
    from redis.asyncio import Redis

GONE_S = 5.0
"""Without a beat for so long, an instance is gone; it beats each second."""
KEPT_S = 7 * 86_400
"""A conversation in which nothing happens for a week is over."""
MAX_SESSIONS = 20
"""Sessions of one person; of more, those that were used last are known."""

_CARDS = "overture:instances:{beats}:cards"
_BEATS = "overture:instances:{beats}:at"
"""outreach/facts.py reads it too."""


@dataclass(frozen=True, slots=True)
class LiveAt:
    """A person's live session. active: when it was last used, Redis' Unix time."""

    session: str
    user: str
    instance: str
    active: float
    text_only: bool


class SessionCard(BaseModel):
    """What others may know of a live session: none of anybody's words.

    since, active: Unix time. floor: the state of the conversation machine. form: name of the open
    form, "" if none.
    """

    model_config = ConfigDict(frozen=True)

    session: str
    user: str
    transport: str = ""
    since: float = 0.0
    active: float = 0.0
    floor: str = ""
    turns: int = 0
    last_intent: str = ""
    form: str = ""
    time_zone: str = ""
    text_only: bool = False


class InstanceCard(BaseModel):
    """A server process. load: share of its sessions' places that are taken. bus_trouble: "" if
    messages flow."""

    model_config = ConfigDict(frozen=True)

    instance: str
    address: str = ""
    started: float = 0.0
    draining: bool = False
    sessions: tuple[SessionCard, ...] = ()
    load: float = 0.0
    bus_trouble: str = ""


_NOW = """
local clock = redis.call('TIME')
local now = string.format('%d.%06d', clock[1], clock[2])
"""

# KEYS: live, active. ARGV: session, document, keep, most.
_ENTER = (
    _NOW
    + """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], now)
local known = redis.call('HGETALL', KEYS[2])
if #known / 2 > tonumber(ARGV[4]) then
  local oldest = 1
  for i = 3, #known, 2 do
    if tonumber(known[i + 1]) < tonumber(known[oldest + 1]) then oldest = i end
  end
  redis.call('HDEL', KEYS[1], known[oldest])
  redis.call('HDEL', KEYS[2], known[oldest])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
"""
)

# KEYS: live, active. ARGV: session, instance, keep, or 0 to remove it. A session that was taken up
# on another instance meanwhile is that one's.
_TOUCH = (
    _NOW
    + """
local document = redis.call('HGET', KEYS[1], ARGV[1])
if not document or cjson.decode(document).instance ~= ARGV[2] then return end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  return
end
redis.call('HSET', KEYS[2], ARGV[1], now)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
"""
)

# KEYS: cards, beats. ARGV: instance, card, seconds after which others are gone.
# Returns 1 if the instance was not known.
_BEAT = (
    _NOW
    + """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local new = redis.call('HSET', KEYS[2], ARGV[1], now)
local beats = redis.call('HGETALL', KEYS[2])
for i = 1, #beats, 2 do
  if tonumber(now) - tonumber(beats[i + 1]) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], beats[i])
    redis.call('HDEL', KEYS[2], beats[i])
  end
end
redis.call('EXPIRE', KEYS[1], 60)
redis.call('EXPIRE', KEYS[2], 60)
return new
"""
)


class Presence:
    """Every method raises StoreUnavailableError when Redis is away."""

    def __init__(self, redis: "Redis", instance: str) -> None:
        self._redis = redis
        self._instance = instance

    async def enter(self, live: LiveAt) -> None:
        """A session began here; it counts as used now, whatever its `active` says."""
        document = orjson.dumps({"instance": live.instance, "text_only": live.text_only})
        args = (live.session, document, KEPT_S, MAX_SESSIONS)
        await self._run(_ENTER, _person_keys(live.user), *args)

    async def touch(self, user: str, session: str) -> None:
        """The session is the one that its person uses now, unless it is another instance's."""
        await self._run(_TOUCH, _person_keys(user), session, self._instance, KEPT_S)

    async def leave(self, user: str, session: str) -> None:
        """The session ended here; one that was taken up on another instance goes on there."""
        await self._run(_TOUCH, _person_keys(user), session, self._instance, 0)

    async def of(self, user: str) -> Sequence[LiveAt]:
        """The person's sessions on instances that beat: those with a voice first, then by use."""
        live_key, active_key = _person_keys(user)
        with _errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(live_key)
                pipe.hgetall(active_key)
                pipe.hgetall(_BEATS)
                pipe.time()
                live, active, beats, time = await pipe.execute()
        now = time[0] + time[1] / 1e6
        found = []
        for session, document in live.items():
            told: dict[str, Any] = orjson.loads(document)
            if _beats(beats, told["instance"].encode(), now):
                at = float(active.get(session, 0))
                one = LiveAt(session.decode(), user, told["instance"], at, told["text_only"])
                found.append(one)
        return sorted(found, key=lambda one: (one.text_only, -one.active))

    async def beat(self, card: InstanceCard) -> bool:
        """This instance lives, and this is what there is to know of it; each second.

        False if Redis did not know of it any more, and so maybe not of its sessions: it lost what
        it had, or the instance was silent for GONE_S. Then they are to be entered anew.
        """
        document = card.model_dump_json()
        return not await self._run(_BEAT, (_CARDS, _BEATS), self._instance, document, GONE_S)

    async def instances(self) -> Sequence[InstanceCard]:
        """Those that beat, by name."""
        with _errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(_CARDS)
                pipe.hgetall(_BEATS)
                pipe.time()
                cards, beats, time = await pipe.execute()
        now = time[0] + time[1] / 1e6
        return [
            InstanceCard.model_validate_json(cards[name])
            for name in sorted(cards)
            if _beats(beats, name, now)
        ]

    async def sessions(self) -> Sequence[SessionCard]:
        """Of all instances that beat."""
        return [session for card in await self.instances() for session in card.sessions]

    async def gone(self) -> None:
        """This instance ends; its sessions are nobody's."""
        with _errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hdel(_CARDS, self._instance)
                pipe.hdel(_BEATS, self._instance)
                await pipe.execute()

    async def _run(self, script: str, keys: Sequence[str], *args: str | bytes | float) -> Any:
        with _errors():
            return await self._redis.eval(script, len(keys), *keys, *args)


def _person_keys(user: str) -> tuple[str, str]:
    return person_key(user, "live"), person_key(user, "live", "active")


def _beats(beats: dict[bytes, bytes], instance: bytes, now: float) -> bool:
    return now - float(beats.get(instance, 0)) <= GONE_S


@contextmanager
def _errors() -> Iterator[None]:
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(f"Redis: {error or type(error).__name__}") from error
