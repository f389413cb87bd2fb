"""The rules in force: those of the agent's folder and those written in the console.

Redis holds every version of every rule and its status; each instance holds them in memory, ready
for use, and sees a change within half a second by a counter. A version never changes once it is
written: an edit is a new one, so a prompt's story can always be read against the rule it came from.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel, ConfigDict

from outreach.errors import OutreachUnavailableError
from outreach.scripts import Call, Script, command, together
from scheduler.index import RuleIndex
from scheduler.rule_files import Problem, parse_rule, write_rule
from scheduler.rules import Rule, Status
from sessions.ending import end

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

CHANGES = "overture:rules:changes"
LATEST = "overture:rules:latest"
STATUSES = "overture:rules:statuses"
FILES = "overture:rules:files"
MISSING = "overture:rules:missing"
LOOK_S = 0.4
"""How often the counter is read; two of these are the half second that is promised."""
MAX_VERSIONS = 1_000
AT_ONCE = 100
"""Rules that are written together."""
FROM_FILES = "files"


class SavedRule(BaseModel):
    """One version of a rule. version: from 1. by: who wrote it, "files" of the folder's.

    text: YAML as it was written. status: what it says. at: Unix time, Redis' own.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    text: str
    by: str
    at: float
    status: Status = "draft"


class StatusChange(BaseModel):
    """Since `at`, instead of what the rule's text says, until a version says something else."""

    model_config = ConfigDict(frozen=True)

    status: Status
    by: str
    why: str = ""
    at: float


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule as it stands. rule: with its version and the status in force.

    changed: why it has another status than its text says. missing: its file is gone or has a
    mistake now; it is paused until it is back.
    """

    rule: Rule
    saved: SavedRule
    changed: StatusChange | None = None
    missing: bool = False


# KEYS: versions, latest, changes, statuses, files.
# ARGV: name, text, by, digest ("" of the console), the status that the text says.
# A version that says another status than the one before it ends what was set beside them.
_SAVE = Script(
    """
if ARGV[4] ~= '' then
  if redis.call('HGET', KEYS[5], ARGV[1]) == ARGV[4] then return false end
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[4])
end
local time = redis.call('TIME')
local document = cjson.encode({name = ARGV[1], version = redis.call('LLEN', KEYS[1]) + 1,
  text = ARGV[2], by = ARGV[3], status = ARGV[5],
  at = tonumber(time[1]) + tonumber(time[2]) / 1000000})
local last = redis.call('HGET', KEYS[2], ARGV[1])
if last and cjson.decode(last).status ~= ARGV[5] then redis.call('HDEL', KEYS[4], ARGV[1]) end
redis.call('RPUSH', KEYS[1], document)
redis.call('HSET', KEYS[2], ARGV[1], document)
redis.call('INCR', KEYS[3])
return document
"""
)

# KEYS: statuses, changes, history. ARGV: name, status, by, why, history's length.
_SET_STATUS = Script(
    """
local time = redis.call('TIME')
local document = cjson.encode({status = ARGV[2], by = ARGV[3], why = ARGV[4],
  at = tonumber(time[1]) + tonumber(time[2]) / 1000000})
redis.call('HSET', KEYS[1], ARGV[1], document)
redis.call('RPUSH', KEYS[3], document)
redis.call('LTRIM', KEYS[3], -tonumber(ARGV[5]), -1)
redis.call('INCR', KEYS[2])
return 1
"""
)


class Rulebook:
    """Every rule, by name. `start` reads them and keeps looking for changes; `aclose` ends that.

    Without Redis the folder's rules are known, so that what they are for can be shown; nothing is
    spoken then anyway.
    """

    def __init__(self, redis: "Redis", from_files: Sequence[Rule]) -> None:
        self._redis = redis
        self._from_files = tuple(from_files)
        self._texts = {write_rule(rule): rule for rule in from_files}
        self._kept: Mapping[str, KeptRule] = {
            rule.name: KeptRule(rule, SavedRule(name=rule.name, version=0, text="", by="", at=0.0))
            for rule in from_files
        }
        self._index = RuleIndex(self._from_files)
        self._seen: bytes | None = b""
        self._parsed: dict[tuple[str, int], Rule] = {}
        self._looking: asyncio.Task[None] | None = None
        self._filed = False
        self._refreshing = asyncio.Lock()

    async def start(self) -> None:
        """Reads the rules once, if Redis is there, and from then on whenever they change."""
        try:
            await self.refresh()
        except OutreachUnavailableError as error:
            log.warning("the rules could not be read yet", reason=str(error))
        self._looking = asyncio.create_task(self._look(), name="rulebook")

    async def aclose(self) -> None:
        """Stops looking for changes."""
        if self._looking is not None:
            await end(self._looking)
            self._looking = None

    def rules(self) -> RuleIndex:
        """The rules in force, by trigger; paused ones and drafts among them, with their status."""
        return self._index

    def kept(self) -> Sequence[KeptRule]:
        """All of them, by name."""
        return [self._kept[name] for name in sorted(self._kept)]

    def get(self, name: str) -> KeptRule | None:
        """The rule of that name."""
        return self._kept.get(name)

    async def save(self, text: str, by: str, name: str = "") -> SavedRule | tuple[Problem, ...]:
        """A rule written in the console, as its next version; or what is wrong with it.

        name: what it has to be called, if that is known. Raises OutreachUnavailableError.
        """
        rule = await asyncio.to_thread(parse_rule, text, name)
        if isinstance(rule, tuple):
            return rule
        (document,) = await together(self._redis, _save(rule, text, by, digest=""))
        saved = SavedRule.model_validate_json(document)
        self._parsed[saved.name, saved.version] = rule
        await self.refresh()
        return saved

    async def set_status(self, name: str, status: Status, by: str, why: str) -> bool:
        """Puts a rule live, in shadow, or pauses it; False if there is none of that name."""
        if name not in self._kept:
            return False
        keys = [STATUSES, CHANGES, _history_key(name)]
        set_it = _SET_STATUS(keys, name, status, by[:200], why[:500], MAX_VERSIONS)
        await together(self._redis, set_it)
        await self.refresh()
        return True

    async def history(self, name: str) -> tuple[Sequence[SavedRule], Sequence[StatusChange]]:
        """Its versions and what was done to its status, oldest first. Raises as `save`."""
        versions, changes = await together(
            self._redis,
            command("LRANGE", _versions_key(name), -MAX_VERSIONS, -1),
            command("LRANGE", _history_key(name), -MAX_VERSIONS, -1),
        )
        return (
            [SavedRule.model_validate_json(each) for each in versions],
            [StatusChange.model_validate_json(each) for each in changes],
        )

    async def refresh(self) -> None:
        """Reads what has changed; raises OutreachUnavailableError."""
        async with self._refreshing:
            if not self._filed:
                await self._file()
                self._filed = True
            (count,) = await together(self._redis, command("GET", CHANGES))
            if count == self._seen:
                return
            hashes = (command("HGETALL", key) for key in (LATEST, STATUSES, MISSING))
            latest, statuses, missing = await together(self._redis, *hashes)
            await self._take(latest, statuses, missing)
            self._seen = count

    async def _look(self) -> None:
        trouble = False
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.refresh()
                trouble = False
            except OutreachUnavailableError as error:
                if not trouble:
                    log.warning("the rules cannot be read; the known ones stay", reason=str(error))
                trouble = True
            except Exception:
                log.exception("reading the rules failed; the known ones stay")

    async def _file(self) -> None:
        """Enters the folder's rules: new and changed ones as versions, lost ones as missing."""
        saves = [_save(rule, text, FROM_FILES, _digest(text)) for text, rule in self._texts.items()]
        for start in range(0, len(saves), AT_ONCE):
            await together(self._redis, *saves[start : start + AT_ONCE])
        here = {rule.name for rule in self._from_files}
        names = await together(self._redis, *(command("HKEYS", key) for key in (FILES, MISSING)))
        filed, missing = ({name.decode() for name in each} for each in names)
        if lost := sorted(filed - here - missing):
            log.warning(
                "rules whose files are gone are paused; if they are another agent's, give each "
                "agent a Redis of its own",
                rules=lost,
            )
        calls = [command("HSET", MISSING, name, "1") for name in lost]
        calls += [command("HDEL", MISSING, name) for name in missing & here]
        if calls:
            await together(self._redis, *calls, command("INCR", CHANGES))

    async def _take(
        self,
        latest: Mapping[bytes, bytes],
        statuses: Mapping[bytes, bytes],
        missing: Mapping[bytes, Any],
    ) -> None:
        kept: dict[str, KeptRule] = {}
        parsed: dict[tuple[str, int], Rule] = {}
        for document in latest.values():
            saved = SavedRule.model_validate_json(document)
            rule = await self._read(saved)
            if rule is None:
                continue
            parsed[saved.name, saved.version] = rule
            status = statuses.get(saved.name.encode())
            changed = StatusChange.model_validate_json(status) if status is not None else None
            gone = saved.name.encode() in missing and saved.by == FROM_FILES
            in_force: Status = rule.status if changed is None else changed.status
            rule = rule.model_copy(
                update={"version": saved.version, "status": "paused" if gone else in_force}
            )
            kept[saved.name] = KeptRule(rule, saved, changed, gone)
        if any(rule.name.encode() not in latest for rule in self._from_files):
            self._filed = False  # Redis was emptied, or is another one
        self._parsed = parsed
        self._kept = kept
        self._index = RuleIndex([each.rule for each in kept.values()])

    async def _read(self, saved: SavedRule) -> Rule | None:
        known = self._parsed.get((saved.name, saved.version)) or self._texts.get(saved.text)
        if known is not None:
            return known
        rule = await asyncio.to_thread(parse_rule, saved.text)
        if isinstance(rule, tuple):
            # Written by another version of Overture; the others go on without it.
            reasons = "; ".join(problem.message for problem in rule)
            log.error("a stored rule cannot be read", rule=saved.name, reason=reasons)
            return None
        return rule


def _save(rule: Rule, text: str, by: str, digest: str) -> Call:
    keys = [_versions_key(rule.name), LATEST, CHANGES, STATUSES, FILES]
    return _SAVE(keys, rule.name, text, by[:200], digest, rule.status)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _versions_key(name: str) -> str:
    return f"overture:rules:versions:{name}"


def _history_key(name: str) -> str:
    return f"overture:rules:history:{name}"
