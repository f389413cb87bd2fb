"""Write-behind: the talk never waits, the store gets the latest, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from sessions.connect import connect
from sessions.context import Item, SessionContext, new_context
from sessions.redis import RedisSessionStore
from sessions.store import StoreUnavailableError
from sessions.writer import SessionWriter
from tests.support.redis_server import RedisServer


def context(session_id: str = "s1", said: str = "") -> SessionContext:
    fresh = new_context(session_id=session_id, user="u42", agent="cafe", agent_version="abc")
    return fresh.with_item(Item(id="i", role="user", text=said, at=1.0)) if said else fresh


@pytest.fixture
async def store(redis_server: RedisServer) -> AsyncIterator[RedisSessionStore]:
    connection = await connect(redis_server.url, redis_server.folder)
    yield RedisSessionStore(connection.client)
    await connection.aclose()


def writer_on(store: RedisSessionStore, **options: int) -> SessionWriter:
    """With a short patience, so that tests wait for events and not for minutes."""
    return SessionWriter(store, timeout_s=0.3, retry_s=0.01, max_retry_s=0.05, **options)


async def until_it_failed(writer: SessionWriter, times: int = 1) -> None:
    """Returns once that many writes have failed."""
    goal = writer.failures + times
    while writer.failures < goal:
        await asyncio.sleep(0)


async def test_a_saved_context_reaches_the_store(store: RedisSessionStore) -> None:
    async with writer_on(store) as writer:
        writer.save(kept := context())
        await writer.drained()
        assert await store.load("s1") == kept
        assert writer.written == 1


async def test_only_the_latest_of_a_session_is_written(store: RedisSessionStore) -> None:
    async with writer_on(store) as writer:
        for number in range(100):
            writer.save(context(said=str(number)))
        await writer.drained()
        assert writer.written == 1
        loaded = await store.load("s1")
        assert loaded is not None
        assert loaded.items[0].text == "99"


async def test_what_is_not_written_yet_is_already_loaded(store: RedisSessionStore) -> None:
    async with writer_on(store) as writer:
        writer.save(kept := context())
        assert await store.load("s1") is None
        assert await writer.load("s1") == kept


async def test_a_forgotten_session_does_not_come_back(store: RedisSessionStore) -> None:
    async with writer_on(store) as writer:
        writer.save(context())
        writer.forget("s1")
        assert await writer.load("s1") is None
        await writer.drained()
        assert await store.load("s1") is None


async def test_leaving_writes_what_waits(store: RedisSessionStore) -> None:
    async with writer_on(store) as writer:
        writer.save(kept := context())
    assert await store.load("s1") == kept


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_what_was_said_while_redis_was_gone_is_written_when_it_is_back(
    store: RedisSessionStore, redis_server: RedisServer, how: str
) -> None:
    async with writer_on(store) as writer:
        writer.save(context("before"))
        await writer.drained()
        with capture_logs() as logs:
            redis_server.kill() if how == "killed" else redis_server.freeze()
            for number in range(20):
                writer.save(context(f"s{number % 5}", said=str(number)))
            await until_it_failed(writer, times=3)
            assert writer.waiting == 5
            redis_server.start() if how == "killed" else redis_server.thaw()
            await writer.drained()
        assert writer.given_up == 0
        for number in range(5):
            loaded = await store.load(f"s{number}")
            assert loaded is not None
            assert loaded.items[0].text == str(15 + number)
        assert await store.load("before") is not None
        assert [entry["log_level"] for entry in logs] == ["warning", "info"]


async def test_loading_from_a_frozen_redis_ends_with_an_error(
    store: RedisSessionStore, redis_server: RedisServer
) -> None:
    async with writer_on(store) as writer:
        redis_server.freeze()
        with pytest.raises(StoreUnavailableError):
            await writer.load("s1")
        redis_server.thaw()


async def test_the_wait_is_bounded_and_what_is_given_up_is_counted_and_said_once(
    store: RedisSessionStore, redis_server: RedisServer
) -> None:
    redis_server.kill()
    with capture_logs() as logs:
        async with writer_on(store, max_waiting=3) as writer:
            for number in range(5):
                writer.save(context(f"s{number}"))
            assert writer.waiting == 3
            assert writer.given_up == 2
    assert writer.given_up == 5
    events = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert events == [
        "too many session contexts wait; the oldest is given up",
        "session contexts were not written before the end",
    ]


async def test_a_context_that_cannot_be_written_does_not_hold_up_the_others() -> None:
    class Picky:
        """A store with a defect: it fails on one session, whatever is tried."""

        saved: list[str]

        def __init__(self) -> None:
            self.saved = []

        async def load(self, session_id: str) -> SessionContext | None:
            return None

        async def save(self, context: SessionContext) -> None:
            if context.id == "bad":
                raise ZeroDivisionError
            self.saved.append(context.id)

        async def forget(self, session_id: str) -> None:
            return None

    store = Picky()
    async with SessionWriter(store) as writer:
        writer.save(context("bad"))
        writer.save(context("good"))
        await writer.drained()
    assert store.saved == ["good"]
    assert writer.given_up == 1
