"""Traces leave by OTLP, and a collector that is away harms nobody."""

import subprocess
import sys

import pytest

from live import events as told
from live.history import Item
from overture.span_export import SpanSender, traces_url
from overture.tracing import Tracing, tracing
from overture.turn_trace import Span, TurnSpans
from tests.support.fake_otlp import attributes_of, collecting
from tests.support.overture_process import free_port

TURN = TurnSpans(
    Span("turn", 1_800_000_000.0, 1_800_000_003.0, {"session.id": "sess_1"}),
    (Span("recognition", 1_800_000_001.0, 1_800_000_001.05),),
)


async def test_a_turn_arrives_at_the_collector_with_its_stages_inside() -> None:
    with collecting() as collector:
        async with tracing(collector.address, "cafe") as traces:
            follow = traces.listener("sess_1", lambda _: None)
            follow(told.SpeechStarted("item_u", 100))
            follow(told.TurnCommitted(Item("item_u", "user"), None))
            follow(told.ResponseBegun("resp_1", audio=True))
            follow(told.TurnMeasured("item_a", {"end_of_turn": 200.0, "recognition": 50.0}))
            follow(told.ResponseEnded("resp_1", None, "completed"))
        spans = {span.name: span for span in collector.until_spans(5)}
    assert set(spans) == {"turn", "endpointing", "recognition", "first audio", "playout"}
    turn = spans.pop("turn")
    assert attributes_of(turn)["overture.turn.id"] == "item_u"
    assert all(span.parent_span_id == turn.span_id for span in spans.values())
    assert {span.trace_id for span in spans.values()} == {turn.trace_id}
    assert collector.resources[0]["service.name"] == "overture"
    assert collector.resources[0]["overture.agent"] == "cafe"


def test_times_are_those_of_the_turn() -> None:
    with collecting() as collector:
        sender = SpanSender(collector.address, "cafe")
        sender.send(TURN)
        sender.close()
        spans = {span.name: span for span in collector.until_spans(2)}
    recognition = spans["recognition"]
    assert recognition.start_time_unix_nano == pytest.approx(1_800_000_001 * 10**9, abs=1000)
    took = recognition.end_time_unix_nano - recognition.start_time_unix_nano
    assert took == pytest.approx(50 * 10**6, abs=1000)


async def test_listeners_hear_everything_whether_traced_or_not() -> None:
    heard: list[told.LiveEvent] = []
    event = told.SpeechStarted("item_u", 100)
    Tracing().listener("s", heard.append)(event)
    with collecting() as collector:
        async with tracing(collector.address, "cafe") as traces:
            traces.listener("s", heard.append)(event)
    assert heard == [event, event]


async def test_a_collector_that_is_not_there_costs_only_the_traces() -> None:
    async with tracing(f"http://127.0.0.1:{free_port()}", "cafe") as traces:
        follow = traces.listener("sess_1", lambda _: None)
        for turn in range(5000):  # more than may wait
            follow(told.ResponseBegun(f"resp_{turn}", audio=True))
            follow(told.ResponseEnded(f"resp_{turn}", None, "completed"))


async def test_a_collector_that_refuses_is_told_of_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with collecting() as collector:
        collector.status = 400
        sender = SpanSender(collector.address, "cafe")
        for _ in range(600):  # several batches
            sender.send(TURN)
        collector.until_requests(2)
        sender.close()
    said = "".join(capsys.readouterr()).splitlines()
    # A sender of another test, whose collector is away, may still be saying goodbye.
    host = collector.address.removeprefix("http://")
    assert sum("traces_not_taken" in line and host in line for line in said) == 1


def test_opentelemetry_is_not_imported_where_no_collector_is_named() -> None:
    code = "import sys, overture.serve; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://example.org/otlp", "https://example.org/otlp/v1/traces"),
        ("https://example.org/v1/traces", "https://example.org/v1/traces"),
    ],
)
def test_traces_go_below_the_collectors_address(endpoint: str, url: str) -> None:
    assert traces_url(endpoint) == url
