"""Spans made OpenTelemetry's and exported. Importing this imports the SDK, a third of a second."""

import logging
from collections.abc import Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import set_span_in_context

from overture.turn_trace import TurnSpans

log = structlog.get_logger(__name__)

QUEUE = 2048
"""Spans that wait while the collector is away: about 300 turns. The oldest go first."""
BATCH = 256
EVERY_MS = 2000
REQUEST_TIMEOUT = 5.0
"""Seconds for a batch, retries included; then it is given up."""


class SpanSender:
    """Takes finished turns on the event loop; a thread of the SDK's sends them."""

    def __init__(self, endpoint: str, agent: str) -> None:
        # Its own lines come once a batch, for as long as the collector is away; ours come twice.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        exporter = _Exporter(
            OTLPSpanExporter(traces_url(endpoint), timeout=REQUEST_TIMEOUT),
            urlsplit(endpoint).netloc.rpartition("@")[2],
        )
        resource = Resource.create(
            {
                "service.name": "overture",
                "service.version": version("overture"),
                "overture.agent": agent,
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=QUEUE,
                max_export_batch_size=BATCH,
                schedule_delay_millis=EVERY_MS,
            )
        )
        self._tracer = self._provider.get_tracer("overture")

    def send(self, turn: TurnSpans) -> None:
        """Puts a turn into the queue; never blocks."""
        whole = self._tracer.start_span(
            turn.whole.name,
            context=Context(),
            attributes=turn.whole.attributes,
            start_time=_ns(turn.whole.start),
        )
        inside = set_span_in_context(whole, Context())
        for stage in turn.stages:
            span = self._tracer.start_span(
                stage.name,
                context=inside,
                attributes=stage.attributes,
                start_time=_ns(stage.start),
            )
            span.end(_ns(stage.end))
        whole.end(_ns(turn.whole.end))

    def close(self) -> None:
        """Sends what waits and stops; blocks while it does."""
        self._provider.shutdown()


class _Exporter(SpanExporter):
    """Says once that the collector is away, and once that it is back. collector: HOST:PORT."""

    def __init__(self, exporter: OTLPSpanExporter, collector: str) -> None:
        self._exporter = exporter
        self._collector = collector
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            reason = "the collector does not take them; see its log"
            log.warning("traces_not_taken", collector=self._collector, reason=reason)
        elif self._away and not away:
            log.info("traces_taken_again", collector=self._collector)
        self._away = away
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def traces_url(endpoint: str) -> str:
    """Where traces go below a collector's address; one that says so itself is left as it is."""
    address = endpoint.rstrip("/")
    return address if address.endswith("/v1/traces") else f"{address}/v1/traces"


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
