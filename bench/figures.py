"""Numbers of a run: percentiles, and a run beside an earlier one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Figures = dict[str, Any]
"""JSON-able results: nested dictionaries with numbers, strings and lists at the leaves."""


def summary(values: Sequence[float]) -> Figures:
    """Count, p50, p95, p99 and max of `values`, in their own unit; only the count of none."""
    if not values:
        return {"count": 0}
    p50, p95, p99 = (float(p) for p in np.percentile(values, (50, 95, 99)))
    return {
        "count": len(values),
        "p50": round(p50, 1),
        "p95": round(p95, 1),
        "p99": round(p99, 1),
        "max": round(max(values), 1),
    }


def percentiles(summarized: Mapping[str, Any]) -> str:
    """A summary in one line."""
    names = [name for name in ("p50", "p95", "p99", "max") if name in summarized]
    return " · ".join(f"{name} {summarized[name]:.0f}" for name in names) or "nothing to measure"


def ratios(now: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, float]:
    """now / earlier for each number that both have, by dotted name; zeros earlier are left out."""
    before = dict(_numbers(earlier))
    return {
        name: round(value / before[name], 3)
        for name, value in _numbers(now)
        if before.get(name, 0.0) != 0.0
    }


def _numbers(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in figures.items():
        match value:
            case Mapping():
                yield from _numbers(value, f"{prefix}{name}.")
            case bool():
                pass
            case int() | float():
                yield f"{prefix}{name}", float(value)


def histogram_quantile(
    after: Mapping[float, float], before: Mapping[float, float], share: float
) -> float | None:
    """A quantile of what a Prometheus histogram counted between two reads; None if nothing.

    after, before: cumulative counts by upper bound (`le`), +Inf among them. Interpolates inside
    the bucket as PromQL does; the upper bound of the last finite bucket stands for beyond it.
    """
    counts = [(bound, after[bound] - before.get(bound, 0.0)) for bound in sorted(after)]
    total = counts[-1][1] if counts else 0.0
    if total <= 0:
        return None
    low, below = 0.0, 0.0
    for bound, count in counts:
        if count >= share * total:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (share * total - below) / (count - below)
        low, below = bound, count
    return low
