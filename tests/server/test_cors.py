"""Pages from other origins: what their browsers are told, and whom the server listens to."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.keys import Keys, bearer, make_keys, offered
from tests.support.serving import PATIENCE, Serving, Stage

LISTED = "https://talk.example.org"
ELSEWHERE = "https://evil.example"
ROUTES = ("/v1/realtime/calls", "/v1/realtime/client_secrets")
WANTED = "authorization, content-type, x-openai-agents-sdk"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """One of each role."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return make_keys(folder)


@pytest.fixture(scope="module")
def guarded(stage: Stage, keys: Keys) -> Iterator[Serving]:
    """A server that asks for keys and knows one other origin."""
    with stage.serving(keys=keys.ring(), allowed_origins=frozenset({LISTED})) as serving:
        yield serving


@pytest.fixture
async def http(guarded: Serving) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, nearly."""
    async with httpx.AsyncClient(base_url=guarded.http_url, timeout=PATIENCE) as client:
        yield client


async def preflight(
    http: httpx.AsyncClient, path: str, origin: str, wanted: str = WANTED
) -> httpx.Response:
    """What a browser asks before it sends a page's request."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    return await http.options(path, headers=headers)


@pytest.mark.parametrize("path", ROUTES)
async def test_a_listed_page_may_send_what_stock_clients_send(
    http: httpx.AsyncClient, path: str
) -> None:
    answer = await preflight(http, path, LISTED)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == WANTED
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "", "https://talk.example.org.evil.example"])
async def test_a_page_from_elsewhere_may_not(
    http: httpx.AsyncClient, path: str, origin: str
) -> None:
    answer = await preflight(http, path, origin)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("wanted", ["x" * 100, "a;b", ", ".join(["a"] * 100), "a b"])
async def test_header_names_that_are_none_are_refused(http: httpx.AsyncClient, wanted: str) -> None:
    answer = await preflight(http, ROUTES[0], LISTED, wanted)
    assert answer.status_code == 400


async def test_a_listed_page_is_shown_the_answer_and_its_location(
    http: httpx.AsyncClient, keys: Keys
) -> None:
    answer = await http.post(ROUTES[1], json={}, headers=bearer(keys.client) | {"Origin": LISTED})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-expose-headers"] == "Location"


async def test_a_listed_page_is_shown_why_it_was_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(ROUTES[0], content=b"v=0", headers={"Origin": LISTED})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == LISTED


@pytest.mark.parametrize("path", ROUTES)
async def test_a_page_from_elsewhere_is_refused_even_with_a_key(
    http: httpx.AsyncClient, keys: Keys, path: str
) -> None:
    headers = bearer(keys.client) | {"Origin": ELSEWHERE}
    answer = await http.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "origin_not_allowed"
    assert "access-control-allow-origin" not in answer.headers


async def test_other_routes_are_shown_to_no_other_origin(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/agent", headers={"Origin": LISTED})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_socket_from_elsewhere_is_refused_even_with_a_key(
    guarded: Serving, keys: Keys
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"{guarded.ws_url}/realtime",
            origin=ELSEWHERE,  # type: ignore[arg-type]
            subprotocols=offered(keys.client),  # type: ignore[arg-type]
        ):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("own", [True, False])
async def test_a_socket_from_our_own_or_a_listed_page_is_taken(
    guarded: Serving, keys: Keys, own: bool
) -> None:
    async with connect(
        f"{guarded.ws_url}/realtime",
        origin=guarded.http_url if own else LISTED,  # type: ignore[arg-type]
        subprotocols=offered(keys.client),  # type: ignore[arg-type]
    ) as socket:
        assert "session.created" in str(await socket.recv())


async def test_with_keys_our_own_page_may_have_any_name(guarded: Serving, keys: Keys) -> None:
    async with httpx.AsyncClient(base_url=guarded.http_url, timeout=PATIENCE) as http:
        own = {"Host": "talk.example.net", "Origin": "https://talk.example.net"}
        answer = await http.post(ROUTES[1], json={}, headers=bearer(keys.client) | own)
    assert answer.status_code == 200


async def test_without_keys_a_name_made_to_point_here_is_refused(serving: Serving) -> None:
    async with httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as http:
        rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
        answer = await http.post(ROUTES[1], json={}, headers=rebound)
    assert answer.status_code == 403
