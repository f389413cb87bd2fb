"""Every route with everybody who may come to it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.keys import Keys, bearer, make_keys
from tests.support.serving import PATIENCE, Serving, Stage

IN, WHO, NO = "let in", 401, 403
"""Let in, whatever comes of it; not known; known, and not allowed."""

CALLERS = (
    *("nobody", "client", "operator", "service"),
    *("ann", "secret", "expired secret", "forged secret", "stranger"),
)
EVERYBODY = dict.fromkeys(CALLERS, IN)
KNOWN = dict.fromkeys(CALLERS, WHO) | dict.fromkeys(CALLERS[1:6], IN)
OPERATORS = KNOWN | dict.fromkeys(("client", "service", "ann", "secret"), NO)

ROUTES = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/static/{path:path}"): EVERYBODY,
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/v1/agent"): EVERYBODY,
    ("GET", "/console"): EVERYBODY,
    ("GET", "/metrics"): OPERATORS,
    ("POST", "/v1/realtime/client_secrets"): KNOWN | {"secret": NO},
    ("POST", "/v1/realtime/calls"): KNOWN,
    ("POST", "/v1/realtime/calls/{call_id}/hangup"): KNOWN,
    ("WEBSOCKET", "/v1/realtime"): KNOWN,
}
"""A route that is not in this table, or is not there any more, fails a test."""

EXAMPLES = {"{path:path}": "app.js", "{call_id}": "rtc_none"}


class Clock:
    """A wall clock that tests put forward."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """One of each role."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return make_keys(folder)


@pytest.fixture(scope="module")
def guarded(stage: Stage, keys: Keys) -> Iterator[tuple[Serving, dict[str, str | None]]]:
    """A server that asks for keys, and what each caller presents."""
    clock = Clock()
    with stage.serving(keys=keys.ring(), wall_clock=clock) as serving:
        expired = mint(serving, keys.service, seconds=10)
        clock.now += 11
        secret = mint(serving, keys.service, seconds=600)
        presented = {
            "nobody": None,
            "client": keys.client,
            "operator": keys.operator,
            "service": keys.service,
            "ann": keys.ann,
            "secret": secret,
            "expired secret": expired,
            "forged secret": secret[:-1] + ("A" if secret[-1] != "A" else "B"),
            "stranger": "ov_" + "x" * 43,
        }
        yield serving, presented


def mint(serving: Serving, key: str, *, seconds: int, user: str = "u42") -> str:
    """A client secret."""
    answer = httpx.post(
        f"{serving.http_url}/v1/realtime/client_secrets?user={user}",
        json={"expires_after": {"anchor": "created_at", "seconds": seconds}},
        headers=bearer(key),
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text
    value: str = answer.json()["value"]
    return value


def test_the_table_has_every_route_of_the_server(guarded: tuple[Serving, object]) -> None:
    found = set()
    for route in guarded[0].app.routes:
        if isinstance(route, Route):
            found |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
        elif isinstance(route, WebSocketRoute):
            found.add(("WEBSOCKET", route.path))
        else:
            assert isinstance(route, Mount)
            found.add(("GET", f"{route.path}/{{path:path}}"))
    assert found == set(ROUTES)


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_route_lets_in_who_may_come(
    guarded: tuple[Serving, dict[str, str | None]], caller: str
) -> None:
    serving, presented = guarded
    got = {}
    async with asyncio.timeout(PATIENCE):
        for method, path in ROUTES:
            address = path
            for name, example in EXAMPLES.items():
                address = address.replace(name, example)
            if method == "WEBSOCKET":
                status = await knock(f"{serving.ws_url}/realtime", presented[caller])
            else:
                status = await ask(method, serving.http_url + address, presented[caller])
            got[method, path] = status if status in (WHO, NO) else IN
    assert got == {route: who[caller] for route, who in ROUTES.items()}


async def ask(method: str, url: str, key: str | None) -> int:
    """The status. Nothing is wrong with an answer of 400 or 404: they were let in to hear it."""
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        answer = await http.request(method, url, headers=bearer(key))
    if answer.status_code in (401, 403):
        error = answer.json()["error"]
        assert error["code"] in {"missing_api_key", "invalid_api_key", "insufficient_permissions"}
        assert error["type"] == "invalid_request_error"
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    assert answer.status_code < 500
    return answer.status_code


async def knock(url: str, key: str | None) -> int:
    """101, or the status of a refusal."""
    try:
        async with connect(url, additional_headers=bearer(key)) as socket:
            assert "session.created" in str(await socket.recv())
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code
