"""Every operation with everybody who may come to it: 401 without a key, 403 with a client's."""

import re
from pathlib import Path

import httpx
import pytest

from server.door import Right
from server.keys import ApiKey, Role, digest_of, new_key
from server.operations.route import EVENT_STREAM
from server.operations.table import Table
from tests.server.operations.conftest import Backstage
from tests.support.keys import Keys, bearer, make_keys
from tests.support.serving import PATIENCE, Serving, Stage

SERVICE_MAY = {
    ("POST", "/v1/events"),
    ("GET", "/v1/events/{id}"),
    ("POST", "/v1/outreach"),
    ("GET", "/v1/outreach/{id}"),
    ("GET", "/v1/outreach/{id}/events"),
    ("DELETE", "/v1/outreach/{id}"),
}
"""All else is an operator's."""


@pytest.fixture(scope="module")
def table(backstage: Backstage) -> Table:
    return Table(backstage.operations, lambda _: True)


def ask(client: httpx.Client, method: str, path: str) -> int:
    """The status; what is wrong with the question is told only to who may ask it."""
    with client.stream(method, re.sub(r"\{\w+\}", "none", path)) as answer:
        return answer.status_code


@pytest.mark.parametrize("who", ["nobody", "client", "ann", "service", "operator"])
def test_everybody_is_let_in_as_far_as_their_role_goes(
    guarded: Serving, keys: Keys, table: Table, who: str
) -> None:
    key = None if who == "nobody" else getattr(keys, who)
    with httpx.Client(base_url=guarded.http_url, headers=bearer(key), timeout=PATIENCE) as client:
        got = {
            (each.method, each.path): ask(client, each.method, each.path)
            for each in table.operations
        }
    for route, status in got.items():
        if who == "nobody":
            assert status == 401, route
        elif who in ("client", "ann") or (who == "service" and route not in SERVICE_MAY):
            assert status == 403, route
        else:
            assert status not in (401, 403), route
            assert status < 500, route


def test_a_service_of_one_person_reaches_nobody_elses(
    stage: Stage, backstage: Backstage, tmp_path: Path
) -> None:
    keys, bens = make_keys(tmp_path), new_key()
    line = ApiKey("bens", Role.SERVICE, digest_of(bens), user="ben").line()
    keys.path.write_text(f"{keys.path.read_text()}{line}\n")
    with (
        stage.serving(operations=backstage.operations, keys=keys.ring()) as serving,
        httpx.Client(base_url=serving.http_url, timeout=PATIENCE) as client,
    ):
        for user, other in (("ben", 200), ("bob", 404)):
            event = {"type": "order.paid", "user": user}
            sent = client.post("/v1/events", json=event, headers=bearer(keys.service)).json()["id"]
            prompt = {"user": user, "say": "Hello."}
            said = client.post("/v1/outreach", json=prompt, headers=bearer(keys.service))
            for path in (f"/v1/events/{sent}", f"/v1/outreach/{said.json()['id']}"):
                assert client.get(path, headers=bearer(bens)).status_code == other, path
        assert client.post("/v1/events", json=event, headers=bearer(bens)).status_code == 403


def test_the_table_of_rights_is_the_one_above(table: Table) -> None:
    publish = {(each.method, each.path) for each in table.operations if each.right is Right.PUBLISH}
    assert publish == SERVICE_MAY
    assert all(each.right in (Right.PUBLISH, Right.OPERATE) for each in table.operations)
    assert sum(each.media == EVENT_STREAM for each in table.operations) == 2


def test_the_app_has_no_route_of_the_api_beside_the_table(guarded: Serving, table: Table) -> None:
    found = {
        (method, route.path)
        for route in guarded.app.routes
        for method in (getattr(route, "methods", None) or ())
        if method != "HEAD" and route.path.startswith("/v1/")
    }
    elsewhere = ("/v1/agent", "/v1/realtime", "/v1/openapi.json")
    listed = {(each.method, each.path) for each in table.operations}
    assert {route for route in found if not route[1].startswith(elsewhere)} == listed


def test_a_page_from_elsewhere_is_kept_out(open_api: Serving) -> None:
    """On a server without keys a page of another site could else send events by a plain form."""
    answer = httpx.post(
        f"{open_api.http_url}/v1/events",
        content=b'{"type": "order.ready"}',
        headers={"Content-Type": "text/plain", "Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "origin_not_allowed"


def test_what_has_no_route_is_told_as_all_else(open_api: Serving) -> None:
    missing = httpx.get(f"{open_api.http_url}/v1/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = httpx.delete(f"{open_api.http_url}/v1/events")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["allow"]
