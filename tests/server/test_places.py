"""How many sessions one person, one address and one key may have, and who is not counted."""

import contextlib

import pytest

from server.door import Caller
from server.host import Limits
from server.places import Places
from server.refusals import RefusedError


def caller(
    user: str | None = None,
    address: str = "203.0.113.7",
    *,
    key: str = "shop",
    key_sessions: int | None = None,
) -> Caller:
    """Somebody from a documentation network (RFC 5737)."""
    return Caller(key=key, user=user, address=address, key_sessions=key_sessions)


def how_many(places: Places, *callers: Caller) -> int:
    """How many of them are let in, all at once; all leave again."""
    with contextlib.ExitStack() as stack:
        let_in = 0
        for each in callers:
            with contextlib.suppress(RefusedError):
                stack.enter_context(places.taken_by(each))
                let_in += 1
    return let_in


def test_one_person_has_so_many_wherever_they_come_from() -> None:
    places = Places(Limits(sessions_per_user=2))
    anns = [caller("ann", f"203.0.113.{n}") for n in range(5)]
    assert how_many(places, *anns, caller("ben")) == 3


def test_one_address_has_so_many_whoever_they_are() -> None:
    places = Places(Limits(sessions_per_address=3))
    assert how_many(places, *(caller(f"u{n}") for n in range(9))) == 3
    assert how_many(places, *(caller(f"u{n}", f"203.0.113.{n}") for n in range(9))) == 9


def test_an_ipv6_subscriber_has_no_more_for_all_their_addresses() -> None:
    places = Places(Limits(sessions_per_address=3))
    assert how_many(places, *(caller(f"u{n}", f"2001:db8::{n:x}") for n in range(9))) == 3
    assert how_many(places, *(caller(f"u{n}", f"2001:db8:0:{n:x}::1") for n in range(9))) == 9


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_no_address(address: str) -> None:
    places = Places(Limits(sessions_per_address=1))
    assert how_many(places, *(caller(f"u{n}", address) for n in range(9))) == 9


def test_a_backend_that_speaks_for_anyone_is_not_counted_by_address() -> None:
    places = Places(Limits(sessions_per_address=1, sessions_per_user=1))
    assert how_many(places, *(caller() for _ in range(9))) == 9


def test_a_key_has_a_bound_of_its_own_if_its_line_says_so() -> None:
    places = Places(Limits())
    bound = [caller(f"u{n}", f"203.0.113.{n}", key_sessions=2) for n in range(5)]
    assert how_many(places, *bound, caller(key="other")) == 3


def test_all_together_have_as_many_as_the_server() -> None:
    assert how_many(Places(Limits(max_sessions=4)), *(caller() for _ in range(9))) == 4


def test_who_leaves_makes_room_and_nothing_is_kept_of_them() -> None:
    places = Places(Limits(sessions_per_user=1))
    for _ in range(3):
        assert how_many(places, caller("ann"), caller("ann")) == 1
    assert not places.taken


def test_who_is_refused_takes_nothing() -> None:
    places = Places(Limits(sessions_per_user=1, max_sessions=2))
    with places.taken_by(caller("ann")):
        for _ in range(5):
            with (
                pytest.raises(RefusedError, match="this user") as refused,
                places.taken_by(caller("ann")),
            ):
                pass
            assert refused.value.close_code == 1013
        assert how_many(places, caller("ben")) == 1
