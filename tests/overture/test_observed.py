"""A server as people start it: what it does is in /metrics and in traces."""

import asyncio
from pathlib import Path

import httpx
import pytest
from openai import AsyncOpenAI

from tests.support.fake_otlp import attributes_of, collecting
from tests.support.overture_process import free_port, overture_serving
from tests.support.serving import PATIENCE

QUESTION = "When do you close on Sunday?"


async def ask(address: str) -> str:
    """A typed question's answer."""
    client = AsyncOpenAI(api_key="none", base_url=f"{address}/v1")
    async with asyncio.timeout(PATIENCE), client.realtime.connect(model="cafe") as talk:
        part = {"type": "input_text", "text": QUESTION}
        await talk.conversation.item.create(
            item={"type": "message", "role": "user", "content": [part]}  # type: ignore[list-item]
        )
        await talk.response.create(response={"output_modalities": ["text"]})
        async for event in talk:
            if event.type == "response.output_text.done":
                return event.text
    raise AssertionError("the server left without an answer")


async def test_a_question_shows_in_metrics_and_in_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OVERTURE_OTLP_ENDPOINT", collector.address)
        monkeypatch.setenv("OVERTURE_RECOGNIZER", "scripted")
        with overture_serving(tmp_path / "data", free_port()) as address:
            answer = await ask(address)
            async with httpx.AsyncClient() as http:
                metrics = (await http.get(f"{address}/metrics")).text
        (span,) = collector.until_spans(1)
    assert "5" in answer
    lines = metrics.splitlines()
    assert "rag_request_duration_seconds_count 1.0" in lines
    assert 'overture_sessions_by_transport{transport="webrtc"} 0.0' in lines
    assert 'overture_engine_requests{port="answerer"} 0.0' in lines
    assert 'overture_queue_length{queue="session_writes"}' in metrics
    assert 'overture_responses_total{status="completed"} 1.0' in lines
    assert "overture_bus_trouble 0.0" in lines
    assert span.name == "request"
    attributes = attributes_of(span)
    assert attributes["overture.response.status"] == "completed"
    assert not any(word in str(attributes) for word in ("Sunday", answer))
