"""What a run cost the server: CPU, memory, its event loop's lag, between two moments."""

import time
from dataclasses import dataclass

from bench.figures import Figures, histogram_quantile
from bench.server_under_test import Cost, ServerUnderTest

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The server at one moment. at: monotonic seconds; cost: None when it cannot be seen."""

    at: float
    cost: Cost | None
    lag: dict[float, float]


async def snapshot(server: ServerUnderTest) -> Snapshot:
    """The server now."""
    return Snapshot(time.monotonic(), server.cost(), await server.loop_lag())


def between(before: Snapshot, after: Snapshot, session_seconds: float) -> Figures:
    """CPU seconds per session-second, and the loop's lag at p99 in milliseconds.

    session_seconds: how long all sessions together lasted in between.
    """
    figures: Figures = {"session_seconds": round(session_seconds, 1)}
    if before.cost is not None and after.cost is not None:
        cpu = after.cost.cpu_seconds - before.cost.cpu_seconds
        figures["cpu_seconds"] = round(cpu, 2)
        figures["cpu_per_session_second"] = round(cpu / max(session_seconds, 1e-9), 5)
        figures["cores_used"] = round(cpu / (after.at - before.at), 3)
    lag = histogram_quantile(after.lag, before.lag, 0.99)
    if lag is not None:
        figures["loop_lag_p99_ms"] = round(lag * 1000, 2)
    return figures


def megabytes(snapshot: Snapshot) -> float | None:
    """Resident memory of the server's process tree in MB."""
    return None if snapshot.cost is None else round(snapshot.cost.rss / MB, 1)
