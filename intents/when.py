"""When: the time that somebody names in a sentence, "in ten minutes", "at half past four"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from intents.words import words_of

MAX_CHARS = 2_000
"""Of a text are read."""
LONGEST_S = 366 * 86_400.0
SOON_S = 3 * 3600.0
"""A time at night is meant as such without "a.m." only if it is so near."""

_UNITS = {
    **dict.fromkeys(("second", "seconds", "sec", "secs"), 1.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), 3600.0),
    **dict.fromkeys(("day", "days"), 86_400.0),
    **dict.fromkeys(("week", "weeks"), 7 * 86_400.0),
}
_VAGUE = {"moment": 60.0, "bit": 600.0, "while": 1800.0}
"""What "in a moment", "in a bit" and "in a while" are taken for."""
_COUNTS = {"a": 1, "an": 1, "couple": 2, "few": 5, "several": 5, "half": 0.5}
# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)
# fmt: on
_ONES = {word: number for number, word in enumerate(_SMALL)}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
_ABOUT = frozenset({"about", "around", "maybe", "like", "roughly", "say", "just", "perhaps"})
_SPAN_LEADS = frozenset({"in", "within", "after", "for", "another", "me"})
_CLOCK_LEADS = frozenset({"at", "till", "until", "by", "before", "after"})
_NOT_HOURS = frozenset(
    {"percent", "dollars", "euros", "pounds", "degrees", "people", "of", "cents", "point"}
)
"""After a number they say that it is no hour: "at two dollars"."""
_DAY_PARTS = {"morning": 9, "afternoon": 15, "evening": 18, "night": 20}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class When:
    """A time that was named.

    delay_s: seconds from now. at: the local wall time, in now's zone, if one was named; None of
    "in ten minutes". start, end: where the words stand in the text.
    """

    delay_s: float
    at: datetime | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Clock:
    """Hours and minutes as said; half: the hour may be of the morning or of the afternoon."""

    hour: int
    minute: int
    half: bool
    end: int


@dataclass(frozen=True, slots=True)
class _Day:
    """Days from now; part: the hour that a named part of the day begins at; usual: else this."""

    days: int
    part: int | None
    usual: int | None
    end: int


def parse_when(text: str, now: datetime) -> When | None:
    """The first time named in `text`, or None; `now` is local, best with its zone.

    A clock time is the next such time by day: "at four", said at five in the afternoon, is
    tomorrow's; night hours need "a.m." unless they are less than three hours away.
    """
    words = _words(text[:MAX_CHARS])
    for at in range(len(words)):
        found = _span(words, at) or _wall(words, at, now)
        if found is None:
            continue
        delay_s, wall, end = found
        if 0 < delay_s <= LONGEST_S:
            return When(delay_s, wall, words[at].start, words[end - 1].end)
    return None


def _words(text: str) -> list[_Word]:
    found = []
    for piece in re.finditer(r"\S+", text):
        plain = re.sub(r"(\d{1,2}):0(\d)", r"\1 oh \2", piece.group())
        plain = re.sub(r"(\d+)\.5\b", r"\1 and a half", plain.replace("oh 0", "o'clock"))
        plain = re.sub(r"\b([ap])\.m\b\.?", r"\1m", plain, flags=re.IGNORECASE)
        for word in words_of(plain):
            found.append(_Word(word, piece.start(), piece.end()))
    return found


def _said(words: Sequence[_Word], at: int) -> str:
    return words[at].text if 0 <= at < len(words) else ""


def _number(words: Sequence[_Word], at: int) -> tuple[int, int] | None:
    """A number and where it ends."""
    word = _said(words, at)
    if word.isdecimal() and len(word) <= 4:
        return int(word), at + 1
    if word in _TENS:
        ones = _ONES.get(_said(words, at + 1), 0)
        return (_TENS[word] + ones, at + 2) if 0 < ones < 10 else (_TENS[word], at + 1)
    return (_ONES[word], at + 1) if word in _ONES else None


def _span(words: Sequence[_Word], at: int) -> tuple[float, None, int] | None:
    """A delay: "in ten minutes", "for half an hour", "two hours from now", or just that."""
    start = at + 1 if _said(words, at) in _SPAN_LEADS else at
    if _said(words, start) == "another" and start == at + 1:
        start += 1
    while _said(words, start) in _ABOUT:
        start += 1
    measured = _measure(words, start)
    if measured is None:
        return None
    seconds, end = measured
    if (_said(words, end), _said(words, end + 1)) == ("from", "now"):
        return seconds, None, end + 2
    if _said(words, end) == "later":
        return seconds, None, end + 1
    # "It took ten minutes" names no time to come; the bare words as an answer do.
    alone = at == 0 and end >= len(words)
    return (seconds, None, end) if start > at or alone else None


def _measure(words: Sequence[_Word], at: int) -> tuple[float, int] | None:
    first = _amount(words, at)
    if first is None:
        return None
    seconds, end = first
    if _said(words, end) == "and":
        if (_said(words, end + 1), _said(words, end + 2)) == ("a", "half"):
            unit = _UNITS.get(_said(words, end - 1), 0.0)
            return seconds + unit / 2, end + 3
        more = _amount(words, end + 1)
        if more is not None and more[0] < seconds:
            return seconds + more[0], more[1]
    return seconds, end


def _amount(words: Sequence[_Word], at: int) -> tuple[float, int] | None:
    """A count and its unit: "ten minutes", "half an hour", "two and a half hours", "a bit"."""
    said = [_said(words, at + ahead) for ahead in range(6)]
    if said[0] in ("a", "another") and said[1] == "little":
        said = [said[0], *said[2:], ""]
        at += 1
    if said[0] in _UNITS and _said(words, at - 1) == "another":
        return _UNITS[said[0]], at + 1
    if said[0] == "a" and said[1] in _VAGUE:
        return _VAGUE[said[1]], at + 2
    quarters = {"quarter": 1, "quarters": 3}
    for skip in (0, 1):
        if said[skip] in quarters and said[skip + 1 : skip + 4] == ["of", "an", "hour"]:
            return quarters[said[skip]] * 900.0, at + skip + 4
    count: float
    if (number := _number(words, at)) is not None:
        count, end = number
        if [_said(words, end + ahead) for ahead in range(3)] == ["and", "a", "half"]:
            count, end = count + 0.5, end + 3
    elif said[0] == "a" and said[1] in _COUNTS:
        count, end = _COUNTS[said[1]], at + 2
    elif said[0] in _COUNTS:
        count, end = _COUNTS[said[0]], at + 1
    else:
        return None
    link = _said(words, end)
    if link in ("of", "more") or (count == 0.5 and link in ("a", "an")):
        end += 1
    unit = _UNITS.get(_said(words, end))
    return (count * unit, end + 1) if unit is not None else None


def _wall(words: Sequence[_Word], at: int, now: datetime) -> tuple[float, datetime, int] | None:
    """A time: "at half past four", "tomorrow at nine", "at nine tomorrow", "this evening"."""
    day = _day(words, at, now)
    clock = _clock(words, at if day is None else day.end)
    if day is None and clock is not None:
        day = _day(words, clock.end, now)
    if clock is not None:
        wall = _next(now, clock) if day is None else _of_day(now, day, clock)
        return _ahead(wall, now), wall, clock.end if day is None else max(day.end, clock.end)
    if day is None or (day.days == 0 and day.part is None):
        return None  # "today" alone is no time
    wall = now + timedelta(days=day.days)
    if (hour := day.part or day.usual) is not None:
        wall = _on(now, day.days, time(hour))
    if wall <= now:
        wall = now + timedelta(hours=1)  # "this evening", said in the evening
    return _ahead(wall, now), wall, day.end


def _day(words: Sequence[_Word], at: int, now: datetime) -> _Day | None:
    said = [_said(words, at + ahead) for ahead in range(3)]
    if said[0] == "tonight":
        return _Day(0, _DAY_PARTS["night"], None, at + 1)
    if said[0] == "this" and said[1] in _DAY_PARTS:
        return _Day(0, _DAY_PARTS[said[1]], None, at + 2)
    if said[:2] == ["in", "the"] and said[2] in _DAY_PARTS:
        return _Day(0, _DAY_PARTS[said[2]], None, at + 3)
    if said[0] in ("tomorrow", "today"):
        part = _DAY_PARTS.get(said[1])
        return _Day(int(said[0] == "tomorrow"), part, None, at + 1 + (part is not None))
    if said[:2] == ["next", "week"]:
        return _Day(7, None, None, at + 2)
    at += said[0] in ("on", "next")
    if _said(words, at) in _WEEKDAYS:
        days = (_WEEKDAYS.index(_said(words, at)) - now.weekday()) % 7 or 7
        part = _DAY_PARTS.get(_said(words, at + 1))
        return _Day(days, part, 9, at + 1 + (part is not None))
    return None


def _clock(words: Sequence[_Word], at: int) -> _Clock | None:
    led = _said(words, at) in _CLOCK_LEADS
    at += led
    while _said(words, at) in _ABOUT:
        at += 1
    word = _said(words, at)
    if word in ("noon", "midday", "midnight"):
        return _Clock(0 if word == "midnight" else 12, 0, False, at + 1)
    relative = _relative(words, at)
    if relative is not None:
        return _half_of_day(words, relative)
    hour = _number(words, at)
    if hour is None or hour[0] > 24:
        return None
    end, minute, clear = hour[1], 0, False
    if _said(words, end) in ("oh", "zero") and (low := _number(words, end + 1)) is not None:
        minute, end, clear = low[0], low[1], True
    elif (high := _number(words, end)) is not None and 10 <= high[0] < 60:
        minute, end = high
    if _said(words, end) == "o'clock":
        end, clear = end + 1, True
    if minute > 59:
        return None
    clock = _half_of_day(words, _Clock(hour[0] % 24, minute, 0 < hour[0] <= 12, end))
    clear = clear or clock.end > end
    if _said(words, clock.end) in _NOT_HOURS or _said(words, clock.end) in _UNITS:
        return None
    return clock if led or clear else None


def _relative(words: Sequence[_Word], at: int) -> _Clock | None:
    """A time: "half past four", "a quarter to five", "ten minutes past six", "half four"."""
    at += _said(words, at) == "a"
    word = _said(words, at)
    if word in ("half", "quarter"):
        minutes, end = (30 if word == "half" else 15), at + 1
    elif (number := _number(words, at)) is not None and number[0] < 60:
        minutes, end = number
        end += _said(words, end) in ("minutes", "minute")
    else:
        return None
    way = _said(words, end)
    if way in ("past", "after", "to", "before", "till"):
        end += 1
    elif word != "half":
        return None
    hour = _number(words, end)
    if hour is None or not 0 < hour[0] <= 24:
        return None
    if way in ("to", "before", "till"):
        return _Clock((hour[0] - 1) % 24, 60 - minutes, hour[0] <= 12, hour[1])
    return _Clock(hour[0] % 24, minutes, hour[0] <= 12, hour[1])


def _half_of_day(words: Sequence[_Word], clock: _Clock) -> _Clock:
    """The clock with "p.m." or "in the afternoon" taken in."""
    said = [_said(words, clock.end + ahead) for ahead in range(3)]
    afternoon: bool | None = None
    end = clock.end
    if said[0] in ("am", "pm"):
        afternoon, end = said[0] == "pm", end + 1
    elif said[0] in ("a", "p") and said[1] == "m":
        afternoon, end = said[0] == "p", end + 2
    elif said[:2] == ["in", "the"] and said[2] in _DAY_PARTS:
        afternoon, end = said[2] != "morning", end + 3
    elif said[:2] == ["at", "night"]:
        afternoon, end = clock.hour >= 6, end + 2
    if afternoon is None or clock.hour > 12:
        return _Clock(clock.hour, clock.minute, clock.half, end)
    return _Clock(clock.hour % 12 + 12 * afternoon, clock.minute, False, end)


def _on(now: datetime, days: int, wall: time) -> datetime:
    return datetime.combine((now + timedelta(days=days)).date(), wall, tzinfo=now.tzinfo)


def _of_day(now: datetime, day: _Day, clock: _Clock) -> datetime:
    """The clock time on a day: by the part of that day if one was named, else by day."""
    hour = clock.hour
    if clock.half:
        passed = day.days == 0 and _on(now, 0, time(hour % 12, clock.minute)) <= now
        late = day.part >= 12 if day.part is not None else hour < 7 or passed
        hour = hour % 12 + 12 * late
    return _on(now, day.days, time(hour, clock.minute))


def _next(now: datetime, clock: _Clock) -> datetime:
    hours = {clock.hour % 12, clock.hour % 12 + 12} if clock.half else {clock.hour}
    candidates = sorted(
        _on(now, days, time(hour, clock.minute)) for days in (0, 1) for hour in hours
    )
    coming = [wall for wall in candidates if _ahead(wall, now) > 0]
    return next(w for w in coming if not clock.half or w.hour >= 7 or _ahead(w, now) <= SOON_S)


def _ahead(wall: datetime, now: datetime) -> float:
    """Seconds that really pass, also over a change of the clocks."""
    if now.tzinfo is None:
        return (wall - now).total_seconds()
    return wall.timestamp() - now.timestamp()
