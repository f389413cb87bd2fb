"""The function with which programs tell of events, against a server of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from overture.events import Published, PublishError, publish_event
from server.host import Limits
from server.run import bind, make_server

PATIENCE = 30.0


@asynccontextmanager
async def server(endpoint: Callable[[Request], Awaitable[Response]]) -> AsyncIterator[str]:
    """Its URL; it answers POST /v1/events so."""
    app = Starlette(routes=[Route("/v1/events", endpoint, methods=["POST"])])
    up = asyncio.Event()
    running: uvicorn.Server = make_server(app, Limits(), up.set)
    with bind("127.0.0.1", 0) as listening:
        task = asyncio.create_task(running.serve(sockets=[listening]))
        await up.wait()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        running.should_exit = True
        await task


async def test_it_is_sent_again_as_the_same_event_until_the_server_has_it() -> None:
    told = []

    async def busy_at_first(request: Request) -> Response:
        told.append((orjson.loads(await request.body()), request.headers.get("authorization")))
        if len(told) < 3:
            return JSONResponse({"error": {"message": "Redis is away"}}, 503)
        return JSONResponse({"id": told[-1][0]["id"], "duplicate": False}, 202)

    async with asyncio.timeout(PATIENCE), server(busy_at_first) as url:
        published = await publish_event(
            "order.ready", user="u42", data={"drink": "latte"}, url=url, key="ov_k"
        )
    assert told == [told[0]] * 3
    event, key = told[0]
    assert key == "Bearer ov_k"
    assert event == {
        "type": "order.ready",
        "user": "u42",
        "data": {"drink": "latte"},
        "id": published.id,
    }
    assert published == Published(event["id"], duplicate=False)


async def test_what_the_server_refuses_is_not_sent_again() -> None:
    asked = []

    async def refuses(request: Request) -> Response:
        asked.append(request)
        return JSONResponse({"error": {"message": "there is no field 'usr'"}}, 400)

    async with asyncio.timeout(PATIENCE), server(refuses) as url:
        with pytest.raises(PublishError, match="no field 'usr'") as refused:
            await publish_event("order.ready", url=url)
    assert refused.value.status == 400
    assert len(asked) == 1


async def test_a_server_that_is_away_is_told_of() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PublishError, match="cannot be reached"):
            await publish_event("a.b", url=f"http://127.0.0.1:{port}", within_s=0.3)
