"""What conversations start: once, whichever way it is noticed first."""

from typing import Any

import pytest
from redis.asyncio import Redis

from outreach.states import State
from scheduler import sessions_watch
from scheduler.happenings import Happening
from scheduler.policy import Verdict
from scheduler.rules import Rule
from scheduler.runtime import Scheduler
from scheduler.sessions_watch import LEFT
from sessions.forgetting import forget_in_redis
from sessions.presence import InstanceCard, Presence, SessionCard
from tests.support.scheduling import come, now, only, scheduler, states

WELCOME = """
name: welcome
status: live
trigger: {session_start: {}}
say: Welcome back.
"""
IDLE = """
name: idle
status: live
trigger: {idle: 30s}
say: Are you still there?
"""
ABANDONED = """
name: abandoned
status: live
trigger: {abandoned_intent: {intent: order, after: 5m}}
say: Shall we finish your {event.data.intent}?
"""
THANKS = """
name: thanks
status: live
trigger: {intent: thanks}
say: You said {event.data.intent} of {event.data.slots.what}.
"""
PRICES = """
name: prices
status: live
trigger: {knowledge_changed: {documents: ["menu*.md"]}}
say: Our prices have changed in {event.data.document}.
"""
JOB = """
name: report
status: live
trigger: {job_done: report}
say: "Your report is ready: {event.data.title}."
"""


def cold(made: Scheduler) -> None:
    """Cards are read again at once."""
    made.cards._read = float("-inf")


async def test_a_conversation_that_begins(redis: Redis) -> None:
    async with scheduler(redis, WELCOME) as made:
        card = await come(redis, "u42")
        started = Happening(kind="session_started", user="u42", session="sess_1", at=card.since)
        await made.watch.happened(started)
        await made.watch.happened(started)
        cold(made)
        await made.watch.sweep()
        assert await states(made) == [State.PUBLISHED]


async def test_a_mistake_in_one_conversation_holds_up_no_other(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scheduler(redis, WELCOME, WELCOME.replace("welcome", "and_then")) as made:
        await come(redis, "u42")
        honest = made.engine.consider

        async def broken(rule: Rule, *args: Any, **given: Any) -> Verdict:
            if rule.name == first:
                raise ValueError("a mistake of ours")
            return await honest(rule, *args, **given)

        monkeypatch.setattr(made.engine, "consider", broken)
        first = next(iter(made.rulebook.rules().of("session_start"))).name
        await made.watch.sweep()
        await made.watch.sweep()
        assert await states(made) == [State.PUBLISHED]
        assert made.watch.counts["failed"] == 1


async def test_its_beginning_is_seen_also_when_the_bus_lost_it(redis: Redis) -> None:
    async with scheduler(redis, WELCOME) as made:
        await come(redis, "u42")
        await made.watch.sweep()
        await made.watch.sweep()
        assert await states(made) == [State.PUBLISHED]
        assert made.watch.counts["matched"] == 1


async def test_a_rule_put_live_later_does_not_welcome_who_is_long_here(redis: Redis) -> None:
    async with scheduler(redis, WELCOME) as made:
        at = await now(redis)
        await come(redis, "u42", since=at - 3600)
        await made.watch.sweep()
        assert State.PUBLISHED not in await states(made)


async def test_a_silence_is_asked_into_once(redis: Redis) -> None:
    async with scheduler(redis, IDLE) as made:
        at = await now(redis)
        await come(redis, "u42", active=at - 10, turns=2)
        await made.watch.sweep()
        assert await states(made) == []
        for _ in range(2):
            await come(redis, "u42", active=at - 40, turns=2)
            cold(made)
            await made.watch.sweep()
        assert await states(made) == [State.PUBLISHED]
        await come(redis, "u42", active=at - 35, turns=3)  # they spoke, and fell silent again
        cold(made)
        await made.watch.sweep()
        assert await states(made) == [State.PUBLISHED, State.PUBLISHED]


async def test_an_order_that_was_left_open_in_a_conversation(redis: Redis) -> None:
    async with scheduler(redis, ABANDONED) as made:
        at = await now(redis)
        await come(redis, "u42", active=at - 310, turns=2, form="order")
        await made.watch.sweep()
        assert (await only(made)).outreach.text == "Shall we finish your order?"


async def test_an_order_that_was_left_open_when_the_conversation_ended(redis: Redis) -> None:
    async with scheduler(redis, ABANDONED) as first:
        at = await now(redis)
        await come(redis, "u42", active=at - 290, turns=2, form="order")
        await first.watch.sweep()
        await Presence(redis, "one").beat(InstanceCard(instance="one"))
        cold(first)
        await first.watch.sweep()
        assert await states(first) == []
    card = await redis.get("overture:left:sess_1")
    assert card is not None
    later = card.replace(str(at - 290).encode(), str(at - 310).encode())
    assert later != card
    await redis.set("overture:left:sess_1", later)  # half a minute passes
    async with scheduler(redis, ABANDONED, instance="two") as second:
        await second.watch.sweep()
        await second.watch.sweep()
        assert await states(second) == [State.PUBLISHED]


async def test_who_comes_back_to_the_order_is_not_asked_about_it(redis: Redis) -> None:
    async with scheduler(redis, ABANDONED) as made:
        await come(redis, "u42", turns=2, form="order")
        await made.watch.sweep()
        await Presence(redis, "one").beat(InstanceCard(instance="one"))
        cold(made)
        await made.watch.sweep()
        assert await redis.zcard(LEFT) == 1
        await come(redis, "ben", session="other")
        cold(made)
        await made.watch.sweep()
        await come(redis, "u42", turns=3)
        cold(made)
        await made.watch.sweep()
        assert await redis.zcard(LEFT) == 0


async def test_an_intent_that_was_said(redis: Redis) -> None:
    async with scheduler(redis, THANKS) as made:
        card = await come(redis, "u42")
        said = Happening(
            kind="intent",
            user="u42",
            session="sess_1",
            at=card.since,
            intent="thanks",
            slots={"what": "coffee"},
        )
        await made.watch.happened(said)
        await made.watch.happened(said)
        assert (await only(made)).outreach.text == "You said thanks of coffee."


async def test_a_changed_document_is_told_to_who_is_in_a_conversation(redis: Redis) -> None:
    async with scheduler(redis, PRICES) as made:
        await come(redis, "u42")
        at = await now(redis)
        for document in ("menu-de.md", "about.md", f"{'x' * 400}.md"):
            await made.watch.happened(
                Happening(kind="knowledge_changed", at=at, id="1-2", data={"document": document})
            )
        assert (await only(made)).outreach.text == "Our prices have changed in menu-de.md."


async def test_a_document_with_a_very_long_name(redis: Redis) -> None:
    async with scheduler(redis, PRICES.replace("in {event.data.document}", "today")) as made:
        await come(redis, "u42")
        name = f"menu{'x' * 400}.md"
        changed = Happening(
            kind="knowledge_changed", at=await now(redis), id="1-2", data={"document": name}
        )
        await made.watch.happened(changed)
        assert (await only(made)).state is State.PUBLISHED


async def test_a_job_that_is_done_is_told_to_whose_it_is(redis: Redis) -> None:
    async with scheduler(redis, JOB) as made:
        at = await now(redis)
        done = {"job": "report", "title": "Sales"}
        await made.watch.happened(Happening(kind="job_done", user="u42", at=at, id="7", data=done))
        assert (await only(made)).outreach.text == "Your report is ready: Sales."


async def test_a_greeting_waits_for_its_condition(redis: Redis) -> None:
    async with scheduler(redis, WELCOME + "when: session.turns > 1\n") as made:
        card = await come(redis, "u42")
        begun = Happening(kind="session_started", user="u42", session="sess_1", at=card.since)
        await made.watch.happened(begun)
        assert await states(made) == []
        await come(redis, "u42", turns=2)
        cold(made)
        await made.watch.sweep()
        assert await states(made) == [State.PUBLISHED]


async def test_who_is_forgotten_is_forgotten_here_too(redis: Redis) -> None:
    async with scheduler(redis, ABANDONED) as made:
        await come(redis, "u42", turns=2, form="order")
        await made.watch.sweep()
        await Presence(redis, "one").beat(InstanceCard(instance="one"))
        cold(made)
        await made.watch.sweep()
        assert await redis.zcard(LEFT) == 1
        await forget_in_redis(redis, "u42")
        assert await redis.zcard(LEFT) == 0
        assert await redis.keys("overture:left:*") == []


async def test_those_who_left_are_kept_in_bounds(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_watch, "MAX_LEFT", 2)
    async with scheduler(redis, ABANDONED) as made:
        at = await now(redis)
        for number in range(4):
            await redis.zadd(LEFT, {f"{{u{number}}} s{number}": at - number})
            card = SessionCard(session=f"s{number}", user=f"u{number}", active=at, form="order")
            await redis.set(f"overture:left:s{number}", card.model_dump_json())
        await made.watch.sweep()
        assert await redis.zrange(LEFT, 0, -1) == [b"{u1} s1", b"{u0} s0"]
