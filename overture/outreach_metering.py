"""What becomes of prompts, events and messages, as the parts count it themselves, for /metrics.

Every label is one of our own few names: states, checks, outcomes, topics and groups. People, rules
and instances are never labels.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from messaging.bus import Bus

if TYPE_CHECKING:
    from live.delivery import Delivery
    from scheduler.runtime import Scheduler

_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60)
"""Seconds; fine where the aims lie (40 to 300 ms). Longer ones waited for a pause."""
OTHER = "other"
DECIDED = ("published", "held", "suppressed")
DELIVERED = ("reserved", "begun", "heard", "interrupted", "lost")
"""Shown from the start, so that a graph shows 0 and no gap."""


def meter_outreach(
    registry: CollectorRegistry, scheduler: "Scheduler", delivery: "Delivery", bus: Bus
) -> None:
    """Shows all of it, as it is when somebody looks."""
    begun = Histogram(
        "overture_outreach_begin_seconds",
        "From the reason to speak until the first words of a prompt may flow",
        buckets=_BUCKETS,
        registry=registry,
    )
    delivery.tell_first(begun.observe)
    registry.register(_Counts(scheduler, delivery, bus))


class _Counts(Collector):
    """Reads what the parts have counted."""

    def __init__(self, scheduler: "Scheduler", delivery: "Delivery", bus: Bus) -> None:
        self._scheduler = scheduler
        self._delivery = delivery
        self._bus = bus

    def collect(self) -> Iterable[Metric]:
        """See the port."""
        yield from self._scheduled()
        yield from self._delivered()
        yield from self._on_the_bus()

    def _scheduled(self) -> Iterator[Metric]:
        told = self._scheduler.counts()
        leading, lag = told.pop("leading"), told.pop("lag_s")
        yield GaugeMetricFamily(
            "overture_scheduler_leading", "1 where the scheduler ticks and sweeps", leading
        )
        yield GaugeMetricFamily(
            "overture_scheduler_lag_seconds", "How late the last firing was decided on", lag
        )
        decided: dict[str, float] = dict.fromkeys(DECIDED, 0.0)
        suppressed: dict[str, float] = {}
        done = CounterMetricFamily(
            "overture_scheduler_work", "What the scheduler has done", labels=("part", "what")
        )
        for name, number in told.items():
            part, _, what = name.partition(":")
            if what.startswith("suppressed:"):
                suppressed[what.removeprefix("suppressed:") or OTHER] = number
            elif part == "prompts":
                decided[what] = number
            else:
                done.add_metric((part, what) if what else ("clock", part), number)
        yield _counter("overture_outreach_decisions", _DECISIONS, "outcome", decided)
        yield _counter("overture_outreach_suppressed", _SUPPRESSED, "check", suppressed)
        yield done

    def _delivered(self) -> Iterator[Metric]:
        became: dict[str, float] = dict.fromkeys(DELIVERED, 0.0)
        refused: dict[str, float] = {}
        for name, number in self._delivery.counts.items():
            what, _, why = name.partition(":")
            if why:
                refused[why] = number
            else:
                became[what] = number
        yield _counter("overture_outreach_delivery", _DELIVERY, "what", became)
        yield _counter("overture_outreach_refused", _REFUSED, "why", refused)

    def _on_the_bus(self) -> Iterator[Metric]:
        messages = CounterMetricFamily(
            "overture_bus_messages",
            "Messages, by what became of them",
            labels=("topic", "group", "what"),
        )
        for labels, number in self._bus.counts.items():
            messages.add_metric(labels, number)
        yield messages
        yield GaugeMetricFamily(
            "overture_bus_trouble", "1 while messages do not flow", float(bool(self._bus.trouble))
        )


_DECISIONS = "Reasons to speak, by what was decided"
_SUPPRESSED = "Of those, the suppressed, by the check that failed"
_DELIVERY = "Prompts in sessions here, by what became of them"
_REFUSED = "Prompts that the ledger did not grant to a session here, by why"


def _counter(name: str, told: str, label: str, counts: Mapping[str, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=(label,))
    for value, number in counts.items():
        family.add_metric((value,), number)
    return family
