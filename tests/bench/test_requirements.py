"""Rows of the issue's table."""

import pytest

from bench.requirements import REQUIREMENTS, Better, Requirement, markdown

LATENCY = Requirement("latency", "talk.p50", 280, 200, "ms")
COUNT = Requirement("sessions", "most", 24, 64, "", Better.HIGHER)


@pytest.mark.parametrize(
    ("row", "value", "verdict"),
    [
        (LATENCY, 200, "aim"),
        (LATENCY, 201, "must"),
        (LATENCY, 281, "NOT MET"),
        (COUNT, 64, "aim"),
        (COUNT, 24, "must"),
        (COUNT, 23, "NOT MET"),
        (COUNT, None, "not measured"),
    ],
)
def test_a_figure_reaches_the_aim_the_must_or_neither(row, value, verdict):
    assert row.verdict(value) == verdict


def test_a_figure_is_found_by_its_name():
    assert LATENCY.measured({"talk": {"p50": 150}}) == 150
    assert LATENCY.measured({"talk": {"failed": "no server"}}) is None


def test_the_table_has_a_row_for_each_requirement_even_when_nothing_was_measured():
    rows = markdown({}).splitlines()[2:]
    assert len(rows) == len(REQUIREMENTS)
    assert all("not measured" in row for row in rows)


def test_shares_are_shown_in_percent():
    assert "| ≤ 3 % | ≤ 1 % | 1.68 % | must |" in markdown(
        {"turns": {"natural": {"cut_short_share": 0.0168}}}
    )
