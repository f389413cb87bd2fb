"""What spans people: where prompts are found, and which of them want a look soon.

Only hints: the truth about a prompt is its own entry, in its person's slot. A hint is written
before the entry changes, so that a crash in between leaves one too many rather than one too few.
"""

from outreach.keys import decoded, index_key, member
from outreach.ledger_script import KEEP_S, LOOK_S
from outreach.scripts import NOW, Call, Script

MAX_INDEXED = 200_000
"""Prompts that search can find; the oldest give way."""

DUE = index_key("due")

# KEYS: all, due, of, and, if it has a rule, rule. ARGV: member, document for `of`, seconds until
# it is looked at or "", keep, most.
_ENTER = Script(
    NOW
    + """
for _, key in ipairs({KEYS[1], KEYS[4]}) do
  redis.call('ZADD', key, 'NX', seconds(now), ARGV[1])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', seconds(now - ARGV[4]))
  redis.call('ZREMRANGEBYRANK', key, 0, -ARGV[5] - 1)
  redis.call('EXPIRE', key, ARGV[4])
end
redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[4])
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[2], seconds(now + ARGV[3]), ARGV[1])
end
"""
)

# KEYS: due. ARGV: member, seconds.
_LOOK = Script(NOW + "redis.call('ZADD', KEYS[1], seconds(now + ARGV[2]), ARGV[1])")

# KEYS: due. ARGV: how many, seconds that they are left to whoever takes them.
_TAKE = Script(
    NOW
    + """
local taken = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', seconds(now), 'LIMIT', 0, ARGV[1])
local till = seconds(now + ARGV[2])
for _, member in ipairs(taken) do redis.call('ZADD', KEYS[1], till, member) end
return {till, taken}
"""
)

# KEYS: due. ARGV: the time that `take` put; then member, seconds (or "" for never again), ...
# Whoever changed the prompt meanwhile has put a time of their own, which stands.
_SETTLE = Script(
    NOW
    + """
for i = 2, #ARGV, 2 do
  local at = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if at and tonumber(at) == tonumber(ARGV[1]) then
    if ARGV[i + 1] == '' then
      redis.call('ZREM', KEYS[1], ARGV[i])
    else
      redis.call('ZADD', KEYS[1], seconds(now + ARGV[i + 1]), ARGV[i])
    end
  end
end
"""
)


def of_key(id: str) -> str:
    """Where it is noted whose prompt this is."""
    return index_key("of", id)


def rule_key(rule: str) -> str:
    """A rule's prompts, oldest first."""
    return index_key("rule", rule)


ALL = index_key("all")


def enter(user: str, id: str, rule: str, document: bytes, look_s: float | None) -> Call:
    """Notes a new prompt. look_s: when the sweeper looks at it, None if it is over already."""
    keys = [ALL, DUE, of_key(id)] + ([rule_key(rule)] if rule else [])
    look = "" if look_s is None else min(look_s, LOOK_S)
    return _ENTER(keys, member(user, id), document, look, KEEP_S, MAX_INDEXED)


def look(user: str, id: str, look_s: float) -> Call:
    """The sweeper looks at it in so many seconds, whatever was planned before."""
    return _LOOK([DUE], member(user, id), max(0.0, min(look_s, LOOK_S)))


def take(limit: int, left_s: float) -> Call:
    """What is due for a look: [time, members]; nobody else gets them for `left_s` seconds."""
    return _TAKE([DUE], limit, left_s)


def named(found: bytes) -> tuple[str, str]:
    """(user, id) of a member."""
    owner, _, id = found.decode().partition("} ")
    return decoded(owner[1:]), id


def settle(time: bytes, looks: list[str | bytes | float]) -> Call:
    """Plans the next looks: member, seconds, member, "" (none), ..."""
    return _SETTLE([DUE], time, *looks)
