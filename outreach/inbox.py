"""Events that were accepted: durable before anybody is told so, and dealt with once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from outreach.errors import OutreachUnavailableError
from outreach.keys import encoded, member
from outreach.scripts import NOW, Script, command, together

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

KNOWN_S = 7 * 86_400
"""How long an event's id is known: the same id is the same event."""
MAX_WAITING = 100_000
"""Events that wait to be dealt with; more are refused, and whoever sent them tries again."""
MAX_DATA = 64 * 1024
"""Bytes of an event's data."""
MAX_OUTCOME = 64 * 1024

WAITING = "overture:index:{events}:waiting"


class Event(BaseModel):
    """Something that happened. type: dotted, "order.ready". time: Unix. source: who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=300)
    type: str = Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=200)
    user: str = Field(default="", max_length=256)
    time: float = Field(ge=0, le=1e11, allow_inf_nan=False)
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
    source: str = Field(default="", max_length=500)

    @field_validator("data")
    @classmethod
    def _is_small(cls, data: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        if len(orjson.dumps(dict(data))) > MAX_DATA:
            raise ValueError(f"data may have {MAX_DATA} bytes as JSON at most")
        return data


# KEYS: event, waiting. ARGV: document, member, keep, most.
_ACCEPT = Script(
    NOW
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
redis.call('ZADD', KEYS[2], seconds(now), ARGV[2])
return 'accepted'
"""
)

# KEYS: event, waiting. ARGV: outcome, keep, member.
# The first outcome stands: whoever comes second was late.
_DONE = Script(
    """
local document = redis.call('GET', KEYS[1])
if not document or redis.call('ZREM', KEYS[2], ARGV[3]) == 0 then return 0 end
redis.call('SET', KEYS[1], string.sub(document, 1, -2) .. ',"outcome":' .. ARGV[1] .. '}',
  'EX', ARGV[2])
return 1
"""
)

# KEYS: waiting. ARGV: older than, how many. What is handed out waits anew.
_TAKE = Script(
    NOW
    + """
local old = seconds(now - ARGV[1])
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', old, 'LIMIT', 0, ARGV[2])
for _, member in ipairs(found) do redis.call('ZADD', KEYS[1], seconds(now), member) end
return found
"""
)


class Inbox:
    """Every method raises OutreachUnavailableError when Redis is away."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def accept(self, event: Event) -> bool:
        """Keeps it until it is dealt with; False if its id was accepted in the last 7 days.

        Raises OutreachUnavailableError also while MAX_WAITING events wait.
        """
        # The user stands first and by that name, so that forgetting them finds it.
        document = orjson.dumps({"user": event.user, "event": event.model_dump(mode="json")})
        name = member(event.user, encoded(event.id))
        keys = [_key(event.id), WAITING]
        (code,) = await together(self._redis, _ACCEPT(keys, document, name, KNOWN_S, MAX_WAITING))
        if code == b"full":
            raise OutreachUnavailableError(
                f"{MAX_WAITING} events wait to be dealt with; is a scheduler running?"
            )
        return bool(code == b"accepted")

    async def get(self, id: str) -> Event | None:
        """The event, None if its id is not known (any more)."""
        (document,) = await together(self._redis, command("GET", _key(id)))
        return None if document is None else Event.model_validate(orjson.loads(document)["event"])

    async def known(self, id: str) -> bool:
        """Whether it was accepted in the last 7 days."""
        (there,) = await together(self._redis, command("EXISTS", _key(id)))
        return bool(there)

    async def done(self, id: str, outcome: Mapping[str, JsonValue]) -> bool:
        """It was dealt with: records what came of it; False if that was recorded before."""
        event = await self.get(id)
        if event is None:
            return False
        document = orjson.dumps(dict(outcome))
        if len(document) > MAX_OUTCOME:
            document = orjson.dumps({"left_out": f"{len(document)} bytes of outcome"})
        name = member(event.user, encoded(id))
        done = _DONE([_key(id), WAITING], document, KNOWN_S, name)
        return bool((await together(self._redis, done))[0])

    async def outcome(self, id: str) -> Mapping[str, JsonValue] | None:
        """What was recorded; None while it waits, and of an unknown one."""
        (document,) = await together(self._redis, command("GET", _key(id)))
        found: Mapping[str, JsonValue] | None = None
        if document is not None:
            found = orjson.loads(document).get("outcome")
        return found

    async def waiting(self, older_than_s: float, limit: int = 100) -> Sequence[Event]:
        """Events that nobody has dealt with for so long, oldest first. Those that are returned
        are left to the caller for the same time."""
        (names,) = await together(self._redis, _TAKE([WAITING], older_than_s, limit))
        if not names:
            return []
        keys = [f"{_PREFIX}{name.decode().partition('} ')[2]}" for name in names]
        (documents,) = await together(self._redis, command("MGET", *keys))
        gone = [name for name, found in zip(names, documents, strict=True) if found is None]
        if gone:  # forgotten with its person, or a week old
            await together(self._redis, command("ZREM", WAITING, *gone))
        return list(_readable(found for found in documents if found))


def _readable(documents: Iterable[bytes]) -> Iterator[Event]:
    """Those that this version can read: a newer one may have written others."""
    for document in documents:
        try:
            yield Event.model_validate(orjson.loads(document)["event"])
        except ValidationError as error:
            log.warning("an event in the inbox cannot be read", reason=str(error).split("\n")[0])


_PREFIX = "overture:event:{events}:"


def _key(id: str) -> str:
    return f"{_PREFIX}{encoded(id)}"
