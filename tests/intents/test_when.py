from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.when import LONGEST_S, parse_when

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 18, 15, 10, tzinfo=LONDON)  # a Wednesday afternoon


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("in ten minutes", 600),
        ("not now, in 10 minutes please", 600),
        ("I'll be back in about twenty five minutes", 1500),
        ("in an hour", 3600),
        ("in half an hour", 1800),
        ("in an hour and a half", 5400),
        ("in two and a half hours", 9000),
        ("in 2.5 hours", 9000),
        ("in an hour and ten minutes", 4200),
        ("in a quarter of an hour", 900),
        ("in three quarters of an hour", 2700),
        ("in a couple of minutes", 120),
        ("in a few minutes", 300),
        ("give me five more minutes", 300),
        ("leave me alone for another hour", 3600),
        ("ten minutes from now", 600),
        ("two hours later", 7200),
        ("ten minutes", 600),
        ("in a minute", 60),
        ("back in a bit", 600),
        ("in 120 seconds", 120),
        ("in two days", 172_800),
    ],
)
def test_a_delay(said: str, seconds: float) -> None:
    when = parse_when(said, NOW)
    assert when is not None
    assert (when.delay_s, when.at) == (seconds, None)


@pytest.mark.parametrize(
    ("said", "wall"),
    [
        ("at half past four", "18 16:30"),
        ("at half four", "18 16:30"),
        ("at a quarter to five", "18 16:45"),
        ("at quarter past five", "18 17:15"),
        ("at ten to six", "18 17:50"),
        ("at twenty minutes past six", "18 18:20"),
        ("at four", "18 16:00"),
        ("at four thirty", "18 16:30"),
        ("at 4:05", "18 16:05"),
        ("at 16:30", "18 16:30"),
        ("at 4:00 pm", "18 16:00"),
        ("at 5 p.m.", "18 17:00"),
        ("at five o'clock", "18 17:00"),
        ("at nine in the morning", "19 09:00"),
        ("at six in the evening", "18 18:00"),
        ("at 11 at night", "18 23:00"),
        ("until eight", "18 20:00"),
        ("by noon", "19 12:00"),
        ("at midnight", "19 00:00"),
        ("at 3", "19 15:00"),
        ("tomorrow at nine", "19 09:00"),
        ("at nine tomorrow", "19 09:00"),
        ("at four tomorrow afternoon", "19 16:00"),
        ("tomorrow morning", "19 09:00"),
        ("tomorrow", "19 15:10"),
        ("this evening", "18 18:00"),
        ("tonight", "18 20:00"),
        ("at eight tonight", "18 20:00"),
        ("on Monday", "23 09:00"),
        ("on friday at two", "20 14:00"),
        ("at six today", "18 18:00"),
    ],
)
def test_a_time_of_the_clock(said: str, wall: str) -> None:
    when = parse_when(said, NOW)
    assert when is not None
    assert when.at is not None
    assert f"{when.at:%d %H:%M}" == wall
    assert when.delay_s == when.at.timestamp() - NOW.timestamp()


@pytest.mark.parametrize(
    "said",
    [
        "",
        "it took ten minutes",
        "a large latte",
        "at two dollars",
        "later",
        "two lattes for me",
        "at the counter",
        "is the shop open today",
        "at ninety",
    ],
)
def test_no_time(said: str) -> None:
    assert parse_when(said, NOW) is None


def test_the_place_of_the_words_is_told() -> None:
    said = "Remind me in ten minutes, to call Anna."
    when = parse_when(said, NOW)
    assert when is not None
    assert said[when.start : when.end] == "in ten minutes,"


def test_a_delay_over_a_change_of_the_clocks_is_what_really_passes() -> None:
    evening = datetime(2026, 10, 24, 21, 0, tzinfo=LONDON)  # clocks go back in that night
    when = parse_when("tomorrow at nine", evening)
    assert when is not None
    assert when.delay_s == 13 * 3600


def test_late_in_the_evening_an_hour_of_the_night_is_meant() -> None:
    when = parse_when("at one", NOW.replace(hour=23))
    assert when is not None
    assert when.delay_s == 2 * 3600 - 600


@given(
    st.text(max_size=60) | st.from_regex(r"(at|in) [0-9]{1,5}(:[0-9]{2})? ?(pm|min|hours|days)?")
)
def test_whatever_is_said_a_time_lies_ahead_or_there_is_none(said: str) -> None:
    when = parse_when(said, NOW)
    assert when is None or 0 < when.delay_s <= LONGEST_S
