"""Percentiles, comparisons, quantiles of histograms."""

import pytest

from bench.figures import histogram_quantile, ratios, summary


def test_a_summary_names_the_usual_percentiles():
    found = summary(range(101))
    assert found == {"count": 101, "p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}


def test_nothing_has_no_percentiles():
    assert summary([]) == {"count": 0}


def test_a_run_is_compared_number_by_number():
    now = {"a": {"p50": 150, "count": 5, "ok": True}, "new": 3, "text": "x"}
    earlier = {"a": {"p50": 100, "count": 5, "ok": True}, "text": "y", "zero": 0}
    assert ratios(now, earlier) == {"a.p50": 1.5, "a.count": 1.0}


def test_a_number_that_was_zero_has_no_ratio():
    assert ratios({"cut": 2}, {"cut": 0}) == {}


INF = float("inf")


def test_a_quantile_is_interpolated_inside_its_bucket():
    assert histogram_quantile({1.0: 50, 2.0: 100, INF: 100}, {}, 0.75) == pytest.approx(1.5)


def test_what_was_counted_before_is_taken_off():
    before = {1.0: 100.0, 2.0: 100.0, INF: 100.0}
    after = {1.0: 100.0, 2.0: 110.0, INF: 110.0}
    assert histogram_quantile(after, before, 0.5) == pytest.approx(1.5)


def test_beyond_the_last_bucket_its_bound_is_told():
    assert histogram_quantile({1.0: 0, INF: 10}, {}, 0.99) == 1.0


def test_an_empty_histogram_has_no_quantile():
    assert histogram_quantile({}, {}, 0.99) is None
    assert histogram_quantile({1.0: 4, INF: 4}, {1.0: 4, INF: 4}, 0.99) is None
