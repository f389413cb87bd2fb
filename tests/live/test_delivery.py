"""Prompts on their way to their person: real Redis, two instances, sessions in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import orjson
import pytest
from redis.asyncio import Redis

from live import events as told
from live.config import SessionConfig
from live.prompts_port import Client
from messaging.bus import Message
from messaging.memory import MemoryBroker
from outreach.claims import Claim
from outreach.prompt import Outreach
from outreach.states import State
from sessions.presence import LiveAt
from tests.outreach.prompts import prompt, published
from tests.support.delivering import PATIENCE, Instance, prompts_said, until
from tests.support.redis_server import RedisServer, needs_redis
from tests.support.talking import Talk

pytestmark = needs_redis

READY = "Your latte is ready at the counter."
AGAIN = "In case you missed it, your latte is ready at the counter."
LONG = "Your latte is ready at the counter, and so are the muffin and the two large mochas."

Make: TypeAlias = Callable[[str], Awaitable[Instance]]


@pytest.fixture
async def instances(redis: Redis) -> AsyncIterator[Make]:
    """Makes instances that run on one bus."""
    broker = MemoryBroker()
    made: list[Instance] = []

    async def make(name: str) -> Instance:
        instance = Instance(name, redis, broker)
        made.append(instance)
        await instance.start()
        return instance

    yield make
    for instance in made:
        await instance.aclose()


@pytest.fixture
async def one(instances: Make) -> Instance:
    return await instances("one")


async def is_speaking(talk: Talk) -> None:
    """Leaves them in the middle of a sentence."""
    speech = talk.script("when do you close on sunday")
    await talk.hears(speech[: len(speech) // 2])


async def test_a_published_prompt_is_said_and_its_story_is_told(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    entry = await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [READY]
    states = [step.state for step in entry.steps]
    assert states == [
        State.MATCHED,
        State.PUBLISHED,
        State.RESERVED,
        State.SPEAKING,
        State.HEARD,
    ]
    assert entry.steps[-1].evidence["by"] == "clock"
    assert entry.steps[-1].evidence["heard_share"] == 1.0


async def test_a_prompt_is_heard_while_the_bus_is_away(one: Instance) -> None:
    talk = await one.talk("s1")
    await one.present("s1")
    outreach = prompt(ttl_s=1e6)
    one.bus.trouble = "it cannot be reached"
    assert await one.ledger.open(outreach, State.PUBLISHED)
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [READY]


async def test_a_message_that_comes_twice_is_heard_once(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    body = f'{{"user":"u42","id":"{outreach.id}"}}'.encode()
    await one.bus.publish("outreach", body, key="u42", tag="published")
    await one.becomes(outreach, State.HEARD, talk)
    await talk.silence(5.0)
    assert prompts_said(talk) == [READY]


async def test_a_prompt_finds_its_person_on_the_other_instance(instances: Make) -> None:
    one, two = await instances("one"), await instances("two")
    talk = await two.talk("s2")
    await one.present("s2")
    await two.delivery._subscriptions[0].aclose()  # the other one gets what comes for both
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [READY]


async def test_who_was_away_hears_it_when_they_come(one: Instance) -> None:
    outreach = prompt(ttl_s=1e6)
    outreach = outreach.model_copy(update={"due": outreach.due - 60})
    await one.publish(outreach)
    await until_noted_away(one, outreach.id)
    talk = await one.talk("s1")
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [AGAIN]


async def until_noted_away(instance: Instance, outreach_id: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            entry = await instance.ledger.get(outreach_id)
            assert entry is not None
            if any(step.evidence.get("away") for step in entry.steps):
                return


async def test_it_is_not_said_over_the_person_but_after_their_turn(one: Instance) -> None:
    talk = await one.talk("s1")
    await one.present("s1")
    outreach = prompt(ttl_s=1e6)
    speech = talk.script("when do you close on sunday")
    await talk.hears(speech[: len(speech) // 2])
    await one.publish(outreach)
    await one.becomes(outreach, State.RESERVED)
    await talk.hears(speech[len(speech) // 2 :])
    assert prompts_said(talk) == []
    await one.becomes(outreach, State.HEARD, talk)
    assert "5 pm" in talk.answers[0]
    assert talk.answers[1] == READY


async def test_the_owner_dies_and_the_other_instance_says_it(instances: Make) -> None:
    one, two = await instances("one"), await instances("two")
    talk = await one.talk("s1")
    outreach = prompt(ttl_s=1e6, text=LONG)
    await one.publish(outreach)
    await until(lambda: bool(talk.all(told.AudioSent)), talk)
    await one.dies()
    back = await two.talk("s1")
    entry = await two.becomes(outreach, State.HEARD, back)
    assert prompts_said(back) == [f"In case you missed it, y{LONG[1:]}"]
    assert entry.begun == 2


async def test_the_owner_dies_before_it_began_and_it_is_said_as_if_nothing_were(
    instances: Make,
) -> None:
    one, two = await instances("one"), await instances("two")
    talk = await one.talk("s1")
    await is_speaking(talk)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.RESERVED)
    await one.dies()
    back = await two.talk("s1")
    await two.becomes(outreach, State.HEARD, back)
    assert prompts_said(back) == [READY]


async def test_a_late_report_of_an_old_epoch_changes_nothing(instances: Make) -> None:
    one, two = await instances("one"), await instances("two")
    outreach = await published(one.ledger, ttl_s=1e6)
    old = await one.ledger.reserve("u42", outreach.id, "dead/s0", 0.0)
    assert isinstance(old, Claim)
    talk = await two.talk("s1")
    await two.becomes(outreach, State.SPEAKING, talk)
    assert not await one.ledger.report(old, State.INTERRUPTED)
    await two.becomes(outreach, State.HEARD, talk)


async def test_the_switch_holds_right_before_the_first_sample(one: Instance) -> None:
    talk = await one.talk("s1")
    await is_speaking(talk)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.RESERVED)
    await one.switch.stop("op", "a test")
    await one.becomes(outreach, State.PUBLISHED, talk)
    await talk.silence(5.0)
    assert prompts_said(talk) == []
    await one.switch.resume("op")
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [READY]


async def test_the_switch_breaks_off_what_is_being_said(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = prompt(ttl_s=1e6, text=LONG)
    await one.publish(outreach)
    await until(lambda: bool(talk.all(told.AudioSent)), talk)
    await one.switch.stop("op", "wrong words")
    entry = await one.becomes(outreach, State.INTERRUPTED)
    assert entry.steps[-1].reason == "all outreach was stopped while it was said"
    assert 0 <= entry.steps[-1].evidence["heard_share"] < 0.8


async def test_what_is_cancelled_while_it_waits_in_a_session_is_not_said(one: Instance) -> None:
    talk = await one.talk("s1")
    await is_speaking(talk)
    outreach = prompt(ttl_s=1e6, cancel_on=("order.collected",))
    await one.publish(outreach)
    await one.becomes(outreach, State.RESERVED)
    assert await one.ledger.cancel_on("u42", "order.collected") == 1
    await talk.silence(6.0)
    assert prompts_said(talk) == []
    assert (await one.entry(outreach)).state is State.CANCELLED


async def test_a_session_that_ends_in_the_middle_leaves_it_to_the_next(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = prompt(ttl_s=1e6, text=LONG)
    await one.publish(outreach)
    await until(lambda: bool(talk.all(told.AudioSent)), talk)
    await talk.session.aclose()
    back = await one.talk("s2")
    await one.becomes(outreach, State.HEARD, back)
    assert prompts_said(back) == [f"In case you missed it, y{LONG[1:]}"]


# Two sessions of one person


async def test_the_session_used_last_speaks_and_the_other_shows_the_card(one: Instance) -> None:
    first = await one.talk("s1")
    await one.present("s1")
    second = await one.talk("s2")
    await one.present("s2")
    await first.says("hello")
    await until(lambda: bool(first.answers), first)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.HEARD, first, second)
    assert (prompts_said(first), prompts_said(second)) == ([READY], [])
    await until(lambda: bool(second.all(told.CardShown)))
    assert [card.spoken_here for card in first.all(told.CardShown)] == [True]
    assert [card.spoken_here for card in second.all(told.CardShown)] == [False]


async def test_what_waits_goes_where_the_person_goes(instances: Make) -> None:
    one, two = await instances("one"), await instances("two")
    first = await one.talk("s1")
    await is_speaking(first)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.RESERVED)
    second = await two.talk("s2")
    await two.present("s2")
    await second.says("hello")
    await two.becomes(outreach, State.HEARD, second)
    assert (prompts_said(first), prompts_said(second)) == ([], [READY])
    await until(lambda: bool(first.all(told.CardShown)))


# Answers


async def heard(one: Instance, **more: object) -> tuple[Talk, Outreach]:
    """A conversation in which a prompt was just heard."""
    talk = await one.talk("s1")
    outreach = prompt(ttl_s=1e6, **more)
    await one.publish(outreach)
    await one.becomes(outreach, State.HEARD, talk)
    return talk, outreach


async def test_who_wants_it_later_is_told_later(one: Instance) -> None:
    talk, outreach = await heard(one)
    await talk.says("not now in ten minutes")
    await one.becomes(outreach, State.DEFERRED, talk)
    assert one.deferred == [(outreach.id, 600.0)]
    await until(lambda: len(talk.answers) == 2, talk)
    assert talk.answers[1] == "All right, in ten minutes."


async def test_who_wants_no_more_of_it_is_left_alone(one: Instance) -> None:
    talk, outreach = await heard(one)
    next_one = await published(one.ledger, "2", ttl_s=1e6, due=outreach.due + 1000)
    await talk.says("stop telling me this")
    await one.becomes(outreach, State.OPTED_OUT, talk)
    assert not (await one.consent.of("u42"))["orders"].agreed
    assert (await one.entry(next_one)).state is State.CANCELLED
    await until(lambda: len(talk.answers) == 2, talk)
    assert talk.answers[1] == "All right, I won't tell you about orders any more."


async def test_an_expected_answer_does_as_it_says(one: Instance) -> None:
    coming = {
        "name": "coming",
        "sentences": ["(on my way|I'm coming)"],
        "does": "event",
        "event": "order.coming",
        "say": "See you in a moment.",
    }
    talk, outreach = await heard(one, expects=[coming])
    await talk.says("i'm coming")
    await one.becomes(outreach, State.ENGAGED, talk)
    assert one.events == ["order.coming"]


async def test_the_button_on_another_sessions_card_stops_them_too(one: Instance) -> None:
    other = await one.talk("s2")
    await one.present("s2")
    _, outreach = await heard(one)
    await until(lambda: bool(other.all(told.CardShown)))
    other.session.prompts.refuse(outreach.id)
    await one.becomes(outreach, State.OPTED_OUT)


# Redis away


async def test_while_redis_is_away_nothing_is_said_and_nothing_is_lost(
    one: Instance, redis_server: RedisServer
) -> None:
    talk = await one.talk("s1")
    await is_speaking(talk)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.RESERVED)
    redis_server.freeze()
    try:
        await talk.silence(5.0)
        assert prompts_said(talk) == []
    finally:
        redis_server.thaw()
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [READY]


async def test_in_text_it_is_heard_when_it_was_shown(one: Instance) -> None:
    config, client = SessionConfig(audio=False), Client(acknowledges=True)
    talk = await one.talk("s1", config=config, client=client)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await until(lambda: bool(prompts_said(talk)), talk)
    assert (await one.entry(outreach)).state is State.SPEAKING
    talk.session.prompts.acknowledge(outreach.id)
    entry = await one.becomes(outreach, State.HEARD)
    assert entry.steps[-1].evidence["by"] == "acknowledged"


# What can be wrong


async def test_a_session_that_is_only_written_of_stands_in_nobodys_way(one: Instance) -> None:
    await one.presence.enter(LiveAt("ghost", "u42", "one", 0.0, False))
    talk = await one.talk("s1")
    await one.present("s1")
    await one.presence.touch("u42", "ghost")
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.HEARD, talk)
    assert [live.session for live in await one.presence.of("u42")] == ["s1"]


async def test_what_does_not_wait_expires_where_nobody_is(one: Instance) -> None:
    outreach = prompt(offline="drop")
    await one.publish(outreach)
    entry = await one.becomes(outreach, State.EXPIRED)
    assert entry.steps[-1].reason == "nobody was there, and its rule does not wait"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"user": 1, "id": 2}', b"\xff"])
async def test_messages_that_cannot_be_read_are_left_aside(one: Instance, body: bytes) -> None:
    for topic, owner in (("outreach", ""), ("to-instance", "one")):
        await one.bus.publish(topic, body, key="u42", owner=owner)
    outreach = prompt(ttl_s=1e6)
    await one.publish(outreach)
    await one.becomes(outreach, State.HEARD, await one.talk("s1"))


async def test_a_session_that_ended_leaves_no_trace(one: Instance) -> None:
    talk = await one.talk("s1")
    await one.present("s1")
    await talk.session.aclose()
    async with asyncio.timeout(PATIENCE):
        while await one.presence.of("u42"):
            await asyncio.sleep(0.01)


async def test_what_a_card_of_the_instance_tells(one: Instance) -> None:
    client = Client("websocket", "Asia/Tokyo")
    talk = await one.talk("s1", client=client)
    await talk.says("i'd like a large latte with soy milk")
    async with asyncio.timeout(PATIENCE):
        while not any(card.turns for card in await one.presence.sessions()):
            await talk.silence(0.04)
            await asyncio.sleep(0.01)
    (card,) = await one.presence.sessions()
    assert (card.user, card.transport, card.time_zone) == ("u42", "websocket", "Asia/Tokyo")
    assert (card.last_intent, card.form, card.turns) == ("orderDrink", "orderDrink", 1)
    assert "latte" not in card.model_dump_json()


async def test_happenings_are_published_without_words(one: Instance) -> None:
    told_of: list[dict[str, object]] = []

    async def note(message: Message) -> None:
        told_of.append(orjson.loads(message.body))

    await one.bus.subscribe("happenings", "test", note)
    talk = await one.talk("s1")
    await talk.says("i'd like a large latte with soy milk")
    await talk.until_quiet()
    await talk.session.aclose()
    await until(lambda: len(told_of) == 3)
    assert [each["kind"] for each in told_of] == ["session_started", "intent", "session_ended"]
    assert told_of[1]["intent"] == "orderDrink"
    slots = told_of[1]["slots"]
    assert isinstance(slots, dict)
    assert {"latte", "large", "soy milk"} <= set(slots.values())
    assert told_of[2]["form"] == "orderDrink"
