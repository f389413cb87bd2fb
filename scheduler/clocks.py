"""Wall time in a person's zone, through the days on which the clock is changed.

A wall time in the hour that spring skips means the moment the clock was put forward; one in the
hour that autumn repeats means the first of the two.
"""

import functools
import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@functools.lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The zone of an IANA name such as Europe/Amsterdam; None if there is none of that name."""
    try:
        # Anything else could be a path, and the names of zones have no dots.
        return ZoneInfo(name) if name in zoneinfo.available_timezones() else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def wall_time(at: float, zone: ZoneInfo) -> datetime:
    """What a clock on the wall shows at a Unix time; without a zone, the fold kept."""
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None)


def skipped(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock never shows it, because it was put forward over it."""
    first = wall.replace(tzinfo=zone, fold=0)
    return first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != first.replace(tzinfo=None)


def moment(wall: datetime, zone: ZoneInfo) -> float:
    """The Unix time at which the clock shows `wall`: the first such, or when it jumps over it."""
    local = wall.replace(tzinfo=zone, fold=0)
    if not skipped(wall, zone):
        return local.timestamp()
    # fold 1 reads the skipped hour by the offset that follows: a moment before the jump.
    return _jump(local.replace(fold=1).timestamp(), local.timestamp(), zone)


def _jump(before: float, after: float, zone: ZoneInfo) -> float:
    """The whole second in (before, after] at which the offset changes."""
    old = datetime.fromtimestamp(before, zone).utcoffset()
    low, high = int(before), int(after)
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return float(high)


def clock_change(at: float, zone: ZoneInfo) -> str:
    """How the clock is changed on that local day, "" on most: "clocks go back 1 h at 03:00"."""
    day = wall_time(at, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    start, end = moment(day, zone), moment(day + timedelta(days=1), zone)
    before, after = (_offset(t, zone) for t in (start - 1, end - 1))
    if before == after:
        return ""
    jump = _jump(start - 1, end - 1, zone)
    amount = after - before
    shown = datetime.fromtimestamp(jump, UTC) + before
    way = "forward" if amount > timedelta(0) else "back"
    return f"clocks go {way} {_hours(abs(amount))} at {shown:%H:%M}"


def change_between(start: float, end: float, zone: ZoneInfo) -> str:
    """How clocks were changed between two moments, "" if they are as before.

    "clocks go back 1 h on Sun 2026-10-25"; with two changes in between it is none, or the last.
    """
    before, after = _offset(start, zone), _offset(end, zone)
    if before == after:
        return ""
    amount = after - before
    shown = datetime.fromtimestamp(_jump(start, end, zone) - 1, UTC) + before
    way = "forward" if amount > timedelta(0) else "back"
    return f"clocks go {way} {_hours(abs(amount))} on {shown:%Y-%m-%d}"


def _offset(at: float, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(at, zone).utcoffset() or timedelta(0)


def _hours(amount: timedelta) -> str:
    minutes = round(amount.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest else [])])
