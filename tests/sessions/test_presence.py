"""Everybody knows who is live where, and of a dead instance nothing is left."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sessions.connect import _in_process, connect
from sessions.presence import MAX_SESSIONS, InstanceCard, LiveAt, Presence, SessionCard
from sessions.store import StoreUnavailableError
from tests.support.redis_server import RedisServer

BEATS = "overture:instances:{beats}:at"


@pytest.fixture(params=["redis-server", "fakeredis"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    if request.param == "fakeredis":
        connection = _in_process()
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        connection = await connect(server.url, server.folder)
    yield connection.client
    await connection.aclose()


@pytest.fixture
async def presence(client: Redis) -> Presence:
    """Of the instance "one", which beats."""
    presence = Presence(client, "one")
    await presence.beat(InstanceCard(instance="one"))
    return presence


def live(session: str, user: str = "u42", *, text_only: bool = False) -> LiveAt:
    return LiveAt(session, user, "one", 0.0, text_only)


async def sessions_of(presence: Presence, user: str = "u42") -> list[str]:
    return [one.session for one in await presence.of(user)]


async def silent_for(client: Redis, instance: str, seconds: float) -> None:
    """As if the instance had last beaten so long ago."""
    await client.hset(BEATS, instance, str(float(await client.hget(BEATS, instance)) - seconds))


async def test_the_session_that_was_used_last_comes_first(presence: Presence) -> None:
    for session in ("a", "b", "c"):
        await presence.enter(live(session))
    await presence.enter(live("theirs", "u43"))
    assert await sessions_of(presence) == ["c", "b", "a"]
    await presence.touch("u42", "a")
    assert await sessions_of(presence) == ["a", "c", "b"]
    first = (await presence.of("u42"))[0]
    assert (first.user, first.instance, first.text_only) == ("u42", "one", False)


async def test_a_voice_comes_before_text(presence: Presence) -> None:
    await presence.enter(live("voice"))
    await presence.enter(live("text", text_only=True))
    assert await sessions_of(presence) == ["voice", "text"]


async def test_a_session_that_ended_is_not_there(presence: Presence) -> None:
    await presence.enter(live("a"))
    await presence.enter(live("b"))
    await presence.leave("u42", "a")
    await presence.touch("u42", "a")
    assert await sessions_of(presence) == ["b"]
    await presence.leave("u42", "b")
    await presence.leave("u42", "unknown")
    assert await sessions_of(presence) == []


async def test_a_session_that_went_on_elsewhere_is_not_removed(
    presence: Presence, client: Redis
) -> None:
    other = Presence(client, "two")
    await other.beat(InstanceCard(instance="two"))
    await presence.enter(live("a"))
    await other.enter(LiveAt("a", "u42", "two", 0.0, False))
    await other.enter(LiveAt("b", "u42", "two", 0.0, False))
    await presence.touch("u42", "a")
    await presence.leave("u42", "a")
    assert [(one.session, one.instance) for one in await presence.of("u42")] == [
        ("b", "two"),
        ("a", "two"),
    ]
    await other.leave("u42", "a")
    assert await sessions_of(presence) == ["b"]


async def test_nothing_is_left_of_who_was_live(presence: Presence, client: Redis) -> None:
    await presence.enter(live("a"))
    await presence.leave("u42", "a")
    await presence.gone()
    assert [key async for key in client.scan_iter()] == []


async def test_sessions_of_an_instance_that_fell_silent_are_nobodys(
    presence: Presence, client: Redis
) -> None:
    other = Presence(client, "two")
    await other.beat(InstanceCard(instance="two", sessions=(SessionCard(session="x", user="u42"),)))
    await other.enter(LiveAt("x", "u42", "two", 0.0, False))
    await presence.enter(live("a"))
    assert await sessions_of(presence) == ["a", "x"]
    await silent_for(client, "two", 5.1)
    assert await sessions_of(presence) == ["a"]
    assert [card.instance for card in await presence.instances()] == ["one"]
    assert await presence.sessions() == []
    await presence.beat(InstanceCard(instance="one"))
    assert await client.hkeys("overture:instances:{beats}:cards") == [b"one"]
    await other.beat(InstanceCard(instance="two"))
    assert await sessions_of(presence) == ["a", "x"]


async def test_a_late_beat_is_no_silence(presence: Presence, client: Redis) -> None:
    await presence.enter(live("a"))
    await silent_for(client, "one", 2.0)
    assert await sessions_of(presence) == ["a"]


async def test_cards_tell_of_instances_and_sessions(presence: Presence, client: Redis) -> None:
    talk = SessionCard(
        session="a", user="ü{}", transport="webrtc", since=1.5, active=2.5, floor="LISTENING",
        turns=3, last_intent="order", form="order", time_zone="Europe/London",
    )  # fmt: skip
    card = InstanceCard(
        instance="one", address="127.0.0.1:8000", started=1.0, draining=True, sessions=(talk,),
        load=0.5, bus_trouble="no broker",
    )  # fmt: skip
    await presence.beat(card)
    other = Presence(client, "two")
    await other.beat(InstanceCard(instance="two"))
    assert await other.instances() == [card, InstanceCard(instance="two")]
    assert await other.sessions() == [talk]
    await presence.gone()
    assert await other.instances() == [InstanceCard(instance="two")]


async def test_a_person_has_no_more_sessions_than_are_kept(presence: Presence) -> None:
    for number in range(MAX_SESSIONS + 5):
        await presence.enter(live(f"s{number}"))
    expected = [f"s{number}" for number in range(MAX_SESSIONS + 4, 4, -1)]
    assert await sessions_of(presence) == expected


async def test_hostile_names_stay_apart(presence: Presence) -> None:
    for user in ("u{42}", "u%7B42%7D", "u42}:live{"):
        await presence.enter(live(f"of {user}", user))
    assert await sessions_of(presence, "u{42}") == ["of u{42}"]
    assert await sessions_of(presence, "u42") == []


async def test_a_redis_that_is_away_is_told(redis_server: RedisServer) -> None:
    connection = await connect(redis_server.url, redis_server.folder)
    presence = Presence(connection.client, "one")
    redis_server.kill()
    for asked in (
        presence.enter(live("a")),
        presence.touch("u42", "a"),
        presence.of("u42"),
        presence.beat(InstanceCard(instance="one")),
        presence.instances(),
        presence.leave("u42", "a"),
        presence.gone(),
    ):
        with pytest.raises(StoreUnavailableError):
            await asked
    await connection.aclose()
