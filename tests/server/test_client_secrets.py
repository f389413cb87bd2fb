"""Client secrets: what they are bound to, how long, and what is refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from openai.types.realtime import ClientSecretCreateResponse
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.host import Limits
from sessions.store import StoreUnavailableError
from tests.support.keys import Keys, bearer, make_keys, offered
from tests.support.serving import PATIENCE, Serving, Stage


class Clock:
    """A wall clock that tests put forward."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """One of each role."""
    return make_keys(tmp_path)


@pytest.fixture
def clock() -> Clock:
    """The guarded server's."""
    return Clock()


@pytest.fixture
def guarded(stage: Stage, keys: Keys, clock: Clock) -> Iterator[Serving]:
    """A server that asks for keys."""
    with stage.serving(keys=keys.ring(), wall_clock=clock) as serving:
        yield serving


@pytest.fixture
async def http(guarded: Serving) -> AsyncIterator[httpx.AsyncClient]:
    """Of a developer's backend."""
    async with httpx.AsyncClient(base_url=guarded.http_url, timeout=PATIENCE) as client:
        yield client


async def mint(http: httpx.AsyncClient, key: str | None, query: str = "", **body: Any) -> Any:
    """The answer's JSON."""
    path = "/v1/realtime/client_secrets" + query
    answer = await http.post(path, json=body, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def first_event(socket: ClientConnection) -> Any:
    """What the server says first."""
    async with asyncio.timeout(PATIENCE):
        return json.loads(await socket.recv())


async def until(socket: ClientConnection, event_type: str) -> Any:
    """The next event of that type."""
    while (event := await first_event(socket))["type"] != event_type:
        assert event["type"] != "error", event
    return event


async def refusal(url: str, secret: str) -> tuple[Any, int, str]:
    """What a browser is told: the error, the close code and its reason."""
    async with asyncio.timeout(PATIENCE), connect(url, subprotocols=offered(secret)) as socket:  # type: ignore[arg-type]
        error = await first_event(socket)
        assert error["type"] == "error"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    return error["error"], closed.value.rcvd.code, closed.value.rcvd.reason


async def test_the_sdk_makes_one_and_its_model_takes_the_answer(
    guarded: Serving, keys: Keys, clock: Clock
) -> None:
    async with AsyncOpenAI(api_key=keys.service, base_url=f"{guarded.http_url}/v1") as client:
        made = await client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 60},
            session={"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."},
            extra_query={"user": "u42"},
        )
    ClientSecretCreateResponse.model_validate(made.model_dump(), strict=True)
    assert made.value.startswith("ek_")
    assert made.expires_at == clock.now + 60
    assert made.session.type == "realtime"
    assert made.session.instructions == "Be brief."


async def test_ten_minutes_are_the_default(
    http: httpx.AsyncClient, keys: Keys, clock: Clock
) -> None:
    assert (await mint(http, keys.client))["expires_at"] == clock.now + 600


async def test_a_browser_talks_as_the_person_it_was_made_for_with_the_settings_it_was_given(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys
) -> None:
    settings = {
        "type": "realtime",
        "instructions": "Be brief.",
        "output_modalities": ["text"],
        "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
    }
    secret = (await mint(http, keys.service, "?user=u42", session=settings))["value"]
    async with connect(f"{guarded.ws_url}/realtime", subprotocols=offered(secret)) as socket:  # type: ignore[arg-type]
        assert socket.subprotocol == "realtime"
        session = (await first_event(socket))["session"]
        assert session["instructions"] == "Be brief."
        assert session["output_modalities"] == ["text"]
        assert session["audio"]["input"]["turn_detection"]["eagerness"] == "low"
        (live,) = guarded.app.state.sessions.all()
        assert live.user == "u42"
        await socket.send(json.dumps({"type": "response.create"}))
        event = await until(socket, "response.done")
        assert event["response"]["output_modalities"] == ["text"]


async def test_settings_may_be_changed_by_the_client_as_the_protocol_has_it(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys
) -> None:
    settings = {"type": "realtime", "instructions": "Be brief."}
    secret = (await mint(http, keys.service, session=settings))["value"]
    async with connect(f"{guarded.ws_url}/realtime", additional_headers=bearer(secret)) as socket:
        await first_event(socket)
        update = {"type": "session.update", "session": {"instructions": "Be long."}}
        await socket.send(json.dumps(update))
        session = (await until(socket, "session.updated"))["session"]
        assert session["instructions"] == "Be long."


async def test_one_is_good_for_several_sessions_until_it_expires(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys, clock: Clock
) -> None:
    secret = (await mint(http, keys.service))["value"]
    url = f"{guarded.ws_url}/realtime"
    async with connect(url, subprotocols=offered(secret)) as one:  # type: ignore[arg-type]
        async with connect(url, subprotocols=offered(secret)) as other:  # type: ignore[arg-type]
            assert (await first_event(one))["type"] == "session.created"
            assert (await first_event(other))["type"] == "session.created"
        clock.now += 601
        error, code, reason = await refusal(url, secret)
        assert error["code"] == "invalid_api_key"
        assert "expired at" in error["message"]
        assert (code, reason) == (1008, error["message"])
        # A session that has begun goes on.
        await one.send(json.dumps({"type": "input_audio_buffer.clear"}))
        await until(one, "input_audio_buffer.cleared")


async def test_a_session_is_found_again_with_another_secret_of_the_same_person_only(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys
) -> None:
    mine = (await mint(http, keys.service, "?user=ann"))["value"]
    again = (await mint(http, keys.service, "?user=ann"))["value"]
    theirs = (await mint(http, keys.service, "?user=ben"))["value"]
    url = f"{guarded.ws_url}/realtime?session=sess_anns"
    async with connect(url, subprotocols=offered(mine)) as old:  # type: ignore[arg-type]
        await first_event(old)
        async with connect(url, subprotocols=offered(theirs)) as intruder:  # type: ignore[arg-type]
            with pytest.raises(ConnectionClosed) as closed:
                await first_event(intruder)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert "another user's" in closed.value.rcvd.reason
        async with connect(url, subprotocols=offered(again)) as new:  # type: ignore[arg-type]
            assert (await first_event(new))["type"] == "session.created"
            with pytest.raises(ConnectionClosed):
                await first_event(old)


@pytest.mark.parametrize(
    "forged", ["ek_", "ek_x", "ek_" + "x" * 43, "ek_" + "x" * 400, "ek_" + "%" * 43]
)
async def test_a_forged_one_is_refused_as_such(guarded: Serving, forged: str) -> None:
    error, code, _ = await refusal(f"{guarded.ws_url}/realtime", forged)
    assert (error["code"], code) == ("invalid_api_key", 1008)
    assert "client secret" in error["message"]
    assert forged not in error["message"] or forged == "ek_"


async def test_another_persons_secret_is_refused(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys
) -> None:
    secret = (await mint(http, keys.service, "?user=ann"))["value"]
    url = f"{guarded.ws_url}/realtime?user=ben"
    error, _, _ = await refusal(url, secret)
    assert error["code"] == "wrong_user"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, additional_headers=bearer(secret)):
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "wrong_user"


async def test_a_persons_own_key_makes_secrets_for_that_person_only(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys
) -> None:
    secret = (await mint(http, keys.ann))["value"]
    async with connect(f"{guarded.ws_url}/realtime", subprotocols=offered(secret)) as socket:  # type: ignore[arg-type]
        await first_event(socket)
        (live,) = guarded.app.state.sessions.all()
        assert live.user == "ann"
    path = "/v1/realtime/client_secrets?user=ben"
    answer = await http.post(path, json={}, headers=bearer(keys.ann))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "wrong_user"


async def test_one_dies_with_the_key_that_made_it_and_so_do_its_sessions(
    http: httpx.AsyncClient, guarded: Serving, keys: Keys
) -> None:
    secret = (await mint(http, keys.service))["value"]
    url = f"{guarded.ws_url}/realtime"
    async with connect(url, subprotocols=offered(secret)) as socket:  # type: ignore[arg-type]
        await first_event(socket)
        keys.withdraw("service")
        error, _, _ = await refusal(url, secret)
        assert "withdrawn" in error["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await first_event(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "the key was withdrawn"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": "60"}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": True}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "expires_after.anchor"),
        ({"expires_after": 60}, "expires_after"),
        ({"session": []}, "session"),
        ({"session": {"type": "transcription"}}, "session.type"),
        ({"session": {"audio": {"output": {"speed": 9}}}}, "session.audio.output.speed"),
        ({"session": {"voice": "x"}}, "session.voice"),
        ({"user": "x"}, "user"),
        ([], None),
        ("x", None),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    http: httpx.AsyncClient, keys: Keys, body: object, param: str | None
) -> None:
    path = "/v1/realtime/client_secrets"
    answer = await http.post(path, json=body, headers=bearer(keys.client))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        ("?user=a&user=b", b"{}", 400),
        ("?user=a%20b", b"{}", 400),
        ("?model=%00", b"{}", 400),
        ("", b"{", 400),
        ("", b"\xff", 400),
        ("", b'{"session": ' + b"[" * 5_000, 400),
        ("", b" " * 300_000, 413),
    ],
)
async def test_what_is_no_request_is_refused(
    http: httpx.AsyncClient, keys: Keys, query: str, content: bytes, status: int
) -> None:
    path = "/v1/realtime/client_secrets" + query
    answer = await http.post(path, content=content, headers=bearer(keys.client))
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_a_body_without_an_announced_length_is_cut_off_too(
    http: httpx.AsyncClient, keys: Keys
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 65_536

    path = "/v1/realtime/client_secrets"
    answer = await http.post(path, content=endless(), headers=bearer(keys.client))
    assert answer.status_code == 413


async def test_one_key_cannot_fill_redis_with_secrets(http: httpx.AsyncClient, keys: Keys) -> None:
    path = "/v1/realtime/client_secrets"
    statuses = [
        (await http.post(path, json={}, headers=bearer(keys.ann))).status_code for _ in range(20)
    ]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert (await http.post(path, json={}, headers=bearer(keys.client))).status_code == 200


async def test_a_server_without_keys_makes_them_too_and_holds_them_to_it(stage: Stage) -> None:
    with stage.serving() as serving:
        async with httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as http:
            secret = (await mint(http, None, "?user=u42"))["value"]
        url = f"{serving.ws_url}/realtime"
        async with connect(url, subprotocols=offered(secret)) as socket:  # type: ignore[arg-type]
            assert (await first_event(socket))["type"] == "session.created"
        error, _, _ = await refusal(url, secret[:-1] + "!")
        assert error["code"] == "invalid_api_key"


class NoStore:
    """A Redis that is away."""

    async def keep(self, digest: str, document: bytes, ttl_s: int) -> None:
        """Does not."""
        raise StoreUnavailableError("Redis: away")

    async def find(self, digest: str) -> bytes | None:
        """Does not."""
        raise StoreUnavailableError("Redis: away")


async def test_while_redis_is_away_keys_are_good_and_secrets_are_for_later(
    stage: Stage, keys: Keys
) -> None:
    with stage.serving(keys=keys.ring(), client_secrets=NoStore()) as serving:
        url = f"{serving.ws_url}/realtime"
        async with connect(url, additional_headers=bearer(keys.client)) as socket:
            assert (await first_event(socket))["type"] == "session.created"
        _, code, reason = await refusal(url, "ek_" + "x" * 43)
        assert code == 1013
        assert "try again" in reason
        async with httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as http:
            path = "/v1/realtime/client_secrets"
            answer = await http.post(path, json={}, headers=bearer(keys.client))
            assert answer.status_code == 503
            assert answer.headers["retry-after"]


async def test_a_person_has_so_many_sessions_and_no_more(stage: Stage, keys: Keys) -> None:
    limits = Limits(sessions_per_user=1)
    with stage.serving(keys=keys.ring(), limits=limits) as serving:
        url = f"{serving.ws_url}/realtime"
        async with connect(url, additional_headers=bearer(keys.ann)) as first:
            await first_event(first)
            async with connect(url, additional_headers=bearer(keys.ann)) as second:
                with pytest.raises(ConnectionClosed) as closed:
                    await first_event(second)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
            assert "this user" in closed.value.rcvd.reason
            async with connect(url, additional_headers=bearer(keys.client)) as other:
                assert (await first_event(other))["type"] == "session.created"
