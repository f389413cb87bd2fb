"""What bounds a client: how fast it may be, how far behind, and from where."""

import asyncio

import pytest

from server.origins import is_allowed
from server.realtime.outbox import Outbox
from server.realtime.query import QueryError, parse_query
from server.realtime.rates import Allowance


def test_a_burst_is_allowed_once_and_then_the_average() -> None:
    allowance = Allowance(per_second=10, burst=20, now=0.0)
    assert allowance.take(20, now=0.0)
    assert not allowance.take(1, now=0.05)
    assert allowance.take(1, now=0.15)
    assert allowance.take(20, now=100.0)
    assert not allowance.take(1, now=100.0)


async def test_messages_are_sent_in_order() -> None:
    sent: list[str] = []
    done = asyncio.Event()

    async def send(message: str) -> None:
        sent.append(message)
        if message == "c":
            done.set()

    outbox = Outbox(send, limit=100)
    for message in "abc":
        assert outbox.put(message)
    task = asyncio.create_task(outbox.run())
    await done.wait()
    task.cancel()
    assert sent == ["a", "b", "c"]


async def test_who_does_not_read_is_given_no_more_than_the_limit() -> None:
    async def never(_: str) -> None:
        await asyncio.Event().wait()

    outbox = Outbox(never, limit=100)
    task = asyncio.create_task(outbox.run())
    assert [outbox.put("x" * 40) for _ in range(4)] == [True, True, False, False]
    assert outbox.unread == 80
    task.cancel()


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "127.0.0.1:8000", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://talk.example.org", "10.0.0.1", True),
        ("http://evil.example", "127.0.0.1:8000", False),
        ("http://127.0.0.1:9999", "127.0.0.1:8000", False),
        ("http://rebound.evil.example:8000", "rebound.evil.example:8000", False),
        ("null", "127.0.0.1:8000", False),
        ("http://[", "127.0.0.1:8000", False),
        ("", "", False),
    ],
)
def test_only_our_own_page_and_listed_ones_may_connect(
    origin: str | None, host: str, allowed: bool
) -> None:
    assert is_allowed(origin, host, {"https://talk.example.org"}) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://talk.example.net", "talk.example.net", True),
        ("https://talk.example.net:8443", "talk.example.net:8443", True),
        ("https://evil.example", "talk.example.net", False),
        ("https://talk.example.net.evil.example", "talk.example.net", False),
        ("file://talk.example.net", "talk.example.net", False),
        ("null", "null", False),
        ("", "", False),
        ("https://", "", False),
    ],
)
def test_where_keys_are_asked_for_our_own_page_may_have_any_name(
    origin: str, host: str, allowed: bool
) -> None:
    assert is_allowed(origin, host, frozenset(), any_name=True) is allowed


def test_a_query_says_who_is_talking() -> None:
    query = parse_query({"model": "gpt-9", "user": "u42", "extras": "1", "session": "s-1"}, "cafe")
    assert (query.model, query.user, query.session, query.extras) == ("gpt-9", "u42", "s-1", True)


def test_who_gives_no_name_is_a_guest_of_their_own() -> None:
    one, other = parse_query({}, "cafe"), parse_query({}, "cafe")
    assert one.model == "cafe"
    assert one.user != other.user
    assert one.session != other.session
    assert not one.extras


@pytest.mark.parametrize("value", ["a b", "x" * 200, "{u}", "../x", "\u00e9"])
def test_names_that_could_be_mistaken_for_something_else_are_refused(value: str) -> None:
    with pytest.raises(QueryError, match="user"):
        parse_query({"user": value}, "cafe")
