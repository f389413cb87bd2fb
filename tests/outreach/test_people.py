"""What is known of people, what they agreed to, and all of it at once for the policy."""

import time

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from outreach import inbox as module
from outreach.caps import Spoken
from outreach.errors import OutreachUnavailableError
from outreach.facts import person_facts
from outreach.inbox import MAX_DATA, Event, Inbox
from outreach.keys import decoded, encoded, person_key
from outreach.ledger import Ledger
from outreach.people import (
    MAX_PURPOSES,
    Consent,
    People,
    Person,
    TooManyPurposesError,
)
from outreach.states import State
from outreach.switch import SWITCH, Switch, SwitchState
from sessions import keys as sessions_keys
from sessions.presence import InstanceCard, LiveAt, Presence
from tests.outreach.prompts import published, reserved, spoken

HOSTILE = ["u{42}", "{", "}", "", "%", "%7B", "a b", "u\n42", "\x00", "ü✓", "\ud800", "*?[a]"]


def test_names_in_keys_are_told_apart_and_read_back() -> None:
    names = [encoded(user) for user in HOSTILE]
    assert len(set(names)) == len(names)
    assert all(names)
    assert not set("{}\n\x00") & set("".join(names))
    assert [decoded(name) for name in names] == HOSTILE


def test_both_rooms_name_a_person_alike() -> None:
    for user in HOSTILE:
        assert sessions_keys.person_key(user, "live") == person_key(user, "live")


async def test_who_was_seen_is_known(client: Redis) -> None:
    people = People(client)
    assert await people.get("u42") is None
    await people.seen("u42", "Europe/London")
    assert await people.get("u42") == Person(user="u42", time_zone="Europe/London")
    await people.seen("u42")
    assert await people.get("u42") == Person(user="u42", time_zone="Europe/London")


async def test_what_an_operator_wrote_stays_when_they_are_seen(client: Redis) -> None:
    people = People(client)
    ada = Person(user="u{42}", time_zone="Asia/Tokyo", name="Ada", attributes={"tier": "gold"})
    await people.put(ada)
    await people.seen("u{42}")
    assert await people.get("u{42}") == ada
    await people.seen("u{42}", "Europe/Paris")
    assert await people.get("u{42}") == ada.model_copy(update={"time_zone": "Europe/Paris"})


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 500, "Europe", "\x00"])
async def test_a_zone_that_is_none_is_left_aside(client: Redis, zone: str) -> None:
    people = People(client)
    await people.seen("u42", "Europe/London")
    await people.seen("u42", zone)
    person = await people.get("u42")
    assert person is not None
    assert person.time_zone == "Europe/London"
    with pytest.raises(ValidationError, match=r"time zone|at most 64"):
        Person(user="u42", time_zone=zone)


async def test_everybody_is_listed_page_by_page(client: Redis) -> None:
    people = People(client)
    users = [f"u{number:02}" for number in range(25)] + ["u{x}"]
    for user in users:
        await people.seen(user)
    listed: list[str] = []
    cursor = ""
    while True:
        page, cursor = await people.users(10, cursor)
        assert len(page) <= 10
        listed += page
        if not cursor:
            break
    assert sorted(listed) == sorted(users)


async def test_who_is_no_longer_known_is_not_listed(client: Redis) -> None:
    people = People(client)
    for user in ("u1", "u2"):
        await people.seen(user, "Europe/London")
    await client.delete(person_key("u1", "person"))
    assert await people.users() == (["u2"], "")
    assert await client.zcard("overture:index:{outreach}:people") == 1


async def test_the_zones_of_all_are_known(client: Redis) -> None:
    people = People(client)
    await people.seen("u1", "Europe/London")
    await people.put(Person(user="u2", time_zone="Asia/Tokyo"))
    await people.seen("u3", "Mars/Olympus")
    assert await people.zones() == {"Europe/London", "Asia/Tokyo"}


def test_what_is_known_of_a_person_is_bounded() -> None:
    with pytest.raises(ValidationError, match="16384 bytes"):
        Person(user="u42", attributes={"notes": "x" * 20_000})


async def test_the_last_word_on_a_purpose_stands(client: Redis) -> None:
    consent = Consent(client)
    assert await consent.of("u42") == {}
    await consent.agree("u42", "orders", "form")
    await consent.refuse("u42", "orders", "themself", 'said "stop"\n')
    await consent.agree("u42", "news", "form")
    found = await consent.of("u42")
    assert {purpose: said.agreed for purpose, said in found.items()} == {
        "orders": False,
        "news": True,
    }
    assert (found["orders"].by, found["orders"].why) == ("themself", 'said "stop"\n')
    assert found["orders"].at <= found["news"].at
    assert await consent.of("u43") == {}


async def test_purposes_are_names_and_not_too_many(client: Redis) -> None:
    consent = Consent(client)
    with pytest.raises(ValidationError):
        await consent.refuse("u42", "Orders!", "themself")
    for number in range(MAX_PURPOSES):
        await consent.refuse("u42", f"p{number}", "themself")
    with pytest.raises(TooManyPurposesError, match="forget the person"):
        await consent.refuse("u42", "one_more", "themself")
    await consent.refuse("u42", "*", "themself")  # as the message says
    assert not (await consent.of("u42"))["*"].agreed
    await consent.agree("u42", "p7", "themself")
    assert (await consent.of("u42"))["p7"].agreed


async def test_the_switch_tells_who_and_why(client: Redis) -> None:
    switch = Switch(client)
    assert await switch.state() == SwitchState()
    await switch.stop("ada", "a wrong rule")
    state = await switch.state()
    assert (state.stopped, state.by, state.why) == (True, "ada", "a wrong rule")
    assert state.at == pytest.approx(time.time(), abs=60)
    await switch.resume("ada")
    assert not (await switch.state()).stopped


async def test_a_switch_that_cannot_be_read_stops_all(client: Redis) -> None:
    await client.set(SWITCH, b"broken")
    assert (await Switch(client).state()).stopped


async def test_all_facts_come_at_once(client: Redis, ledger: Ledger) -> None:
    user = "u{42}"
    await People(client).seen(user, "Europe/London")
    await Consent(client).agree(user, "orders", "form")
    await Switch(client).stop("ada", "lunch")
    await Switch(client).resume("ada")
    outreach = await published(ledger, user=user)
    presence = Presence(client, "one")
    await presence.beat(InstanceCard(instance="one"))
    await presence.enter(LiveAt("s1", user, "one", 0.0, False))
    await presence.enter(LiveAt("s2", user, "one", 0.0, False))
    await presence.enter(LiveAt("s3", user, "one", 0.0, True))
    await presence.enter(LiveAt("s4", user, "dead", 0.0, False))
    await presence.touch(user, "s1")
    facts = await person_facts(client, user, 0.0)
    assert facts.now == pytest.approx(time.time(), abs=60)
    assert facts.person == Person(user=user, time_zone="Europe/London")
    assert facts.consent["orders"].agreed
    assert [(one.rule, one.purpose, one.id) for one in facts.recent] == [
        ("order_ready", "orders", outreach.id)
    ]
    assert isinstance(facts.recent[0], Spoken)
    assert (facts.stopped.stopped, facts.stopped.by) == (False, "ada")
    assert [(one.session, one.instance) for one in facts.live] == [
        ("s1", "one"),
        ("s2", "one"),
        ("s3", "one"),
    ]
    live = await presence.of(user)
    assert [tuple(getattr(one, name) for name in one.__slots__) for one in facts.live] == [
        tuple(getattr(one, name) for name in one.__slots__) for one in live
    ]


async def test_of_a_stranger_nothing_is_known(client: Redis) -> None:
    facts = await person_facts(client, "nobody", 0.0)
    assert (facts.person, facts.consent, facts.recent, facts.live) == (None, {}, [], [])
    assert facts.stopped == SwitchState()


def event(id: str = "e1", user: str = "u42", **more: object) -> Event:
    given = {"id": id, "type": "order.ready", "user": user, "time": time.time(), **more}
    return Event.model_validate(given)


async def test_an_event_is_kept_until_it_was_dealt_with(client: Redis) -> None:
    inbox = Inbox(client)
    first = event("e 1}", data={"drink": 'a "latte"', "sizes": [], "price": 3.5})
    assert await inbox.accept(first)
    assert await inbox.get("e 1}") == first
    assert await inbox.outcome("e 1}") is None
    assert await inbox.waiting(0) == [first]
    assert await inbox.done("e 1}", {"prompts": ["out_1"], "none": []})
    assert await inbox.outcome("e 1}") == {"prompts": ["out_1"], "none": []}
    assert await inbox.waiting(0) == []
    assert await inbox.get("e 1}") == first


async def test_the_same_event_is_accepted_once(client: Redis) -> None:
    inbox = Inbox(client)
    assert await inbox.accept(event())
    assert not await inbox.accept(event(user="u43"))
    assert await inbox.done("e1", {"prompts": []})
    assert not await inbox.accept(event())
    assert await inbox.waiting(0) == []


async def test_the_first_outcome_stands(client: Redis) -> None:
    inbox = Inbox(client)
    await inbox.accept(event())
    assert await inbox.done("e1", {"by": "one"})
    assert not await inbox.done("e1", {"by": "two"})
    assert await inbox.outcome("e1") == {"by": "one"}
    assert not await inbox.done("unknown", {})


async def test_unknown_and_waiting_are_told_apart(client: Redis) -> None:
    inbox = Inbox(client)
    await inbox.accept(event(user=""))
    assert (await inbox.known("e1"), await inbox.known("e2")) == (True, False)
    assert (await inbox.outcome("e1"), await inbox.outcome("e2")) == (None, None)
    assert [one.user for one in await inbox.waiting(0)] == [""]


async def test_what_is_handed_out_is_left_to_whoever_took_it(client: Redis) -> None:
    inbox = Inbox(client)
    for number in range(5):
        await inbox.accept(event(f"e{number}"))
    assert await inbox.waiting(600) == []
    assert [one.id for one in await inbox.waiting(0, 3)] == ["e0", "e1", "e2"]
    assert [one.id for one in await inbox.waiting(0, 3)] == ["e3", "e4", "e0"]


async def test_an_event_that_cannot_be_read_holds_up_no_other(client: Redis) -> None:
    inbox = Inbox(client)
    for name in ("newer", "e1"):
        await inbox.accept(event(name))
    (key,) = [key async for key in client.scan_iter(match="overture:event:*:newer")]
    await client.set(key, b'{"user": "u42", "event": {"id": "newer", "spoken": true}}')
    assert [one.id for one in await inbox.waiting(0)] == ["e1"]
    assert [one.id for one in await inbox.waiting(0)] == ["e1"]  # the other is left to who can


async def test_a_full_inbox_refuses(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(module, "MAX_WAITING", 2)
    inbox = Inbox(client)
    await inbox.accept(event("e1"))
    await inbox.accept(event("e2"))
    with pytest.raises(OutreachUnavailableError, match="is a scheduler running"):
        await inbox.accept(event("e3"))
    assert not await inbox.accept(event("e1"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": ""},
        {"type": "order ready"},
        {"type": "order..ready"},
        {"id": ""},
        {"user": "x" * 257},
        {"time": float("nan")},
        {"data": {"x": "y" * MAX_DATA}},
        {"more": 1},
    ],
)
def test_a_wrong_event_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        event(**wrong)  # type: ignore[arg-type]


async def test_a_person_who_hears_much_is_counted_exactly(client: Redis, ledger: Ledger) -> None:
    for number in range(3):
        outreach = await published(ledger, str(number))
        await ledger.report(await spoken(ledger, outreach), State.HEARD)
    await ledger.give_back(await reserved(ledger, await published(ledger, "3")))
    assert len((await person_facts(client, "u42", 0.0)).recent) == 4
