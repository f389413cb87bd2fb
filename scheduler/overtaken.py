"""Events that come in the wrong order: what withdraws a prompt may be here before its reason."""

from typing import TYPE_CHECKING

from outreach.inbox import Event
from outreach.keys import person_key
from outreach.scripts import unavailable
from scheduler.index import RuleIndex
from scheduler.rules import Rule

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEPT_S = 86_400


class Overtaken:
    """Remembers for a day when events happened to a person that withdraw prompts."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._index: RuleIndex | None = None
        self._types: frozenset[str] = frozenset()

    async def note(self, event: Event, rules: RuleIndex) -> None:
        """It happened; only types that some rule names in its cancel_on are remembered."""
        if rules is not self._index:
            self._index = rules
            self._types = frozenset(type for rule in rules for type in rule.cancel_on)
        if event.type not in self._types:
            return
        key = person_key(event.user, "happened", event.type)
        with unavailable():
            before = float(await self._redis.get(key) or 0.0)
            if event.time > before:
                await self._redis.set(key, repr(event.time), ex=KEPT_S)

    async def by(self, rule: Rule, user: str, event: Event) -> str:
        """The type of an event that withdraws the rule's prompt and happened later, or ""."""
        if not rule.cancel_on:
            return ""
        keys = [person_key(user, "happened", type) for type in rule.cancel_on]
        with unavailable():
            times = await self._redis.mget(keys)
        for type, at in zip(rule.cancel_on, times, strict=True):
            if at is not None and float(at) > event.time:
                return type
        return ""
