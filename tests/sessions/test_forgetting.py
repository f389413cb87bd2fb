"""A person who is forgotten is nowhere any more, and does not come back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import pytest
from redis.asyncio import Redis

from outreach.claims import Claim
from outreach.inbox import Event, Inbox
from outreach.ledger import Ledger
from outreach.people import Consent, People
from outreach.prompt import Outreach, outreach_id
from outreach.states import State
from sessions.connect import _in_process, connect
from sessions.context import Item, SessionContext, new_context
from sessions.forgetting import (
    forget_in_journal,
    forget_in_redis,
    journal_files,
    redis_keys,
)
from sessions.presence import LiveAt, Presence
from sessions.redis import RedisSessionStore, forgotten_key, key_of
from sessions.writer import SessionWriter
from tests.support.redis_server import RedisServer


@pytest.fixture(params=["redis-server", "fakeredis"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    if request.param == "fakeredis":
        connection = _in_process()
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        connection = await connect(server.url, server.folder)
    yield connection.client
    await connection.aclose()


def context(session_id: str, user: str = "u42") -> SessionContext:
    return new_context(session_id=session_id, user=user, agent="cafe", agent_version="abc")


async def stored(client: Redis) -> set[str]:
    return {key.decode() async for key in client.scan_iter()}


async def test_everything_of_a_person_goes_and_nothing_of_others(client: Redis) -> None:
    store = RedisSessionStore(client)
    for number in range(3):
        await store.save(context(f"mine{number}"))
    await store.save(context("theirs", "u43"))
    await client.zadd("overture:{u42}:mailbox", {"o1": 1.0})
    await client.hset("overture:{u42}:outreach:o1", "state", "heard")
    await client.zadd("overture:{u4}:mailbox", {"o2": 1.0})
    await client.set("overture:client-secret:{d}", b'{"user": "u42", "role": "client"}')
    await client.set("overture:lock:scheduler", b"token")
    await client.set("another:application", b'{"user": "u42"}')
    found = await redis_keys(client, "u42")
    assert await forget_in_redis(client, "u42") == found
    assert set(found) == {
        *(key_of(f"mine{number}") for number in range(3)),
        "overture:{u42}:mailbox",
        "overture:{u42}:outreach:o1",
        "overture:client-secret:{d}",
    }
    assert await stored(client) == {
        key_of("theirs"),
        "overture:{u4}:mailbox",
        "overture:lock:scheduler",
        "another:application",
        forgotten_key("u42"),
    }


async def test_documents_of_any_version_are_found(client: Redis) -> None:
    await client.set(key_of("old"), b'{"version": 0, "user": "u42"}')
    await client.set(key_of("new"), b'{"version": 99, "user": "u42", "mood": "good"}')
    await client.set(key_of("broken"), b"nonsense")
    await client.lpush(key_of("odd"), "u42")
    assert await redis_keys(client, "u42") == [key_of("new"), key_of("old")]


async def test_many_sessions_are_looked_through(client: Redis) -> None:
    async with client.pipeline(transaction=False) as together:
        for number in range(1200):
            user = "u42" if number % 7 == 0 else f"u{number}x"
            together.set(key_of(f"s{number}"), context(f"s{number}", user).to_json())
        await together.execute()
    assert len(await forget_in_redis(client, "u42")) == 172
    assert len(await redis_keys(client, "u42")) == 0


async def test_a_live_conversation_does_not_write_them_back(client: Redis) -> None:
    store = RedisSessionStore(client)
    live = context("live")
    await store.save(live)
    await forget_in_redis(client, "u42")
    await store.save(live.with_item(Item(id="i", role="user", text="a latte", at=1.0)))
    assert await store.load("live") is None


async def test_what_waited_to_be_written_is_erased_too(client: Redis) -> None:
    async with SessionWriter(RedisSessionStore(client)) as writer:
        writer.save(context("waiting"))
        await forget_in_redis(client, "u42")
        await writer.drained()
        assert await writer.load("waiting") is None


async def test_who_comes_back_afterwards_is_remembered_again(client: Redis) -> None:
    store = RedisSessionStore(client)
    await forget_in_redis(client, "u42")
    later = context("later").model_copy(update={"began": context("x").began + 5})
    await store.save(later)
    assert await store.load("later") == later


async def test_a_context_of_the_first_version_that_is_live_is_forgotten(client: Redis) -> None:
    store = RedisSessionStore(client)
    await forget_in_redis(client, "u42")
    await store.save(context("first").model_copy(update={"began": 0.0}))
    assert await store.load("first") is None


async def test_saving_and_forgetting_at_once_leaves_nothing(client: Redis) -> None:
    store = RedisSessionStore(client)
    lives = [context(f"s{number}") for number in range(40)]

    async def talk(live: SessionContext) -> None:
        for number in range(10):
            item = Item(id=f"i{number}", role="user", text="hello", at=1.0)
            await store.save(live.with_item(item))

    async with asyncio.TaskGroup() as talking:
        for live in lives:
            talking.create_task(talk(live))
        talking.create_task(forget_in_redis(client, "u42"))
    for live in lives:
        await store.save(live)
    assert await stored(client) == {forgotten_key("u42")}


async def test_whatever_is_kept_of_prompts_and_events_goes_too(client: Redis) -> None:
    ledger, inbox = Ledger(client, "one"), Inbox(client)
    for user in ("u[4]*{2}", "u4"):
        now = time()
        for number in range(3):
            outreach = Outreach(
                id=outreach_id("order_ready", user, str(number)),
                user=user,
                rule="order_ready",
                text="Your latte is ready.",
                born=now,
                due=now,
                expires=now + 60,
                convert_on=("order.collected",),
            )
            await ledger.open(outreach, State.PUBLISHED)
        claim = await ledger.reserve(user, outreach.id, "one/s1")
        assert isinstance(claim, Claim)
        await ledger.begin(claim)
        await ledger.report(claim, State.HEARD)
        await People(client).seen(user, "Europe/London")
        await Consent(client).refuse(user, "orders", "themself")
        await inbox.accept(Event(id=f"of {user}", type="order.ready", user=user, time=now))
        await Presence(client, "one").enter(LiveAt("s1", user, "one", 0, False))
    await ledger.aclose()
    await forget_in_redis(client, "u[4]*{2}")
    left = {key: await contents(client, key) async for key in client.scan_iter()}
    mine = outreach_id("order_ready", "u[4]*{2}", "1").encode()
    told = {key for key, text in left.items() if b"u[4]" in key + text or mine in key + text}
    assert told == {forgotten_key("u[4]*{2}").encode()}
    assert len(await ledger.search(user="u4")) == len(await ledger.search()) == 3
    assert [event.user for event in await inbox.waiting(0)] == ["u4"]


async def contents(client: Redis, key: bytes) -> bytes:
    """All that is stored under a key, as one text."""
    kind = await client.type(key)
    if kind == b"zset":
        return repr(await client.zrange(key, 0, -1)).encode()
    if kind == b"hash":
        return repr(await client.hgetall(key)).encode()
    if kind == b"set":
        return repr(await client.smembers(key)).encode()
    return await client.get(key) or b""


def record(folder: Path, day: str, name: str, heading: str) -> Path:
    path = folder / day / f"{name}.120000-000000.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(heading + "\n")
    return path


async def test_records_of_a_person_go_and_nothing_of_others(tmp_path: Path) -> None:
    mine = [
        record(tmp_path, "2026-05-04", "a", '{"format": 1, "user": "u42"}'),
        record(tmp_path, "2026-05-05", "b", '{"format": 99, "user": "u42"}'),
    ]
    others = [
        record(tmp_path, "2026-05-05", "c", '{"format": 1, "user": "u43"}'),
        record(tmp_path, "2026-05-05", "d", "nonsense about u42"),
    ]
    assert journal_files(tmp_path, "u42") == mine
    assert await forget_in_journal(tmp_path, "u42") == mine
    assert [path.exists() for path in (*mine, *others)] == [False, False, True, True]


async def test_no_journal_is_no_error(tmp_path: Path) -> None:
    assert await forget_in_journal(tmp_path / "nowhere", "u42") == []
