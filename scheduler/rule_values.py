"""What rules write in short: times such as 10m, caps such as "3 per day", quiet hours."""

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    model_serializer,
    model_validator,
)

from scheduler.clocks import moment, wall_time

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
NAMED = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0}

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s?(ms|s|m|h|d|w)")
_CAP = re.compile(r"(\d{1,6})\s+(?:per|a|an|in)\s+(.+)")
_QUIET = re.compile(r"(\d{1,2}):(\d{2})\s?-\s?(\d{1,2}):(\d{2})")


def parse_duration(given: object) -> float:
    """Seconds of "700ms", "30s", "10m", "2h", "1d", "1w"; raises ValueError."""
    found = _DURATION.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise ValueError(f"should be a time such as 700ms, 30s, 10m, 2h or 1d, not {given!r}")
    return float(found[1]) * UNITS[found[2]]


def write_duration(seconds: float) -> str:
    """As a rule writes it: "10m"; the largest unit that takes whole numbers."""
    for unit in ("w", "d", "h", "m", "s"):
        if seconds >= UNITS[unit] and (seconds / UNITS[unit]).is_integer():
            return f"{seconds / UNITS[unit]:.0f}{unit}"
    return f"{round(seconds * 1000)}ms"


Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(write_duration)]
"""Seconds; written with a unit, because a bare 10 has been misread before."""


class Cap(BaseModel):
    """At most `count` in any `per_s` seconds. A day is any 24 hours, so no clock change matters."""

    model_config = ConfigDict(frozen=True)

    count: int
    per_s: float

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return given
        found = _CAP.fullmatch(given.strip()) if isinstance(given, str) else None
        if found is None:
            raise ValueError(f'should be a cap such as "3 per day" or "1 per 30m", not {given!r}')
        per = found[2].strip()
        seconds = NAMED[per] if per in NAMED else parse_duration(per)
        if not seconds:
            raise ValueError(f"{given!r} counts in no time at all; write 3 per day")
        return {"count": int(found[1]), "per_s": seconds}

    @model_serializer
    def __str__(self) -> str:
        named = {seconds: name for name, seconds in NAMED.items()}
        return f"{self.count} per {named.get(self.per_s) or write_duration(self.per_s)}"


class QuietHours(BaseModel):
    """From one time of day to another on the person's own wall clock; midnight may lie between.

    start, end: minutes after midnight.
    """

    model_config = ConfigDict(frozen=True)

    start: int
    end: int

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return given
        found = _QUIET.fullmatch(given.strip()) if isinstance(given, str) else None
        if found is None:
            raise ValueError(f'should be quiet hours such as "22:00-08:00", not {given!r}')
        hours = [int(part) for part in found.groups()]
        if max(hours[0], hours[2]) > 23 or max(hours[1], hours[3]) > 59:
            raise ValueError(f"{given!r} has a time that no clock shows; write 22:00-08:00")
        start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if start == end:
            raise ValueError(f"{given!r} begins when it ends; to say nothing, pause the rule")
        return {"start": start, "end": end}

    @model_serializer
    def __str__(self) -> str:
        return "-".join(f"{m // 60:02d}:{m % 60:02d}" for m in (self.start, self.end))

    def covers(self, wall: datetime) -> bool:
        """Whether the clock on the wall stands in them."""
        minute = wall.hour * 60 + wall.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def over_at(self, now: float, zone: ZoneInfo) -> float | None:
        """Unix time of the first moment after `now` outside of them; None if it is outside now."""
        wall = wall_time(now, zone)
        if not self.covers(wall):
            return None
        end = time(self.end // 60, self.end % 60)
        day = wall.date()
        # Where a whole day is skipped, the end of quiet hours may itself lead into quiet hours.
        for _ in range(4):
            at = moment(datetime.combine(day, end), zone)
            if at > now and not self.covers(wall_time(at, zone)):
                return at
            day += timedelta(days=1)
        raise AssertionError(f"quiet hours {self} do not end in {zone}")
