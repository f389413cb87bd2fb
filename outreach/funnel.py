"""How the prompts of each rule fared, counted.

A prompt's own slot and the counters' are different ones, so what a step adds is sent a moment
later, many at once: counting costs a prompt no round trip. What a killed instance had not sent yet
(a few hundredths of a second) is missing in the counts, never in the ledger.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from outreach.errors import OutreachUnavailableError
from outreach.keys import index_key, member
from outreach.ledger_script import KEEP_S
from outreach.scripts import NOW, Script, command, together
from outreach.states import State

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

SOON_S = 0.05
"""How long counts are gathered before they are sent."""
RETRY_S = 1.0
MAX_FIELDS = 200
"""Kinds of counts of one rule; further reasons count as "suppressed:other"."""
MAX_OUTCOMES = 200

OUTCOMES = (
    State.HEARD,
    State.INTERRUPTED,
    State.ENGAGED,
    State.CONVERTED,
    State.DEFERRED,
    State.OPTED_OUT,
)
"""What a person made of a prompt; the last of a prompt stands."""

# KEYS: rules, counts, outcomes. ARGV: rule, most fields, most outcomes, keep, how many counts,
# then field, number, ..., then member, state, ...
_COUNT = Script(
    NOW
    + """
redis.call('SADD', KEYS[1], ARGV[1])
local counts = tonumber(ARGV[5])
for i = 6, 5 + 2 * counts, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[2], field) == 0
    and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[2]) then
    field = 'suppressed:other'
  end
  redis.call('HINCRBY', KEYS[2], field, ARGV[i + 1])
end
for i = 6 + 2 * counts, #ARGV, 2 do
  for before in string.gmatch('heard interrupted engaged converted deferred opted_out', '%S+') do
    redis.call('ZREM', KEYS[3], ARGV[i] .. ' ' .. before)
  end
  redis.call('ZADD', KEYS[3], seconds(now), ARGV[i] .. ' ' .. ARGV[i + 1])
end
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -ARGV[3] - 1)
redis.call('EXPIRE', KEYS[3], ARGV[4])
"""
)

_RULES = index_key("rules")


@dataclass(slots=True)
class _Unsent:
    counts: Counter[str]
    outcomes: list[tuple[str, State]]


class Funnel:
    """Counts on one instance, kept for all of them in Redis."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._unsent: dict[str, _Unsent] = {}
        self._sending: asyncio.Task[None] | None = None
        self._closed = False
        self._lock = asyncio.Lock()

    def count(self, rule: str, user: str, id: str, state: State, reason: str = "") -> None:
        """A prompt came into this state for the first time."""
        unsent = self._unsent.setdefault(rule, _Unsent(Counter(), []))
        unsent.counts[state.value] += 1
        if state is State.SUPPRESSED and reason:
            unsent.counts[f"suppressed:{reason[:80]}"] += 1
        if state in OUTCOMES:
            unsent.outcomes.append((member(user, id), state))
            del unsent.outcomes[:-MAX_OUTCOMES]
        if self._sending is None and not self._closed:
            self._sending = asyncio.create_task(self._send_soon(), name="outreach-funnel")

    async def of(self, rule: str) -> Mapping[str, int]:
        """state, and "suppressed:CHECK" -> how many prompts of the rule came to it."""
        await self.flush()
        (fields,) = await together(self._redis, command("HGETALL", _counts_key(rule)))
        return _numbers(fields)

    async def all(self) -> Mapping[str, Mapping[str, int]]:
        """The same of every rule; "" is what was asked for without a rule."""
        await self.flush()
        (names,) = await together(self._redis, command("SMEMBERS", _RULES))
        rules = sorted(name.decode() for name in names)
        found = await together(
            self._redis, *(command("HGETALL", _counts_key(rule)) for rule in rules)
        )
        return {rule: _numbers(fields) for rule, fields in zip(rules, found, strict=True)}

    async def outcomes(self, rule: str, n: int, since: float) -> Sequence[State]:
        """What the last n prompts that reached a person came to, newest first."""
        await self.flush()
        key = _outcomes_key(rule)
        call = command("ZREVRANGEBYSCORE", key, "+inf", f"({since}", "LIMIT", 0, n)
        (members,) = await together(self._redis, call)
        return [State(found.decode().rpartition(" ")[2]) for found in members]

    async def flush(self) -> None:
        """Sends what was counted; raises OutreachUnavailableError, and then keeps it."""
        async with self._lock:
            while self._unsent:
                rule, unsent = next(iter(self._unsent.items()))
                del self._unsent[rule]
                try:
                    await self._send(rule, unsent)
                except OutreachUnavailableError:
                    newer = self._unsent.setdefault(rule, _Unsent(Counter(), []))
                    newer.counts += unsent.counts
                    newer.outcomes[:0] = unsent.outcomes
                    raise

    async def aclose(self) -> None:
        """Sends the rest, if Redis is there."""
        self._closed = True
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        try:
            await self.flush()
        except OutreachUnavailableError as error:
            log.warning("counts of prompts were not sent before the end", reason=str(error))

    async def _send_soon(self) -> None:
        pause_s = SOON_S
        while self._unsent and not self._closed:
            await asyncio.sleep(pause_s)
            try:
                await self.flush()
                pause_s = SOON_S
            except OutreachUnavailableError:
                pause_s = RETRY_S
        self._sending = None

    async def _send(self, rule: str, unsent: _Unsent) -> None:
        counts = [part for pair in unsent.counts.items() for part in pair]
        outcomes = [part for name, state in unsent.outcomes for part in (name, state.value)]
        keys = [_RULES, _counts_key(rule), _outcomes_key(rule)]
        limits = (MAX_FIELDS, MAX_OUTCOMES, KEEP_S, len(unsent.counts))
        await together(self._redis, _COUNT(keys, rule, *limits, *counts, *outcomes))


def _counts_key(rule: str) -> str:
    return index_key("funnel", rule)


def _outcomes_key(rule: str) -> str:
    return index_key("outcomes", rule)


def _numbers(fields: Mapping[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(number) for name, number in fields.items()}
