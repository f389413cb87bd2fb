"""Short forms: times, caps, and quiet hours on a person's clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.clocks import wall_time
from scheduler.rule_values import Cap, QuietHours, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("700ms", 0.7), ("30s", 30), ("10m", 600), ("1.5h", 5400), ("2d", 172800), ("1w", 604800)],
)
def test_times_are_written_with_their_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", [10, "10", "ten minutes", "10 min", "", None, True, "-5m", "5 m s"]
)
def test_a_time_without_a_unit_is_refused_with_examples(text: object) -> None:
    with pytest.raises(ValueError, match="such as 700ms, 30s, 10m, 2h or 1d"):
        parse_duration(text)


@given(st.integers(1, 10**9).map(lambda ms: ms / 1000))
def test_a_time_reads_back_as_it_was_written(seconds: float) -> None:
    assert parse_duration(write_duration(seconds)) == pytest.approx(seconds, abs=0.0005)


def test_caps() -> None:
    cap = Cap.model_validate("3 per day")
    assert (cap.count, cap.per_s, str(cap)) == (3, 86400.0, "3 per day")
    assert str(Cap.model_validate("1 per 30m")) == "1 per 30m"
    for wrong in ("often", "3", "0 per 0s", 3):
        with pytest.raises(ValueError, match="per"):
            Cap.model_validate(wrong)


@pytest.mark.parametrize(
    "wrong", ["22-08", "22:00", "25:00-08:00", "22:00-08:60", "08:00-08:00", 5]
)
def test_quiet_hours_that_no_clock_shows_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"quiet hours|no clock|begins when it ends"):
        QuietHours.model_validate(wrong)


def over_at(quiet: str, wall: str, zone: str, fold: int = 0) -> str | None:
    """What the clock shows when they are over, with its offset."""
    tz = ZoneInfo(zone)
    now = datetime.fromisoformat(wall).replace(tzinfo=tz, fold=fold).timestamp()
    over = QuietHours.model_validate(quiet).over_at(now, tz)
    return None if over is None else datetime.fromtimestamp(over, tz).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("quiet", "wall", "zone", "over"),
    [
        ("22:00-08:00", "2026-11-21T23:30", "Europe/London", "2026-11-22T08:00+00:00"),
        ("22:00-08:00", "2026-11-21T07:59", "Europe/London", "2026-11-21T08:00+00:00"),
        ("22:00-08:00", "2026-11-21T08:00", "Europe/London", None),
        ("22:00-08:00", "2026-11-21T21:59", "Europe/London", None),
        ("22:00-08:00", "2026-11-21T22:00", "Europe/London", "2026-11-22T08:00+00:00"),
        ("13:00-14:00", "2026-11-21T13:30", "Europe/London", "2026-11-21T14:00+00:00"),
        # The night is an hour longer, or shorter, and they end at eight all the same.
        ("22:00-08:00", "2026-10-24T23:00", "Europe/London", "2026-10-25T08:00+00:00"),
        ("22:00-08:00", "2026-03-28T23:00", "Europe/London", "2026-03-29T08:00+01:00"),
        # Their end is skipped: they are over when the clock jumps.
        ("22:00-01:30", "2026-03-28T23:00", "Europe/London", "2026-03-29T02:00+01:00"),
        # Their end is shown twice: over at the first.
        ("22:00-01:30", "2026-10-24T23:00", "Europe/London", "2026-10-25T01:30+01:00"),
        ("22:00-01:45", "2026-04-04T23:00", "Australia/Lord_Howe", "2026-04-05T01:45+11:00"),
        # The morning is skipped with its day, and the day after begins within them.
        ("22:00-08:00", "2011-12-29T23:00", "Pacific/Apia", "2011-12-31T08:00+14:00"),
        ("22:00-03:30", "2026-02-14T23:00", "Africa/Casablanca", "2026-02-15T03:30+00:00"),
    ],
)
def test_quiet_hours_end_on_the_persons_own_clock(
    quiet: str, wall: str, zone: str, over: str | None
) -> None:
    assert over_at(quiet, wall, zone) == over


minutes = st.integers(0, 1439)
zones = st.sampled_from(
    ["Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]
)
years = st.one_of(
    st.floats(1.2e9, 2.0e9),
    # Around changes of the clock, Samoa's of 2011 among them.
    st.sampled_from([1325239200, 1774746000, 1792890000, 1775314800, 1771120800]).flatmap(
        lambda change: st.floats(change - 90_000, change + 90_000)
    ),
)


@given(minutes, minutes.filter(bool), zones, years)
def test_quiet_hours_last_until_the_first_moment_outside_of_them(
    start: int, length: int, zone: str, now: float
) -> None:
    quiet, tz = QuietHours(start=start, end=(start + length) % 1440), ZoneInfo(zone)
    over = quiet.over_at(now, tz)
    if over is None:
        assert not quiet.covers(wall_time(now, tz))
        return
    assert over > now
    assert not quiet.covers(wall_time(over, tz))
    steps = [now + (over - now) * share / 50 for share in range(50)]
    assert all(quiet.covers(wall_time(step, tz)) for step in [*steps, over - 0.5] if step >= now)
