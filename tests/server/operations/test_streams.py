"""Server-sent events: bounded, kept up for longer than other answers, ended with the server."""

import asyncio
from collections.abc import MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from server.host import Limits
from server.http_protocol import LONG_ANSWER, LongAnswer, bounded_http
from server.operations.event_stream import MOST_OF_KEY, sse
from tests.server.operations.conftest import Backstage
from tests.support.keys import make_keys
from tests.support.serving import PATIENCE, Serving, Stage

ALL = "/v1/outreach/events"


def test_an_event_has_the_form_of_the_standard() -> None:
    assert sse("step", '{"a": 1}', 3) == b'event: step\nid: 3\ndata: {"a": 1}\n\n'
    assert sse("missed", "{}") == b"event: missed\ndata: {}\n\n"


async def test_no_key_has_more_streams_than_its_share_and_leaving_makes_room(
    stage: Stage, backstage: Backstage
) -> None:
    with stage.serving(operations=backstage.operations) as serving:
        limits = httpx.Limits(max_connections=100)
        async with (
            asyncio.timeout(PATIENCE),
            httpx.AsyncClient(base_url=serving.http_url, limits=limits, timeout=PATIENCE) as client,
        ):
            async with AsyncExitStack() as streams:
                for _ in range(MOST_OF_KEY):
                    answer = await streams.enter_async_context(client.stream("GET", ALL))
                    assert answer.status_code == 200
                refused = await client.get(ALL)
                assert refused.status_code == 429
                assert refused.headers["retry-after"]
            while "event-stream" in serving.tasks():
                await asyncio.sleep(0)
            async with client.stream("GET", ALL) as answer:
                assert answer.status_code == 200


async def test_a_server_that_stops_ends_its_streams(stage: Stage, backstage: Backstage) -> None:
    with stage.serving(operations=backstage.operations) as serving:
        async with (
            asyncio.timeout(PATIENCE),
            httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as client,
            client.stream("GET", ALL) as answer,
        ):
            stopping = asyncio.create_task(asyncio.to_thread(serving.stop))
            # The body ends as it should: httpx raises if the connection was only cut off.
            async for line in answer.aiter_lines():
                assert line in (": here", "")
            await stopping
        assert not any(name.startswith("event-stream") for name in serving.tasks())


async def test_each_piece_that_is_read_gives_a_stream_more_time(
    open_api: Serving, backstage: Backstage
) -> None:
    prolonged: list[int] = []

    async def follow() -> list[bytes]:
        said = {"user": "long", "say": "Still here.", "key": "k"}
        async with httpx.AsyncClient(base_url=open_api.http_url, timeout=PATIENCE) as client:
            url = (await client.post("/v1/outreach", json=said)).json()["url"]
        bodies: list[bytes] = []
        stopping = asyncio.Event()

        def prolong() -> None:
            prolonged.append(len(bodies))
            if len(prolonged) == 2:
                stopping.set()

        long = LongAnswer(prolong, stopping)

        async def receive() -> dict[str, object]:
            return await asyncio.get_running_loop().create_future()

        async def send(message: MutableMapping[str, Any]) -> None:
            bodies.append(message.get("body", b""))

        scope = {
            "type": "http",
            "method": "GET",
            "path": f"{url}/events",
            "query_string": b"",
            "headers": [],
            "scheme": "http",
            "extensions": {LONG_ANSWER: long},
        }
        async with asyncio.timeout(PATIENCE):
            await open_api.app(scope, receive, send)
        return bodies

    bodies = await asyncio.to_thread(lambda: open_api.on_loop(follow))
    assert prolonged == [3, 4], "after the headers and a greeting, at each of the two steps"
    assert bodies[-1] == b""


async def test_more_time_is_another_whole_deadline() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.get_running_loop().create_future()

    config = uvicorn.Config(app, loop="none", lifespan="off")
    config.load()
    protocol = bounded_http(Limits())(config=config, server_state=ServerState(), app_state={})
    transport = Mock(spec=asyncio.Transport)
    transport.is_closing.return_value = False
    transport.get_protocol.return_value = protocol
    transport.get_extra_info.return_value = None
    protocol.connection_made(transport)
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    long = protocol.scope["extensions"][LONG_ANSWER]
    first = protocol._deadline
    long.prolong()
    second = protocol._deadline
    assert first is not None
    assert second is not None
    assert first.cancelled()
    assert second.when() > first.when()
    protocol.shutdown()
    assert long.stopping.is_set()
    protocol.connection_lost(None)
    assert second.cancelled()
    for task in protocol.tasks:
        task.cancel()
    await asyncio.wait(protocol.tasks)


async def test_a_withdrawn_key_follows_nothing_more(
    stage: Stage, backstage: Backstage, tmp_path: Path
) -> None:
    keys = make_keys(tmp_path)
    with stage.serving(operations=backstage.operations, keys=keys.ring()) as serving:
        headers = {"Authorization": f"Bearer {keys.operator}"}
        service = {"Authorization": f"Bearer {keys.service}"}
        async with (
            asyncio.timeout(PATIENCE),
            httpx.AsyncClient(base_url=serving.http_url, timeout=PATIENCE) as client,
            client.stream("GET", ALL, headers=headers) as answer,
        ):
            keys.withdraw("operator")
            said = {"user": "gone", "say": "Not for them."}
            reading = asyncio.create_task(answer.aread())
            while not reading.done():
                told = await client.post("/v1/outreach", json=said, headers=service)
                assert told.status_code == 202
            assert b"Not for them" not in reading.result()
