"""Connections that keep the server waiting, and handshakes made to hurt: each ends, others do not
notice."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from server.host import Limits
from tests.support.keys import Keys, bearer, make_keys, offered
from tests.support.serving import PATIENCE, Serving, Stage

HOST = b"Host: 127.0.0.1\r\n"
UPGRADE = (
    HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """One of each role."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return make_keys(folder)


@pytest.fixture(scope="module")
def guarded(stage: Stage, keys: Keys) -> Iterator[Serving]:
    """A server that asks for keys, with the limits that everyone gets."""
    with stage.serving(keys=keys.ring()) as serving:
        yield serving


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def line(serving: Serving, *sent: bytes) -> AsyncIterator[Line]:
    """A bare TCP connection on which that was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    try:
        for data in sent:
            writer.write(data)
        yield reader, writer
    finally:
        writer.close()


async def end(reader: asyncio.StreamReader) -> bytes:
    """What came until the server ended the connection."""
    got = bytearray()
    async with asyncio.timeout(PATIENCE):
        try:
            while data := await reader.read(65_536):
                got += data
        except ConnectionResetError:
            pass  # cut off
    return bytes(got)


async def still_answers(serving: Serving) -> bool:
    """Whether somebody else is served. A busy machine may need several tries to be as fast as the
    servers with the shortest limits want it."""
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(timeout=PATIENCE) as http:
        while True:
            with contextlib.suppress(httpx.TransportError):
                return (await http.get(f"{serving.http_url}/healthz")).status_code == 200


async def talk(serving: Serving) -> ClientConnection:
    """A connected client; tries again as `still_answers` does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(InvalidHandshake, OSError, EOFError):
                return await connect(f"{serving.ws_url}/realtime")


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET / HTTP/1.1\r\n" + HOST, b"GET / HTTP/1.1\r\n" + UPGRADE],
    ids=["nothing", "a byte", "half the headers", "half a handshake"],
)
async def test_who_does_not_finish_their_headers_is_cut_off(stage: Stage, sent: bytes) -> None:
    with stage.serving(limits=Limits(headers_s=0.1)) as serving:
        async with line(serving, sent) as (reader, _):
            assert await end(reader) == b""
        assert await still_answers(serving)


async def test_a_byte_now_and_then_buys_no_time(stage: Stage) -> None:
    with stage.serving(limits=Limits(headers_s=0.1)) as serving:
        async with line(serving, b"GET / HTTP/1.1\r\n" + HOST) as (reader, writer):
            ended = asyncio.create_task(end(reader))
            async with asyncio.timeout(PATIENCE):
                while not ended.done():
                    writer.write(b"X-A: b\r\n")
                    await asyncio.wait([ended], timeout=0.01)
            assert await ended == b""


async def test_the_second_request_on_a_connection_has_no_longer_than_the_first(
    stage: Stage,
) -> None:
    request = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    with stage.serving(limits=Limits(headers_s=0.5)) as serving:
        async with asyncio.timeout(PATIENCE):
            while not await cut_off_in_third(serving, request):
                pass


async def cut_off_in_third(serving: Serving, request: bytes) -> bool:
    """Two whole requests and the beginning of a third. False if the machine was too slow for the
    first two."""
    async with line(serving, request) as (reader, writer):
        try:
            await reader.readuntil(b"alive")
            writer.write(request)
            await reader.readuntil(b"alive")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        writer.write(b"GET /")
        await end(reader)
        return True


async def test_who_does_not_finish_their_body_is_answered_or_cut_off(
    stage: Stage, keys: Keys
) -> None:
    head = b"POST /v1/realtime/client_secrets HTTP/1.1\r\nContent-Length: 9\r\n" + HOST + b"\r\n"
    with stage.serving(limits=Limits(request_s=0.1)) as serving:
        async with line(serving, head, b"{") as (reader, _):
            await end(reader)
        assert await still_answers(serving)


async def test_who_does_not_read_their_answer_is_cut_off(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(b"\0" * 50_000_000)
    limits = Limits(request_s=1.0)
    with stage.serving(limits=limits, static_dir=tmp_path) as serving:
        request = b"GET /static/big.bin HTTP/1.1\r\n" + HOST + b"\r\n"
        async with line(serving, request) as (reader, _):
            async with asyncio.timeout(PATIENCE):
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    await reader.readexactly(1)
                while serving.requests():
                    await asyncio.sleep(0.01)
            assert len(await end(reader)) < 50_000_000
        assert await still_answers(serving)


async def test_of_too_many_unfinished_ones_the_oldest_goes(stage: Stage) -> None:
    with stage.serving(limits=Limits(half_open=3)) as serving:
        async with contextlib.AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(line(serving, b"G")) for _ in range(4)]
            assert await end(lines[0][0]) == b""
            assert await still_answers(serving)


async def test_a_talk_is_not_on_the_doorstep(stage: Stage) -> None:
    limits = Limits(half_open=1, headers_s=0.5, request_s=0.5)
    with stage.serving(limits=limits) as serving:
        client = await talk(serving)
        async with asyncio.timeout(PATIENCE), client:
            await client.recv()
            # Others come, are served, and one that came later has already had its time.
            assert await still_answers(serving)
            async with line(serving, b"G") as (reader, _):
                await end(reader)
            await client.send('{"type": "input_audio_buffer.clear"}')
            assert "cleared" in str(await client.recv())


@pytest.mark.parametrize(
    "bomb",
    [
        b"X-A: " + b"a" * 200_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % n for n in range(20_000)),
        b"Sec-WebSocket-Protocol: " + b"a, " * 100_000 + b"b\r\n",
        b"Authorization: Bearer " + b"a" * 200_000 + b"\r\n",
        b"Cookie: " + b"\xff" * 100_000 + b"\r\n",
    ],
    ids=["a long one", "many", "subprotocols", "a long key", "no text"],
)
@pytest.mark.parametrize(
    "start",
    [
        b"GET /v1/realtime HTTP/1.1\r\n" + UPGRADE,
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n",
    ],
)
async def test_a_bomb_of_headers_opens_no_talk_and_harms_nobody(
    guarded: Serving, start: bytes, bomb: bytes
) -> None:
    async with line(guarded, start, bomb, b"\r\n") as (reader, _):
        assert b" 101 " not in await end(reader)
    assert await still_answers(guarded)


@pytest.mark.parametrize(
    "subprotocols",
    [
        b"realtime, " * 17 + b"x",
        b"a, " * 3_000 + b"b",
        b"realtime, openai-insecure-api-key.",
        b"realtime, openai-insecure-api-key." + b"k" * 5_000,
        b"realtime, openai-insecure-api-key.a, openai-insecure-api-key.b",
        b"realtime\r\nSec-WebSocket-Protocol: openai-insecure-api-key.a",
        b"openai-insecure-api-key.a\r\nAuthorization: Bearer a",
        b", ,",
        b"realtime, openai-insecure-api-key.a\x00b",
        b"realtime, openai-insecure-api-key.a b",
        b"realtime, openai-insecure-api-key.\xc3\xa9",
    ],
)
async def test_no_trick_with_subprotocols_lets_anybody_in(
    guarded: Serving, subprotocols: bytes
) -> None:
    start = b"GET /v1/realtime HTTP/1.1\r\n" + UPGRADE
    offer = b"Sec-WebSocket-Protocol: " + subprotocols + b"\r\n\r\n"
    async with line(guarded, start, offer) as (reader, _):
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 101 " in head:
                told = await reader.readuntil(b'"event_id":null')
                assert b"invalid_api_key" in told
                assert b"session.created" not in told
                assert b"Sec-WebSocket-Protocol: realtime" in head
            else:
                assert head.split()[1] in {b"400", b"401"}
    assert guarded.live_sessions() == 0


@pytest.mark.parametrize(
    "headers",
    [
        b"Authorization: Bearer %s\r\nAuthorization: Bearer stranger\r\n",
        b"Authorization: Bearer stranger\r\nAuthorization: Bearer %s\r\n",
        b"Authorization: Bearer %s, Bearer stranger\r\n",
        b"Authorization: Basic %s\r\n",
        b"Authorization: %s\r\n",
        b"X-Authorization: Bearer %s\r\n",
    ],
)
@pytest.mark.parametrize(
    "start", [b"GET /v1/realtime HTTP/1.1\r\n" + UPGRADE, b"GET /metrics HTTP/1.1\r\n" + HOST]
)
async def test_a_key_in_the_wrong_place_or_beside_another_lets_nobody_in(
    guarded: Serving, keys: Keys, start: bytes, headers: bytes
) -> None:
    presented = headers.replace(b"%s", keys.operator.encode())
    async with line(guarded, start, presented, b"\r\n") as (reader, _):
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] == b"401"


@pytest.mark.parametrize(
    "query",
    ["user=ann&user=ben", "user=ben&user=ann", "user=ben", "user=ann%26user%3Dben", "user=ann%00"],
)
async def test_no_query_makes_one_person_another(guarded: Serving, keys: Keys, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"{guarded.ws_url}/realtime?{query}", additional_headers=bearer(keys.ann)
        ):
            pass
    assert refused.value.response.status_code in {400, 403}


async def test_a_key_is_in_no_log_even_at_its_most_talkative(
    guarded: Serving,
    keys: Keys,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"{guarded.ws_url}/realtime"
    async with connect(url, subprotocols=offered(keys.client)) as socket:  # type: ignore[arg-type]
        await socket.recv()
    stranger = "ov_" + "s" * 43
    async with connect(url, subprotocols=offered(stranger)) as socket:  # type: ignore[arg-type]
        assert "invalid_api_key" in str(await socket.recv())
    with pytest.raises(InvalidStatus):
        async with connect(url, additional_headers=bearer(stranger)):
            pass
    written = "".join(capfd.readouterr())
    own = [record for record in caplog.records if not record.name.startswith("websockets.client")]
    for key in (keys.client, stranger):
        assert key not in written
        assert not [record for record in own if key in record.getMessage()]
    assert "connection_refused" in written


async def test_who_is_refused_and_does_not_leave_is_cut_off(guarded: Serving) -> None:
    start = b"GET /v1/realtime HTTP/1.1\r\n" + UPGRADE
    offer = b"Sec-WebSocket-Protocol: realtime\r\n\r\n"
    async with line(guarded, start, offer) as (reader, _):
        assert b"missing_api_key" in await end(reader)
