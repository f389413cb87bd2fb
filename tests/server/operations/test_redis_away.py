"""Redis away: nothing is taken, and whoever asks is told when to come back."""

import httpx
import pytest
from redis.exceptions import ConnectionError as AwayError

from tests.server.operations.conftest import Backstage


@pytest.fixture
def away(backstage: Backstage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection that is asked for is refused."""

    async def refused(*_: object, **__: object) -> None:
        raise AwayError("connection refused")

    monkeypatch.setattr(backstage.redis.connection_pool, "get_connection", refused)


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/events", {"type": "order.ready", "user": "u42"}),
        ("GET", "/v1/events/some", None),
        ("POST", "/v1/outreach", {"user": "u42", "say": "Hello."}),
        ("GET", "/v1/outreach", None),
        ("GET", "/v1/outreach/out_0000000000000000", None),
        ("GET", "/v1/outreach/out_0000000000000000/events", None),
        ("PUT", "/v1/outreach/switch", {"stopped": True}),
        ("GET", "/v1/live", None),
        ("GET", "/v1/users", None),
        ("PUT", "/v1/users/u42", {"name": "Ann"}),
        ("GET", "/v1/rules", None),
    ],
)
def test_what_needs_redis_says_when_to_ask_again(
    api: httpx.Client, method: str, path: str, body: object
) -> None:
    answer = api.request(method, path, json=body) if body else api.request(method, path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["error"]["type"] == "server_error"
