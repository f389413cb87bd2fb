"""Rules that go by the clock: each firing once, on each person's own clock.

The rules are the truth. APScheduler only wakes us at the next firing; what fires is worked out
from the time of the last tick, which is kept in Redis. So a leader that takes over, after an hour
in which nobody led, knows what was missed. A firing is written down before it is acted on, and
crossed out when everybody has been decided on: whoever leads then goes on with it.
"""

import asyncio
import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from outreach.errors import OutreachUnavailableError
from outreach.people import People
from outreach.scripts import command, together, unavailable
from scheduler.audience import Audiences
from scheduler.cards import Cards
from scheduler.clocks import zone_of
from scheduler.engine import Engine
from scheduler.index import IN_FORCE
from scheduler.judging import zone_seen
from scheduler.occurrences import firings_between, next_firings
from scheduler.rulebook import Rulebook
from scheduler.rules import Rule
from scheduler.triggers import CronTrigger, IntervalTrigger, Kind, OnceTrigger, TimeTrigger

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

TICKED = "overture:scheduler:ticked"
FIRED = "overture:scheduler:fired"
EVERY_S = 1.0
"""A tick comes so often even if nothing is due: "Redis"' clock is not this machine's."""
ACT_S = 30.0
"""Firings are acted on at once; this is for what no tick could tell of."""
KINDS: tuple[Kind, ...] = ("cron", "interval", "once")
MAX_MISSED = 50
"""Firings of one rule and zone that are caught up: the latest ones."""


class Fired(BaseModel):
    """A firing that is being acted on. zones: of the people whose clocks showed that time; none
    means everybody's."""

    model_config = ConfigDict(frozen=True)

    rule: str
    key: str
    at: float
    zones: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of it among the others."""
        return f"{self.rule} {self.key} {self.at:.0f}"


class Ticker:
    """`tick` and `act` may be called by several instances at once: everything is idempotent.

    wake: set when a firing is due; fired_now: when there is something to act on. lag_s: how late
    somebody was decided on last. fired: how many firings were acted on.
    """

    def __init__(
        self,
        redis: "Redis",
        rulebook: Rulebook,
        engine: Engine,
        audiences: Audiences,
        people: People,
        cards: Cards,
        *,
        agent_zone: str,
    ) -> None:
        self._redis = redis
        self._rulebook = rulebook
        self._engine = engine
        self._audiences = audiences
        self._people = people
        self._cards = cards
        self._agent_zone = agent_zone
        self._clock: Any = None
        self.wake = asyncio.Event()
        self.fired_now = asyncio.Event()
        self._next: dict[tuple[str, str, str], float] = {}
        self.lag_s = 0.0
        self.fired = 0

    async def start(self) -> None:
        """Lets APScheduler run; its import takes a while, and only leaders need it."""
        asyncio_clock = await asyncio.to_thread(import_module, "apscheduler.schedulers.asyncio")
        # It tells of every job that is added, which here is each firing.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._clock = asyncio_clock.AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True}
        )
        self._clock.start()

    async def aclose(self) -> None:
        """Wakes nobody any more."""
        if self._clock is not None:
            self._clock.shutdown(wait=False)
            self._clock = None

    async def tick(self) -> None:
        """Writes down what fired since the last tick; raises OutreachUnavailableError."""
        now, last = await self._times()
        rules = [
            rule
            for kind in KINDS
            for rule in self._rulebook.rules().of(kind)
            if rule.status in IN_FORCE
        ]
        if last is not None and now > last and rules:
            zones = await self._zones()
            fired = await asyncio.to_thread(self._firings, rules, zones, last, now)
        else:
            fired = []
        if last is None or now > last:
            with unavailable():
                async with self._redis.pipeline(transaction=True) as both:
                    if fired:
                        both.hset(
                            FIRED, mapping={each.name: each.model_dump_json() for each in fired}
                        )
                    both.set(TICKED, repr(now))
                    await both.execute()
        if fired:
            self.fired_now.set()
        self._sleep_until(min(self._next.values(), default=None), now)

    async def act(self) -> None:
        """Decides on everybody whom written-down firings concern; raises as `tick`."""
        (waiting,) = await together(self._redis, command("HGETALL", FIRED))
        for name, document in waiting.items():
            try:
                fired = Fired.model_validate_json(document)
            except ValidationError:
                log.exception("a firing cannot be read", firing=name)
            else:
                rule = self._rulebook.rules().get(fired.rule)
                if rule is not None and rule.status in IN_FORCE:
                    await self._act(rule, fired)
            await together(self._redis, command("HDEL", FIRED, name))

    async def _act(self, rule: Rule, fired: Fired) -> None:
        async def one(user: str) -> None:
            # The outermost edge of one person: what is wrong there holds up neither the others
            # nor the firings after this one.
            try:
                await decide(user)
            except OutreachUnavailableError:
                raise
            except Exception:
                log.exception("a firing cannot be decided on", rule=rule.name, key=fired.key)

        async def decide(user: str) -> None:
            seen = await self._engine.see(user)
            zone = zone_seen(seen) or self._agent_zone
            if zone_of(zone) is None:
                zone = self._agent_zone
            if fired.zones and zone not in fired.zones:
                return
            self.lag_s = max(0.0, seen.person.now - fired.at)
            await self._engine.consider(rule, user, fired.key, born=fired.at, seen=seen)

        self.fired += 1
        async for users in self._audiences.of(rule):
            await asyncio.gather(*map(one, users))

    async def _times(self) -> tuple[float, float | None]:
        with unavailable():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.time()
                pipe.get(TICKED)
                pipe.hlen(FIRED)
                (seconds, micros), last, waiting = await pipe.execute()
        if waiting:  # of a leader that ended, or when Redis was away
            self.fired_now.set()
        return seconds + micros / 1e6, None if last is None else float(last)

    async def _zones(self) -> Sequence[str]:
        """Of everybody known, of everybody here, and the agent's."""
        here = [card.time_zone for card in await self._cards.all()]
        names = {self._agent_zone, *here, *await self._people.zones()}
        return sorted(name for name in names if zone_of(name) is not None)

    def _firings(
        self, rules: Sequence[Rule], zones: Sequence[str], last: float, now: float
    ) -> list[Fired]:
        found: dict[tuple[str, str, float], list[str]] = {}
        coming: dict[tuple[str, str, str], float] = {}
        for rule in rules:
            trigger = rule.trigger
            assert isinstance(trigger, CronTrigger | IntervalTrigger | OnceTrigger)
            everywhere = not _by_wall(trigger)
            for name in [self._agent_zone] if everywhere else zones:
                known = (rule.name, f"{rule.version}", name)
                at = self._next.get(known, 0.0)
                if at <= now:
                    # What nobody could be told any more is not looked for.
                    since = max(last, now - rule.policy.ttl)
                    for key, when in _between(trigger, name, since, now):
                        found.setdefault((rule.name, key, when), []).extend(
                            [] if everywhere else [name]
                        )
                    at = _next_at(trigger, name, now)
                coming[known] = at
        self._next = coming
        return [
            Fired(rule=rule, key=key, at=at, zones=tuple(names))
            for (rule, key, at), names in found.items()
        ]

    def _sleep_until(self, at: float | None, now: float) -> None:
        """Has APScheduler wake us then."""
        if self._clock is None or at is None or at == math.inf:
            return
        due = datetime.now(UTC) + timedelta(seconds=max(0.0, at - now))
        self._clock.add_job(self._due, "date", run_date=due, id="next", replace_existing=True)

    async def _due(self) -> None:
        self.wake.set()


def _by_wall(trigger: TimeTrigger) -> bool:
    """Whether it fires at another moment in another time zone."""
    match trigger:
        case CronTrigger(zone=zone):
            return not zone
        case OnceTrigger(once=once, zone=zone):
            return once.tzinfo is None and not zone
        case _:
            return False


def _between(trigger: TimeTrigger, zone: str, since: float, now: float) -> list[tuple[str, float]]:
    known = zone_of(zone)
    assert known is not None
    missed = firings_between(trigger, known, since, now)
    return [(firing.key, firing.at) for firing in missed[-MAX_MISSED:]]


def _next_at(trigger: TimeTrigger, zone: str, now: float) -> float:
    known = zone_of(zone)
    assert known is not None
    coming = next_firings(trigger, known, now, 1)
    return coming[0].at if coming else math.inf
