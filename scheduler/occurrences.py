"""When rules that a clock starts will fire, in a person's own time zone.

Every firing has a key: the local date and wall time that was meant. So the hour that autumn repeats
has it once, whoever asks, and a wall time that spring skips fires once, when the clock jumps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from scheduler.clocks import change_between, clock_change, moment, skipped, wall_time, zone_of
from scheduler.cron import Cron, parse_cron
from scheduler.triggers import CronTrigger, IntervalTrigger, OnceTrigger, TimeTrigger

MOST = 10_000
"""Firings of one call: a week of every minute."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that a rule fires.

    at: Unix time. local: date and time on the person's clock then. key: see above; within its rule.
    clock_change: what happens to the clock on that day, or has happened since the firing before;
    "" for most.
    """

    at: float
    local: str
    key: str
    clock_change: str = ""


def next_firings(trigger: TimeTrigger, zone: ZoneInfo, after: float, n: int = 10) -> list[Firing]:
    """The first n firings later than `after` (Unix time), in order; fewer if there are no more."""
    found: list[Firing] = []
    before = Firing(after, "", "", clock_change(after, zone))
    for firing in _firings(trigger, zone, after):
        if len(found) >= min(n, MOST):
            break
        told = before.clock_change or firing.clock_change
        between = "" if told else change_between(before.at, firing.at, zone)
        found.append(replace(firing, clock_change=firing.clock_change or between))
        before = firing
    return found


def firings_between(
    trigger: TimeTrigger, zone: ZoneInfo, start: float, end: float
) -> Sequence[Firing]:
    """The firings in (start, end], Unix times: two spans that meet share none and miss none."""
    found: list[Firing] = []
    for firing in _firings(trigger, zone, start):
        if firing.at > end or len(found) >= MOST:
            break
        found.append(firing)
    return found


def _firings(trigger: TimeTrigger, zone: ZoneInfo, after: float) -> Iterator[Firing]:
    match trigger:
        case CronTrigger():
            clock = zone_of(trigger.zone or "") or zone
            yield from _cron(_read(trigger.cron), clock, zone, after)
        case IntervalTrigger():
            yield from _interval(trigger.interval, zone, after)
        case OnceTrigger():
            yield from _once(trigger.once, zone_of(trigger.zone or "") or zone, zone, after)


@lru_cache(maxsize=4096)
def _read(line: str) -> Cron:
    return parse_cron(line)


def _cron(cron: Cron, clock: ZoneInfo, zone: ZoneInfo, after: float) -> Iterator[Firing]:
    last = after
    # A clock that shows a time has come past all earlier ones, whatever it was put back by since.
    start = wall_time(after, clock).replace(second=0, microsecond=0, fold=0)
    for wall in cron.times(start):
        at = moment(wall, clock)
        # Of several wall times in one skipped hour, and one at its very end, the first counts.
        if at <= last:
            continue
        last = at
        yield _firing(at, _key(wall), clock, zone)


def _interval(every: float, zone: ZoneInfo, after: float) -> Iterator[Firing]:
    number = int(after // every) + 1
    while True:
        at = number * every
        yield _firing(at, f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}Z", zone, zone)
        number += 1


def _once(once: datetime, clock: ZoneInfo, zone: ZoneInfo, after: float) -> Iterator[Firing]:
    if once.tzinfo is not None:
        at, key = once.timestamp(), f"{once.astimezone(UTC):%Y-%m-%dT%H:%M}Z"
    else:
        at, key = moment(once, clock), _key(once)
    if at > after:
        yield _firing(at, key, clock, zone)


def _key(wall: datetime) -> str:
    return f"{wall:%Y-%m-%dT%H:%M}"


def _firing(at: float, key: str, clock: ZoneInfo, zone: ZoneInfo) -> Firing:
    local = datetime.fromtimestamp(at, zone)
    return Firing(at, f"{local:%Y-%m-%dT%H:%M}", key, _changed(key, at, clock))


def _changed(key: str, at: float, zone: ZoneInfo) -> str:
    change = clock_change(at, zone)
    if not change:
        return ""
    meant = None if key.endswith("Z") else datetime.fromisoformat(key)
    if meant is not None and skipped(meant, zone):
        return f"{change}, over {meant:%H:%M}"
    return change
