"""What is known of a person, and what they agreed to hear."""

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, field_validator

from outreach.keys import decoded, index_key, member, person_key
from outreach.prompt import User
from outreach.scripts import NOW, Script, command, together

if TYPE_CHECKING:
    from redis.asyncio import Redis

KNOWN_S = 400 * 86_400
"""A person who was neither here nor changed for that long is no longer known."""
MAX_ATTRIBUTES = 16 * 1024
"""Bytes of a person's attributes."""
MAX_PURPOSES = 200

Purpose = Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9_]{0,39})$")]
"""Of a prompt; "*" stands for all."""
_PURPOSE: TypeAdapter[str] = TypeAdapter(Purpose)
_USER: TypeAdapter[str] = TypeAdapter(User)

_EVERYBODY = index_key("people")
_ZONES = index_key("zones")


@lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Whether it is in the IANA list, "Europe/London"."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class Person(BaseModel):
    """time_zone: of the IANA list, "" if not known. attributes: what rules may ask about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: User
    time_zone: str = Field(default="", max_length=64)
    name: str = Field(default="", max_length=200)
    attributes: Mapping[str, JsonValue] = Field(default_factory=dict, max_length=200)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name and not is_time_zone(name):
            raise ValueError(f"{name!r} is no time zone of the IANA list; write e.g. Europe/London")
        return name

    @field_validator("attributes")
    @classmethod
    def _is_small(cls, attributes: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        if len(orjson.dumps(dict(attributes))) > MAX_ATTRIBUTES:
            raise ValueError(f"attributes may have {MAX_ATTRIBUTES} bytes as JSON at most")
        return attributes


class People:
    """Persons in Redis. Every method raises OutreachUnavailableError when it is away."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def get(self, user: str) -> Person | None:
        """None for one who is not known."""
        (fields,) = await together(self._redis, command("HGETALL", _key(user)))
        return read_person(user, fields)

    async def put(self, person: Person) -> None:
        """Replaces what is known."""
        await self._write(
            person.user,
            {
                "time_zone": person.time_zone,
                "name": person.name,
                "attributes": orjson.dumps(dict(person.attributes)),
            },
        )

    async def seen(self, user: str, time_zone: str = "") -> None:
        """They are here; one round trip. A zone that is none, from a browser, is left aside."""
        _USER.validate_python(user)
        fields: dict[str, str | bytes] = {"seen": "1"}
        if time_zone and len(time_zone) <= 64 and is_time_zone(time_zone):
            fields["time_zone"] = time_zone
        await self._write(user, fields)

    async def users(self, limit: int = 1000, cursor: str = "") -> tuple[Sequence[str], str]:
        """Who is known, in a fixed order, and the cursor for those after them, "" at the end."""
        first = f"({cursor}" if cursor else "-"
        page = command("ZRANGEBYLEX", _EVERYBODY, first, "+", "LIMIT", 0, limit)
        (found,) = await together(self._redis, page)
        names = [name.decode() for name in found]
        users = [decoded(name[1:-1]) for name in names]
        there = [command("EXISTS", _key(user)) for user in users]
        known = await together(self._redis, *there) if there else []
        # Their time of being known was over.
        gone = [name for name, known_still in zip(names, known, strict=True) if not known_still]
        if gone:
            await together(self._redis, command("ZREM", _EVERYBODY, *gone))
        cursor = names[-1] if len(names) == limit else ""
        return [user for user, here in zip(users, known, strict=True) if here], cursor

    async def zones(self) -> frozenset[str]:
        """The time zones of those known; some may be nobody's any more."""
        (found,) = await together(self._redis, command("SMEMBERS", _ZONES))
        return frozenset(name.decode() for name in found)

    async def _write(self, user: str, fields: Mapping[str, str | bytes]) -> None:
        key = _key(user)
        pairs = [part for pair in fields.items() for part in pair]
        zone = fields.get("time_zone")
        await together(
            self._redis,
            command("ZADD", _EVERYBODY, 0, member(user)),
            command("HSET", key, *pairs),
            command("EXPIRE", key, KNOWN_S),
            *([command("SADD", _ZONES, zone)] if zone else []),
        )


def read_person(user: str, fields: Mapping[bytes, bytes]) -> Person | None:
    """From the stored hash."""
    if not fields:
        return None
    return Person(
        user=user,
        time_zone=fields.get(b"time_zone", b"").decode(),
        name=fields.get(b"name", b"").decode(),
        attributes=orjson.loads(fields.get(b"attributes", b"{}")),
    )


@dataclass(frozen=True, slots=True)
class ConsentState:
    """at: Unix time of the word. by: who recorded it. why: of a refusal."""

    agreed: bool
    at: float
    by: str = ""
    why: str = ""


# KEYS: consent. ARGV: purpose, "true" or "false", by and why as JSON, most purposes.
# "*" is always taken: nobody may be kept from refusing all.
# A document must begin with `{"agreed":false` or `{"agreed":true`: ledger.lua looks there.
_SAY = Script(
    NOW
    + """
if ARGV[1] ~= '*' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
  and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], '{"agreed":' .. ARGV[2] .. ',"at":' .. seconds(now)
  .. ',"by":' .. ARGV[3] .. ',"why":' .. ARGV[4] .. '}')
return 1
"""
)


class TooManyPurposesError(ValueError):
    """A person has said a word on as many purposes as are kept; refuse "*" instead."""


class Consent:
    """What people agreed to and refused. It is kept until they are forgotten."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def of(self, user: str) -> Mapping[str, ConsentState]:
        """purpose -> their last word on it; "*" is on all."""
        (fields,) = await together(self._redis, command("HGETALL", consent_key(user)))
        return read_consent(fields)

    async def agree(self, user: str, purpose: str, by: str) -> None:
        """A refusal of "*" stands beside it until "*" is agreed to."""
        await self._say(user, purpose, "true", by, "")

    async def refuse(self, user: str, purpose: str, by: str, why: str = "") -> None:
        """Nothing of this purpose, "*": nothing at all, is begun from now on."""
        await self._say(user, purpose, "false", by, why)

    async def _say(self, user: str, purpose: str, agreed: str, by: str, why: str) -> None:
        _USER.validate_python(user)
        _PURPOSE.validate_python(purpose)
        said = (orjson.dumps(by[:200]), orjson.dumps(why[:500]))
        say = _SAY([consent_key(user)], purpose, agreed, *said, MAX_PURPOSES)
        (kept,) = await together(self._redis, say)
        if not kept:
            raise TooManyPurposesError(
                f"{MAX_PURPOSES} purposes are recorded for this person, which is the most; "
                'refuse "*", or forget the person'
            )


def consent_key(user: str) -> str:
    """The hash purpose -> document."""
    return person_key(user, "consent")


def read_consent(fields: Mapping[bytes, bytes]) -> Mapping[str, ConsentState]:
    """From the stored hash."""
    return {name.decode(): ConsentState(**orjson.loads(said)) for name, said in fields.items()}


def _key(user: str) -> str:
    return person_key(user, "person")
