"""Whatever is sent, an answer comes that says what is wrong: never a 500."""

import string

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: "Infinity" not in repr(value))
FIELDS = ("type", "user", "data", "id", "time", "source", "say", "text", "key", "ttl_s", "agreed")
FIELDS += ("stopped", "why", "status", "attributes", "time_zone", "specversion", "subject")
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8)
ROUTES = (
    ("POST", "/v1/events"),
    ("POST", "/v1/outreach"),
    ("PUT", "/v1/rules/fuzzed"),
    ("POST", "/v1/rules/check"),
    ("POST", "/v1/rules/order_ready/status"),
    ("POST", "/v1/rules/order_ready/preview"),
    ("POST", "/v1/rules/order_ready/test"),
    ("PUT", "/v1/users/fuzz"),
    ("PUT", "/v1/users/fuzz/consent/fuzz"),
)
MEDIA = ("application/json", "application/cloudevents+json", "application/cloudevents-batch+json")
MEDIA += ("application/yaml", "text/plain", "")
quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def answered(answer: httpx.Response) -> None:
    """With what it asks for, or with what is wrong."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"type", "code", "message", "param"}


@quick
@given(route=st.sampled_from(ROUTES), media=st.sampled_from(MEDIA), body=BODIES)
def test_any_json(api: httpx.Client, route: tuple[str, str], media: str, body: object) -> None:
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    answered(api.request(*route, content=content, headers={"Content-Type": media}))


@quick
@given(route=st.sampled_from(ROUTES), media=st.sampled_from(MEDIA), body=st.binary(max_size=400))
def test_any_bytes(api: httpx.Client, route: tuple[str, str], media: str, body: bytes) -> None:
    answered(api.request(*route, content=body, headers={"Content-Type": media}))


HEADER = st.text(string.ascii_letters + string.digits + '%"\\ +-./:äé', max_size=30).map(str.strip)


@quick
@given(
    attributes=st.dictionaries(
        st.sampled_from(["id", "source", "type", "subject", "user", "time", "data", "x"]), HEADER
    ),
    version=st.sampled_from(["1.0", "0.3", "%ff"]),
)
def test_any_binary_cloud_event(
    api: httpx.Client, attributes: dict[str, str], version: str
) -> None:
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    encoded = {
        name.encode(): value.encode("latin-1")
        for name, value in (headers | {"ce-specversion": version}).items()
    }
    answered(api.post("/v1/events", headers=list(encoded.items())))


@quick
@given(
    query=st.dictionaries(
        st.sampled_from(["user", "rule", "state", "text", "before", "limit", "cursor"]),
        st.text(max_size=40) | st.integers().map(str) | st.floats().map(repr),
    ),
    path=st.sampled_from(["/v1/outreach", "/v1/users"]),
)
def test_any_query(api: httpx.Client, query: dict[str, str], path: str) -> None:
    answered(api.get(path, params=query))


@quick
@given(name=st.text(min_size=1, max_size=300))
def test_anybody(api: httpx.Client, name: str) -> None:
    from urllib.parse import quote

    address = quote(name, safe="", errors="replace")
    for path in (f"/v1/users/{address}", f"/v1/events/{address}", f"/v1/outreach/{address}"):
        answered(api.get(path))


@pytest.mark.parametrize("depth", [33, 200, 300, 900, 5000])
def test_data_that_others_could_not_read_again(api: httpx.Client, depth: int) -> None:
    body = b'{"type": "a.b", "data": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
    answer = api.post("/v1/events", content=body)
    answered(answer)
    assert answer.status_code == 400
