"""When clocks start rules: each meant time once, on days when the clock is changed too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.cron import CronError, parse_cron
from scheduler.occurrences import firings_between, next_firings
from scheduler.triggers import CronTrigger, IntervalTrigger, OnceTrigger, TimeTrigger

BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"  # changes by half an hour
APIA = "Pacific/Apia"  # skipped 30 December 2011
CASABLANCA = "Africa/Casablanca"  # goes back for Ramadan
ZONES = (BERLIN, LORD_HOWE, APIA, CASABLANCA, "America/St_Johns", "Asia/Kathmandu", "UTC")


def at(wall: str, zone: str, fold: int = 0) -> float:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def fires(trigger: TimeTrigger, zone: str, begin: str, n: int = 4) -> list[tuple[str, str]]:
    """What the clock shows at each firing, and its key."""
    found = next_firings(trigger, ZoneInfo(zone), at(begin, zone), n)
    return [(firing.local, firing.key) for firing in found]


def cron(line: str, zone: str | None = None) -> CronTrigger:
    return CronTrigger(cron=line, zone=zone)


def test_a_cron_line_fires_at_its_times_on_the_persons_own_clock() -> None:
    assert fires(cron("30 16 * * 1-5"), BERLIN, "2026-11-20T10:00") == [
        ("2026-11-20T16:30", "2026-11-20T16:30"),
        ("2026-11-23T16:30", "2026-11-23T16:30"),
        ("2026-11-24T16:30", "2026-11-24T16:30"),
        ("2026-11-25T16:30", "2026-11-25T16:30"),
    ]


def test_a_time_in_the_hour_that_autumn_repeats_fires_once_and_at_the_first() -> None:
    firings = firings_between(
        cron("30 2 * * *"),
        ZoneInfo(BERLIN),
        at("2026-10-25T00:00", BERLIN),
        at("2026-10-26T00:00", BERLIN),
    )
    assert [firing.at for firing in firings] == [at("2026-10-25T02:30", BERLIN, fold=0)]
    assert firings[0].clock_change == "clocks go back 1 h at 03:00"


def test_every_twenty_minutes_is_silent_in_the_second_of_the_repeated_hours() -> None:
    assert [key for _, key in fires(cron("*/20 * * * *"), BERLIN, "2026-10-25T02:10")] == [
        "2026-10-25T02:20",
        "2026-10-25T02:40",
        "2026-10-25T03:00",
        "2026-10-25T03:20",
    ]


def test_a_time_that_spring_skips_fires_when_the_clock_jumps_with_the_key_that_was_meant() -> None:
    assert fires(cron("30 2 * * *"), BERLIN, "2026-03-28T12:00", 2) == [
        ("2026-03-29T03:00", "2026-03-29T02:30"),
        ("2026-03-30T02:30", "2026-03-30T02:30"),
    ]


def test_many_times_in_the_skipped_hour_fire_once_between_them() -> None:
    assert fires(cron("*/20 * * * *"), BERLIN, "2026-03-29T01:30", 3) == [
        ("2026-03-29T01:40", "2026-03-29T01:40"),
        ("2026-03-29T03:00", "2026-03-29T02:00"),
        ("2026-03-29T03:20", "2026-03-29T03:20"),
    ]


def test_half_an_hour_on_lord_howe_island() -> None:
    assert fires(cron("15 2 * * *"), LORD_HOWE, "2026-10-03T12:00", 1) == [
        ("2026-10-04T02:30", "2026-10-04T02:15")
    ]
    assert [key for _, key in fires(cron("45 1 * * *"), LORD_HOWE, "2027-04-03T12:00", 2)] == [
        "2027-04-04T01:45",
        "2027-04-05T01:45",
    ]


def test_the_day_that_samoa_skipped_fires_as_the_next_one_begins() -> None:
    assert fires(cron("0 9 * * *"), APIA, "2011-12-29T10:00", 2) == [
        ("2011-12-31T00:00", "2011-12-30T09:00"),
        ("2011-12-31T09:00", "2011-12-31T09:00"),
    ]


def test_a_rule_with_a_zone_of_its_own_fires_at_the_same_moment_for_everybody() -> None:
    trigger = cron("30 18 * * *", zone="Europe/London")
    start, end = at("2026-10-24T00:00", "UTC"), at("2026-10-27T00:00", "UTC")
    everywhere = {
        tuple((f.at, f.key) for f in firings_between(trigger, ZoneInfo(zone), start, end))
        for zone in ZONES
    }
    assert len(everywhere) == 1


def test_an_interval_counts_real_time_through_a_clock_change() -> None:
    firings = next_firings(
        IntervalTrigger(interval="2h"), ZoneInfo(BERLIN), at("2026-10-24T22:00", BERLIN), 5
    )
    assert {b.at - a.at for a, b in pairwise(firings)} == {7200.0}
    assert len({firing.key for firing in firings}) == 5


def test_once_is_on_the_persons_clock_or_with_an_offset_everywhere() -> None:
    local = OnceTrigger(once="2026-12-24T16:00")
    assert fires(local, BERLIN, "2026-12-01T00:00") == [("2026-12-24T16:00", "2026-12-24T16:00")]
    assert fires(local, BERLIN, "2026-12-24T16:00") == []
    fixed = OnceTrigger(once="2026-12-24T16:00+01:00")
    assert fires(fixed, "Asia/Kathmandu", "2026-12-01T00:00") == [
        ("2026-12-24T20:45", "2026-12-24T15:00Z")
    ]


def test_a_change_between_two_firings_is_told_at_the_later_one() -> None:
    found = next_firings(cron("0 9 * * 1-5"), ZoneInfo(BERLIN), at("2026-10-23T08:00", BERLIN), 3)
    assert [firing.clock_change for firing in found] == [
        "",
        "clocks go back 1 h on 2026-10-25",
        "",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("30 25 * * *", "hour '25': should be from 0 to 23"),
        ("* * * *", "has 4 parts, and should have 5"),
        ("0 0 30 2 *", "never comes"),
        ("*/0 * * * *", "after / comes a number from 1 to 59"),
        ("0 9 * * mno", "day of week 'mno': should be from 0 to 7 or sun to sat"),
        ("0 17-9 * * *", "17 comes after 9"),
        ("0 9,, * * *", "hour '': should be"),
    ],
)
def test_a_bad_cron_line_says_which_part_and_what_would_be_right(line: str, said: str) -> None:
    with pytest.raises(CronError, match=said.replace("*", r"\*")):
        parse_cron(line)


def test_sunday_is_0_and_7_and_sun_as_cron_has_it() -> None:
    sundays = {parse_cron(f"0 9 * * {day}").weekdays for day in ("0", "7", "sun", "SUN")}
    assert sundays == {frozenset({0})}
    assert parse_cron("0 9 * * fri-sun").weekdays == frozenset({5, 6, 0})


def test_a_day_of_the_month_or_a_weekday_will_do_if_both_are_given() -> None:
    assert [day for day, _ in fires(cron("0 9 13 * 5"), "UTC", "2026-11-11T00:00", 3)] == [
        "2026-11-13T09:00",
        "2026-11-20T09:00",
        "2026-11-27T09:00",
    ]


lines = st.builds(
    "{} {} * * {}".format,
    st.sampled_from(["0", "30", "*/15", "59", "7,37"]),
    st.sampled_from(["0", "1", "2", "3", "*", "*/6", "23"]),
    st.sampled_from(["*", "0", "1-5"]),
)
CHANGES = (
    at("2026-03-29T02:00", "UTC"),
    at("2026-10-25T01:00", "UTC"),
    at("2011-12-30T10:00", "UTC"),
    at("2026-04-04T15:00", "UTC"),
    at("2026-10-03T15:30", "UTC"),
    at("2026-02-15T02:00", "UTC"),
    at("2026-03-22T02:00", "UTC"),
)
moments = st.builds(
    lambda change, minutes: change + 60.0 * minutes,
    st.sampled_from(CHANGES),
    st.integers(-3000, 3000),
)


@given(lines, st.sampled_from(ZONES), moments, st.integers(1, 2000))
def test_spans_that_meet_share_no_firing_and_miss_none(
    line: str, zone: str, begin: float, minutes: int
) -> None:
    whole = firings_between(cron(line), ZoneInfo(zone), begin, begin + 3 * 86400)
    middle = begin + 60.0 * minutes
    parts = [
        *firings_between(cron(line), ZoneInfo(zone), begin, middle),
        *firings_between(cron(line), ZoneInfo(zone), middle, begin + 3 * 86400),
    ]
    assert parts == whole
    assert len({firing.key for firing in whole}) == len(whole)
    assert [firing.at for firing in whole] == sorted({firing.at for firing in whole})


@given(lines, st.sampled_from(ZONES), moments)
def test_every_meant_minute_that_the_clock_shows_has_its_firing(
    line: str, zone: str, begin: float
) -> None:
    found = {
        firing.key for firing in firings_between(cron(line), ZoneInfo(zone), begin, begin + 86400)
    }
    meant = parse_cron(line)
    shown: set[str] = set()
    for minute in range(int(begin // 60) + 1, int((begin + 86400) // 60) + 1):
        local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
        if local.fold == 0 and meant.at(local.replace(tzinfo=None)):
            shown.add(f"{local:%Y-%m-%dT%H:%M}")
    # What stands at the end of a skipped hour may have gone with what was meant within it.
    jumped = {
        key
        for key in shown - found
        if any(
            f.local == key
            for f in firings_between(cron(line), ZoneInfo(zone), begin, begin + 86400)
        )
    }
    assert shown - found == jumped
    for key in found - shown:
        wall = datetime.fromisoformat(key).replace(tzinfo=ZoneInfo(zone))
        assert wall.astimezone(UTC).astimezone(ZoneInfo(zone)) != wall + timedelta(0)
