"""Events over HTTP: taken once, in every form, and each with an outcome."""

import base64
import time

import httpx
import pytest

from tests.server.operations.conftest import Backstage
from tests.server.operations.following import until

ERRORS = {"type", "code", "message", "param"}
CLOUD = {"specversion": "1.0", "id": "77", "source": "/shop", "type": "order.ready"}


def outcome_of(api: httpx.Client, id: str, source: str = "") -> dict:
    return until(
        lambda: api.get(f"/v1/events/{id}", params={"source": source} if source else {}).json(),
        lambda told: told["status"] == "done",
    )["outcome"]


def test_an_event_becomes_a_prompt_and_its_outcome_names_it(api: httpx.Client) -> None:
    told = {"type": "order.ready", "user": "eva", "data": {"drink": "latte"}}
    answer = api.post("/v1/events", json=told)
    assert answer.status_code == 202
    receipt = answer.json()
    assert receipt == {"id": receipt["id"], "duplicate": False}
    (prompt,) = outcome_of(api, receipt["id"])["prompts"]
    story = api.get(f"/v1/outreach/{prompt}").json()
    assert (story["user"], story["text"]) == ("eva", "Your latte is ready.")
    assert story["rule"] == "order_ready"


def test_as_curl_sends_it_without_a_content_type_of_json(api: httpx.Client) -> None:
    answer = api.post(
        "/v1/events",
        content=b'{"type":"order.ready","user":"carl"}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 202


def test_the_same_id_is_the_same_event(api: httpx.Client) -> None:
    told = {"type": "order.ready", "user": "twice", "id": "order-1", "data": {"drink": "tea"}}
    first, second = (api.post("/v1/events", json=told) for _ in range(2))
    assert first.json() == {"id": "order-1", "duplicate": False}
    assert second.json() == {"id": "order-1", "duplicate": True}
    assert second.status_code == 202
    outcome_of(api, "order-1")
    assert len(api.get("/v1/outreach", params={"user": "twice"}).json()["outreach"]) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"type": "nobody.waits", "user": "eva"},
        {"type": "order.ready", "data": {"drink": "latte"}},
        {"type": "order.ready", "user": "never seen before", "data": {"drink": "latte"}},
        {"type": "order.ready", "user": "late", "time": 1000.0, "data": {"drink": "latte"}},
        {"type": "order.ready", "user": "no drink", "data": {}},
    ],
    ids=["no rule", "no user", "unknown user", "late", "no words"],
)
def test_whatever_comes_of_an_event_is_recorded(api: httpx.Client, told: dict) -> None:
    receipt = api.post("/v1/events", json=told)
    assert receipt.status_code == 202
    assert outcome_of(api, receipt.json()["id"])


def test_a_later_event_withdraws_what_waits(api: httpx.Client) -> None:
    ready = {"type": "order.ready", "user": "quick", "data": {"drink": "tea"}}
    (prompt,) = outcome_of(api, api.post("/v1/events", json=ready).json()["id"])["prompts"]
    collected = api.post("/v1/events", json={"type": "order.collected", "user": "quick"})
    outcome_of(api, collected.json()["id"])
    assert api.get(f"/v1/outreach/{prompt}").json()["state"] == "cancelled"


def test_a_structured_cloud_event(api: httpx.Client) -> None:
    event = CLOUD | {"subject": "sue", "time": "2126-11-21T16:00:00Z", "traceparent": "00-1"}
    event |= {"datacontenttype": "application/json", "data": {"drink": "tea"}, "time": _now()}
    answer = api.post(
        "/v1/events", json=event, headers={"Content-Type": "application/cloudevents+json"}
    )
    assert answer.status_code == 202, answer.text
    (prompt,) = outcome_of(api, "77", "/shop")["prompts"]
    assert api.get(f"/v1/outreach/{prompt}").json()["user"] == "sue"
    other = api.post(
        "/v1/events",
        json=event | {"source": "/bar"},
        headers={"Content-Type": "application/cloudevents+json; charset=utf-8"},
    )
    assert not other.json()["duplicate"], "another source counts by itself"


def test_a_binary_cloud_event(api: httpx.Client) -> None:
    headers = {f"ce-{name}": value for name, value in CLOUD.items()} | {"ce-id": "78"}
    headers |= {"ce-user": "b%C3%A9a", "ce-subject": "ignored", "Content-Type": "application/json"}
    answer = api.post("/v1/events", json={"drink": "tea"}, headers=headers)
    assert answer.status_code == 202, answer.text
    (prompt,) = outcome_of(api, answer.json()["id"])["prompts"]
    assert api.get(f"/v1/outreach/{prompt}").json()["user"] == "béa"


def test_a_batch_is_taken_whole_in_its_order(api: httpx.Client) -> None:
    coded = base64.b64encode(b'{"drink": "tea"}').decode()
    batch = [CLOUD | {"id": "79", "user": "ba"}, CLOUD | {"id": "80", "data_base64": coded}]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    answer = api.post("/v1/events", json=[*batch, batch[0]], headers=headers)
    assert answer.status_code == 202, answer.text
    assert [each["duplicate"] for each in answer.json()["events"]] == [False, False, True]
    assert api.post("/v1/events", json=[], headers=headers).json() == {"events": []}


def test_a_batch_with_one_mistake_is_refused_whole(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    batch = [CLOUD | {"id": "81"}, CLOUD | {"id": "82", "specversion": "0.3"}]
    answer = api.post("/v1/events", json=batch, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "[1].specversion"
    assert api.get("/v1/events/81", params={"source": "/shop"}).status_code == 404


@pytest.mark.parametrize(
    ("told", "param"),
    [
        ({"user": "eva"}, "type"),
        ({"type": "two words", "user": "eva"}, "type"),
        ({"type": "order.ready", "usr": "eva"}, "usr"),
        ({"type": "order.ready", "user": 7}, "user"),
        ({"type": "order.ready", "user": "x" * 257}, "user"),
        ({"type": "order.ready", "data": [1]}, "data"),
        ({"type": "order.ready", "time": "yesterday"}, "time"),
        ({"type": "order.ready", "time": "2026-11-21T16:00:00"}, "time"),
        ({"type": "order.ready", "time": -1}, "time"),
        ([], None),
    ],
)
def test_a_mistake_names_its_field(api: httpx.Client, told: object, param: str | None) -> None:
    answer = api.post("/v1/events", json=told)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == ERRORS
    assert error["param"] == param


def test_what_is_too_large_or_no_json_is_told_so(api: httpx.Client) -> None:
    large = {"type": "order.ready", "data": {"drink": "x" * 70_000}}
    assert api.post("/v1/events", json=large).status_code == 413
    assert api.post("/v1/events", content=b"{").json()["error"]["code"] == "invalid_json"
    answer = api.post(
        "/v1/events", content=b"<a/>", headers={"Content-Type": "application/cloudevents+xml"}
    )
    assert answer.status_code == 415


def test_an_event_that_nobody_sent_is_not_found(api: httpx.Client) -> None:
    answer = api.get("/v1/events/never")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_bus_away_takes_events_all_the_same(api: httpx.Client, backstage: Backstage) -> None:
    backstage.bus.away = "no broker answers"
    try:
        ready = api.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["degraded"] == ["the bus (memory): no broker answers"]
        assert api.get("/v1/live").json()["bus"]["trouble"] == "no broker answers"
        assert api.post("/v1/events", json={"type": "a.b"}).status_code == 202
    finally:
        backstage.bus.away = ""
    assert api.get("/readyz").json() == {"status": "ready", "degraded": []}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
