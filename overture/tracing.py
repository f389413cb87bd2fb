"""Traces of turns, sent by OTLP over HTTP, where the operator has named a collector.

OpenTelemetry is imported only then. What is sent waits in a bounded queue and leaves by a thread
of its own: a collector that is slow or away costs turns' traces, and nothing else.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import structlog

from live.events import LiveEvent
from overture.turn_trace import TurnTrace

if TYPE_CHECKING:
    from overture.span_export import SpanSender

log = structlog.get_logger(__name__)

Listener: TypeAlias = Callable[[LiveEvent], None]

GOODBYE = 3.0
"""Seconds that what still waits gets to be sent when the server stops."""


class Tracing:
    """The process's. Without a sender nothing is followed and nothing costs."""

    def __init__(self, sender: "SpanSender | None" = None) -> None:
        self._sender = sender

    def listener(self, session_id: str, listener: Listener) -> Listener:
        """`listener`, with each event also followed for the session's traces."""
        if self._sender is None:
            return listener
        trace = TurnTrace(session_id, self._sender.send)

        def follow(event: LiveEvent) -> None:
            listener(event)
            trace.follow(event)

        return follow


@asynccontextmanager
async def tracing(endpoint: str | None, agent: str) -> AsyncIterator[Tracing]:
    """Sends traces to the collector at `endpoint`, its address without a path; None: nowhere."""
    if endpoint is None:
        yield Tracing()
        return
    sender = await asyncio.to_thread(_sender, endpoint, agent)
    log.info("traces_sent_to", endpoint=endpoint)
    try:
        yield Tracing(sender)
    finally:
        # A thread that the process does not wait for: the exporter may be in the middle of a
        # request to a collector that does not answer.
        goodbye = threading.Thread(target=sender.close, name="traces-goodbye", daemon=True)
        goodbye.start()
        await asyncio.to_thread(goodbye.join, GOODBYE)


def _sender(endpoint: str, agent: str) -> "SpanSender":
    from overture.span_export import SpanSender

    return SpanSender(endpoint, agent)
