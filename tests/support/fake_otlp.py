"""A collector that takes OTLP over HTTP on loopback and keeps the spans it was sent."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.serving import PATIENCE

Attributes = dict[str, str | int | float | bool]


def attributes_of(span: Span) -> Attributes:
    """Its attributes as Python has them."""
    found: Attributes = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        assert kind is not None
        found[each.key] = getattr(each.value, kind)
    return found


class Collector:
    """What came. status: what is answered from now on; anything but 200 keeps nothing."""

    def __init__(self) -> None:
        self._came = threading.Condition()
        self.spans: list[Span] = []
        self.resources: list[Attributes] = []
        self.requests = 0
        self.status = 200
        self.address = ""

    def take(self, body: bytes) -> int:
        """One request's; the status to answer with."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._came:
            self.requests += 1
            if self.status == 200:
                for resource in request.resource_spans:
                    self.resources.append(
                        {each.key: each.value.string_value for each in resource.resource.attributes}
                    )
                    for scope in resource.scope_spans:
                        self.spans.extend(scope.spans)
            self._came.notify_all()
            return self.status

    def until_spans(self, count: int) -> list[Span]:
        """Blocks until that many have come."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.spans) >= count, PATIENCE)
            return list(self.spans)

    def until_requests(self, count: int) -> None:
        """Blocks until that many were made."""
        with self._came:
            assert self._came.wait_for(lambda: self.requests >= count, PATIENCE)


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector at its `address`."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known = self.path == "/v1/traces"
            self.send_response(collector.take(body) if known else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    collector.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)
