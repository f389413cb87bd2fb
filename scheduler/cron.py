"""Cron lines: minute, hour, day of month, month, day of week.

Our own reading of them, because APScheduler's counts weekdays from Monday, wants both days to match
where cron wants either, and skips or doubles what clock changes touch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
HORIZON_DAYS = 9 * 366
"""29 February can be eight years away (around 2100)."""


class CronError(ValueError):
    """A cron line that cannot be read; the message says which part and what would be right."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The times at which it fires, on a wall clock. days and weekdays: None for `*`.

    weekdays: 0 is Sunday.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None

    def on(self, day: date) -> bool:
        """Whether it fires on that day; if both kinds of day are given, either will do."""
        if day.month not in self.months:
            return False
        weekday = day.isoweekday() % 7
        if self.days is not None and self.weekdays is not None:
            return day.day in self.days or weekday in self.weekdays
        if self.days is not None:
            return day.day in self.days
        return self.weekdays is None or weekday in self.weekdays

    def at(self, wall: datetime) -> bool:
        """Whether it fires at that minute."""
        return wall.hour in self.hours and wall.minute in self.minutes and self.on(wall.date())

    def times(self, start: datetime) -> Iterator[datetime]:
        """Wall times from `start` on, in order; ends when there is none for nine years."""
        day, empty = start.date(), 0
        while empty < HORIZON_DAYS:
            if self.on(day):
                empty = 0
                for hour in self.hours:
                    for minute in self.minutes:
                        wall = datetime(day.year, day.month, day.day, hour, minute)
                        if wall >= start:
                            yield wall
            else:
                empty += 1
            day += timedelta(days=1)


def parse_cron(line: str) -> Cron:
    """Raises CronError; also for a line that never comes, such as 30 February."""
    parts = line.split()
    if len(parts) != len(FIELDS):
        raise CronError(
            f"cron {line!r} has {len(parts)} parts, and should have 5: minute, hour, day of month, "
            'month, day of week; "30 16 * * 1-5" is half past four on weekdays'
        )
    minutes, hours, days, months, weekdays = (
        _values(part, *field) for part, field in zip(parts, FIELDS, strict=True)
    )
    cron = Cron(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        None if parts[2] == "*" else frozenset(days),
        frozenset(months),
        None if parts[4] == "*" else frozenset(day % 7 for day in weekdays),
    )
    if next(cron.times(datetime(2024, 1, 1)), None) is None:
        raise CronError(f"cron {line!r} never comes: no such day is in any of its months")
    return cron


def _values(part: str, name: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, slash, step = piece.partition("/")
        if slash and (not step.isdecimal() or not 1 <= int(step) <= high):
            raise CronError(f"{name} {piece!r}: after / comes a number from 1 to {high}")
        if span == "*":
            first, last = low, 6 if name == "day of week" else high
        else:
            begin, dash, end = span.partition("-")
            first = _value(begin, piece, name, low, high)
            last = _value(end, piece, name, low, high) if dash else (high if slash else first)
            if name == "day of week" and dash and last < first and last == 0:
                last = 7  # fri-sun
        if last < first:
            raise CronError(f"{name} {piece!r}: {first} comes after {last}; turn them round")
        found.update(range(first, last + 1, int(step) if slash else 1))
    return found


def _value(given: str, piece: str, name: str, low: int, high: int) -> int:
    names = {"month": MONTHS, "day of week": DAYS}.get(name, ())
    if given.lower() in names:
        return names.index(given.lower()) + low
    if given.isdecimal() and low <= int(given) <= high:
        return int(given)
    also = f" or {names[0]} to {names[-1]}" if names else ""
    raise CronError(f"{name} {piece!r}: should be from {low} to {high}{also}, or *")
