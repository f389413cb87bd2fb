"""What is counted, in Prometheus' form."""

from collections.abc import Callable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from live import events as told
from live.stages import STAGES

_STAGE_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 2, 5)
"""Seconds; fine where the aims lie (200 to 600 ms voice to voice)."""
_LAG_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


TRANSPORTS = ("websocket", "webrtc")


class Metrics:
    """One process's, in the registry that was handed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge("overture_sessions", "Live conversations", registry=registry)
        self._by_transport = Gauge(
            "overture_sessions_by_transport",
            "Live conversations, by what their client came by",
            ["transport"],
            registry=registry,
        )
        self._unread = Gauge(
            "overture_realtime_unread_bytes",
            "Server events that wait for clients to read them",
            registry=registry,
        )
        self.sessions_total = Counter(
            "overture_sessions_begun", "Conversations begun", registry=registry
        )
        self._turns = Counter(
            "dialog_turn_count", "Turns of people that were committed", registry=registry
        )
        self._responses = Counter(
            "overture_responses", "Responses, by how they ended", ["status"], registry=registry
        )
        self._barge_ins = Counter(
            "overture_barge_ins", "Responses that a person interrupted", registry=registry
        )
        self._stages = Histogram(
            "overture_turn_stage_seconds",
            "Stages of a turn; live/stages.py says what each is",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        for stage in STAGES:
            self._stages.labels(stage)  # there from the start, so that a graph shows 0 and no gap
        self.loop_lag = Histogram(
            "overture_event_loop_lag_seconds",
            "How late the event loop was",
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self._bytes_in = Counter(
            "overture_realtime_received_bytes", "Bytes of client events", registry=registry
        )
        self._bytes_out = Counter(
            "overture_realtime_sent_bytes", "Bytes of server events", registry=registry
        )
        self._errors = Counter(
            "overture_realtime_errors", "Error events sent, by code", ["code"], registry=registry
        )
        self._closes = Counter(
            "overture_realtime_closes", "Connections ended, by code", ["code"], registry=registry
        )
        self._refused = Counter(
            "overture_realtime_refused", "Connections refused", ["reason"], registry=registry
        )

    def watch(self, sessions_by: Callable[[str], int], unread_bytes: Callable[[], int]) -> None:
        """Shows these as they are when somebody looks. sessions_by: of one of TRANSPORTS."""
        for transport in TRANSPORTS:
            self._by_transport.labels(transport).set_function(partial(sessions_by, transport))
        self._unread.set_function(unread_bytes)

    def received(self, size: int) -> None:
        """A client's message came."""
        self._bytes_in.inc(size)

    def sent(self, size: int) -> None:
        """A message to a client is on its way."""
        self._bytes_out.inc(size)

    def error(self, code: str) -> None:
        """An error event was sent. Codes are ours, so there are few."""
        self._errors.labels(code).inc()

    def closed(self, code: int) -> None:
        """A connection ended. Codes come from clients too: those of no standard count as one."""
        known = 1000 <= code <= 1015
        self._closes.labels(str(code) if known else "other").inc()

    def refused(self, reason: str) -> None:
        """A connection was not taken."""
        self._refused.labels(reason).inc()

    def live_event(self, event: told.LiveEvent) -> None:
        """Counts what a session tells."""
        match event:
            case told.TurnCommitted():
                self._turns.inc()
            case told.ResponseEnded(status=status, reason=reason):
                self._responses.labels(status).inc()
                if reason == "turn_detected":
                    self._barge_ins.inc()
            case told.TurnMeasured(stages_ms=stages_ms):
                for stage, ms in stages_ms.items():
                    self._stages.labels(stage).observe(ms / 1000)
            case _:
                pass
