"""The HTTP side: the page and its headers, readiness, metrics, who is there to talk to."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.serving import PATIENCE, Serving, Stage
from tests.support.wire_client import wire_client


@pytest.fixture
async def http(serving: Serving) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, nearly."""
    async with httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as client:
        yield client


async def test_the_page_is_served_and_may_use_the_microphone(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "microphone=(self)" in answer.headers["permissions-policy"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/v1/agent", "/no/such/page"])
async def test_every_answer_has_the_security_headers(http: httpx.AsyncClient, path: str) -> None:
    headers = (await http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


async def test_a_script_that_has_not_changed_is_not_sent_again(http: httpx.AsyncClient) -> None:
    first = await http.get("/static/app.js")
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "no-cache"
    again = await http.get("/static/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


async def test_no_file_outside_the_pages_folder_is_served(http: httpx.AsyncClient) -> None:
    for path in (
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static//etc/hosts",
    ):
        assert (await http.get(path)).status_code == 404


async def test_the_page_learns_who_is_there(http: httpx.AsyncClient) -> None:
    agent = (await http.get("/v1/agent")).json()
    assert agent["id"] == "cafe"
    assert agent["name"]
    assert agent["greeting"]
    assert agent["examples"]
    assert "recognizer" in agent["engines"]


async def test_a_ready_server_says_so(http: httpx.AsyncClient) -> None:
    assert (await http.get("/readyz")).status_code == 200
    assert (await http.get("/healthz")).json() == {"status": "alive"}


async def test_a_server_that_is_not_ready_says_why(stage: Stage) -> None:
    with stage.serving(not_ready=lambda: "the recognizer is loading") as serving:
        async with httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as http:
            answer = await http.get("/readyz")
            assert answer.status_code == 503
            assert answer.json()["reason"] == "the recognizer is loading"
            assert (await http.get("/healthz")).status_code == 200


async def test_turns_sessions_and_lag_are_counted(stage: Stage) -> None:
    with stage.serving() as serving:
        async with asyncio.timeout(PATIENCE):
            async with wire_client(serving) as client:
                await client.say("thank you", output_modalities=["text"])
                metrics = await wait_for_lag(serving)
        assert "overture_sessions 1.0" in metrics
        assert "overture_sessions_begun_total 1.0" in metrics
        assert 'overture_responses_total{status="completed"} 1.0' in metrics
        assert "dialog_turn_count_total 0.0" in metrics
        assert "overture_realtime_sent_bytes_total 0.0" not in metrics


async def wait_for_lag(serving: Serving) -> str:
    """/metrics, once the event loop was measured for the first time."""
    async with httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as http:
        while True:
            metrics = (await http.get("/metrics")).text
            if "overture_event_loop_lag_seconds_count 0.0" not in metrics:
                return metrics
