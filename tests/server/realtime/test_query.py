"""What a client that comes back shows, and what it proves."""

import pytest

from server.realtime.query import QueryError, parse_query
from sessions.context import Played
from sessions.resuming import Return


@pytest.mark.parametrize(
    ("params", "key", "shown"),
    [
        # Without keys people are who they say.
        ({"user": "ann"}, {}, Return("ann")),
        ({"user": "ann", "resume": "t"}, {}, Return("ann", "t")),
        # A guest without keys is whoever knows the session's name.
        ({}, {}, Return("guest-s1")),
        # With keys they need the token, and with the token they need not be anybody.
        ({}, {"keyed": True}, Return(None)),
        ({"resume": "t"}, {}, Return(None, "t")),
        ({"resume": "t"}, {"keyed": True}, Return(None, "t")),
        # A backend's key may name anyone; a person's own key says who they are.
        ({"user": "ann"}, {"keyed": True}, Return("ann")),
        ({}, {"keyed": True, "user": "ann"}, Return("ann")),
        ({"user": "ann", "resume": "t"}, {"keyed": True, "user": "bob"}, Return("bob", "t")),
    ],
)
def test_who_comes_back(params: dict[str, str], key: dict[str, str | bool], shown: Return) -> None:
    query = parse_query({"session": "s1", **params}, "cafe", **key)  # type: ignore[arg-type]
    assert query.back == shown


@pytest.mark.parametrize("item_id", ["item_1", "a:b", "x" * 128])
def test_how_far_an_item_was_played(item_id: str) -> None:
    query = parse_query({"played": f"{item_id}:2350"}, "cafe")
    assert query.back.played == Played(item_id=item_id, ms=2350)


@pytest.mark.parametrize(
    "played", ["item_1", ":5", "item_1:", "item_1:-5", "i:1.5", "i:12345678901"]
)
def test_a_place_that_is_none_is_refused(played: str) -> None:
    with pytest.raises(QueryError, match="an item's id, a colon, and the milliseconds"):
        parse_query({"played": played}, "cafe")


@pytest.mark.parametrize("session", ["a.b", "a b", "ö", "x" * 129, "../x"])
def test_a_session_that_could_not_be_stored_is_refused(session: str) -> None:
    with pytest.raises(QueryError, match=r"\?session="):
        parse_query({"session": session}, "cafe")
