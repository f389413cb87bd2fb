"""The contract of session stores, over a real redis-server and over fakeredis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sessions.connect import connect
from sessions.context import Item, SessionContext, UnreadableContextError, new_context
from sessions.redis import RedisSessionStore, key_of
from sessions.store import StoreUnavailableError
from tests.support.redis_server import RedisServer

TTL_S = 100


@pytest.fixture(params=["redis-server", "fakeredis"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    """Each kind of client that `connect` hands out."""
    if request.param == "fakeredis":
        from sessions.connect import _in_process

        connection = _in_process()
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        connection = await connect(server.url, server.folder)
    yield connection.client
    await connection.aclose()


@pytest.fixture
def store(client: Redis) -> RedisSessionStore:
    return RedisSessionStore(client, ttl_s=TTL_S)


def context(session_id: str = "s1") -> SessionContext:
    return new_context(session_id=session_id, user="u42", agent="cafe", agent_version="abc")


async def test_what_was_saved_is_loaded(store: RedisSessionStore) -> None:
    kept = context().with_item(Item(id="i", role="user", text="a latte", at=1.0))
    await store.save(kept)
    assert await store.load("s1") == kept


async def test_an_unknown_session_is_none(store: RedisSessionStore) -> None:
    assert await store.load("nobody") is None


async def test_a_later_save_replaces_the_earlier(store: RedisSessionStore) -> None:
    await store.save(context())
    await store.save(later := context().with_form({"intent": "order"}))
    assert await store.load("s1") == later


async def test_sessions_are_apart(store: RedisSessionStore) -> None:
    await store.save(one := context("s1"))
    await store.save(two := context("s2"))
    assert (await store.load("s1"), await store.load("s2")) == (one, two)


async def test_a_forgotten_session_is_gone_and_forgetting_twice_is_no_error(
    store: RedisSessionStore,
) -> None:
    await store.save(context())
    await store.forget("s1")
    await store.forget("s1")
    assert await store.load("s1") is None


async def test_a_session_lives_for_a_while_after_its_last_save(
    store: RedisSessionStore, client: Redis
) -> None:
    await store.save(context())
    assert TTL_S - 5 < await client.ttl(key_of("s1")) <= TTL_S


async def test_loading_renews_a_session(store: RedisSessionStore, client: Redis) -> None:
    await store.save(context())
    await client.expire(key_of("s1"), 10)
    await store.load("s1")
    assert TTL_S - 5 < await client.ttl(key_of("s1")) <= TTL_S


async def test_an_expired_session_is_unknown(store: RedisSessionStore, client: Redis) -> None:
    await store.save(context())
    await client.pexpire(key_of("s1"), 0)
    assert await store.load("s1") is None


async def test_a_document_of_another_version_is_refused_and_kept(
    store: RedisSessionStore, client: Redis
) -> None:
    await client.set(key_of("s1"), b'{"version": 99}')
    with pytest.raises(UnreadableContextError):
        await store.load("s1")
    assert await client.get(key_of("s1")) == b'{"version": 99}'


async def test_a_wrong_type_in_redis_is_an_unavailable_store(
    store: RedisSessionStore, client: Redis
) -> None:
    await client.lpush(key_of("s1"), "x")
    with pytest.raises(StoreUnavailableError):
        await store.load("s1")


async def test_a_server_that_is_gone_is_an_unavailable_store(redis_server: RedisServer) -> None:
    connection = await connect(redis_server.url, redis_server.folder)
    redis_server.kill()
    store = RedisSessionStore(connection.client)
    with pytest.raises(StoreUnavailableError):
        await store.save(context())
    with pytest.raises(StoreUnavailableError):
        await store.load("s1")
    with pytest.raises(StoreUnavailableError):
        await store.forget("s1")
    await connection.aclose()
