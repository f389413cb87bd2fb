"""What is counted of what sessions tell."""

import asyncio

import httpx
from prometheus_client import CollectorRegistry

from live import events as told
from live.history import Item
from server.metrics import Metrics
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import wire_client


def counted(*events: told.LiveEvent) -> CollectorRegistry:
    """A registry after these events."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for event in events:
        metrics.live_event(event)
    return registry


def test_each_stage_of_a_turn_has_its_own_histogram() -> None:
    registry = counted(told.TurnMeasured("i", {"end_of_turn": 250.0, "voice_to_voice": 400.0}))
    name = "overture_turn_stage_seconds"
    assert registry.get_sample_value(f"{name}_sum", {"stage": "voice_to_voice"}) == 0.4
    assert registry.get_sample_value(f"{name}_count", {"stage": "end_of_turn"}) == 1
    assert registry.get_sample_value(f"{name}_count", {"stage": "retrieval"}) == 0


def test_turns_and_interruptions_are_counted() -> None:
    registry = counted(
        told.TurnCommitted(Item("i"), None),
        told.ResponseEnded("r", None, "cancelled", "turn_detected"),
        told.ResponseEnded("s", None, "cancelled", "client_cancelled"),
    )
    assert registry.get_sample_value("dialog_turn_count_total") == 1
    assert registry.get_sample_value("overture_barge_ins_total") == 1
    cancelled = {"status": "cancelled"}
    assert registry.get_sample_value("overture_responses_total", cancelled) == 2


def test_close_codes_that_clients_make_up_are_one_series() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for code in (1000, 3000, 4999):
        metrics.closed(code)
    name = "overture_realtime_closes_total"
    assert registry.get_sample_value(name, {"code": "1000"}) == 1
    assert registry.get_sample_value(name, {"code": "other"}) == 2


async def test_sessions_show_by_what_they_came_by(serving: Serving) -> None:
    async def metrics() -> list[str]:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"{serving.http_url}/metrics")).text.splitlines()

    before = await metrics()
    async with asyncio.timeout(PATIENCE), wire_client(serving):
        during = await metrics()
    assert 'overture_sessions_by_transport{transport="websocket"} 0.0' in before
    assert 'overture_sessions_by_transport{transport="websocket"} 1.0' in during
    assert 'overture_sessions_by_transport{transport="webrtc"} 0.0' in during
    assert "overture_realtime_unread_bytes 0.0" in during
