"""The switch that stops all outreach, on every instance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from outreach.scripts import NOW, Script, command, together

if TYPE_CHECKING:
    from redis.asyncio import Redis

SWITCH = "overture:outreach:switch"

# The time is put in by Redis, into the document's place for it.
_SET = Script(
    NOW
    + """
redis.call('SET', KEYS[1], string.sub(ARGV[1], 1, -2) .. ',"at":' .. seconds(now) .. '}')
"""
)


@dataclass(frozen=True, slots=True)
class SwitchState:
    """stopped: nothing may be begun. by, why, at: of the last change; at in Unix time."""

    stopped: bool = False
    by: str = ""
    why: str = ""
    at: float = 0.0


class Switch:
    """Whoever begins a prompt looks at it in the same round trip, so it holds at once."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def stop(self, by: str, why: str) -> None:
        """Nothing is begun from now on; raises OutreachUnavailableError."""
        await self._set(True, by, why)

    async def resume(self, by: str, why: str = "") -> None:
        """Prompts that still wait are begun again."""
        await self._set(False, by, why)

    async def state(self) -> SwitchState:
        """As it is now; raises OutreachUnavailableError."""
        (document,) = await together(self._redis, command("GET", SWITCH))
        return read_switch(document)

    async def _set(self, stopped: bool, by: str, why: str) -> None:
        document = orjson.dumps({"stopped": stopped, "by": by[:200], "why": why[:500]})
        await together(self._redis, _SET([SWITCH], document))


def read_switch(document: bytes | None) -> SwitchState:
    """What is stored of it; a document that cannot be read stops everything."""
    if document is None:
        return SwitchState()
    try:
        return SwitchState(**orjson.loads(document))
    except (orjson.JSONDecodeError, TypeError):
        return SwitchState(stopped=True, why="the switch in Redis cannot be read; set it again")
