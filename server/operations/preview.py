"""What a rule would do: its next firings in a zone, and the policy's checks for one person."""

import asyncio
import time as clock
from collections.abc import Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from server.operations.wire import Body, Told, rfc3339
from server.refusals import RefusedError

if TYPE_CHECKING:
    from scheduler.engine import Engine
    from scheduler.rules import Rule

FIRINGS = 10


class PreviewRequest(Body):
    """user: for whom the checks are made. time_zone: of the firings, instead of theirs."""

    user: str = Field(default="", max_length=256)
    time_zone: str = Field(default="", max_length=64)
    text: str = Field(default="", max_length=256 * 1024)


class ToldFiring(Told):
    """A time at which it fires. local: on the clock of the zone; clock_change: of that day."""

    at: float
    time: str
    local: str
    key: str
    clock_change: str


class ToldCheck(Told):
    """A check of the policy, in its order. until: when it passes by itself."""

    name: str
    passed: bool
    reason: str
    until: float | None
    evidence: Mapping[str, JsonValue]


class Preview(Told):
    """decision: "" without a user. text: what would be said."""

    decision: str
    text: str
    firings: tuple[ToldFiring, ...]
    checks: tuple[ToldCheck, ...]


async def preview(engine: "Engine", rule: "Rule", asked: PreviewRequest, zone: str) -> Preview:
    """Writes nothing. zone: IANA name; raises RefusedError if it is none."""
    from scheduler.clocks import zone_of

    known = zone_of(zone)
    if known is None:
        raise RefusedError(
            400,
            "invalid_value",
            f"{zone!r} is no time zone of the IANA list; write e.g. Europe/London",
            "time_zone",
        )
    firings = await asyncio.to_thread(_firings, rule, known)
    if not asked.user:
        return Preview(decision="", text="", firings=firings, checks=())
    verdict, text = await engine.preview(rule, asked.user, zone=asked.time_zone)
    checks = tuple(
        ToldCheck(
            name=check.name,
            passed=check.passed,
            reason=check.reason,
            until=check.until,
            evidence=check.evidence,
        )
        for check in verdict.checks
    )
    return Preview(decision=verdict.decision.value, text=text, firings=firings, checks=checks)


def _firings(rule: "Rule", zone: ZoneInfo) -> tuple[ToldFiring, ...]:
    from scheduler.occurrences import next_firings
    from scheduler.triggers import CronTrigger, IntervalTrigger, OnceTrigger

    if not isinstance(rule.trigger, CronTrigger | IntervalTrigger | OnceTrigger):
        return ()
    return tuple(
        ToldFiring(
            at=firing.at,
            time=rfc3339(firing.at),
            local=firing.local,
            key=firing.key,
            clock_change=firing.clock_change,
        )
        for firing in next_firings(rule.trigger, zone, clock.time(), FIRINGS)
    )
