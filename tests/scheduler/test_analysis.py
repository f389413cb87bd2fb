"""The walk over stored conversations."""

import pytest
from redis.asyncio import Redis

from outreach.people import Person
from outreach.states import State
from scheduler.analysis import TALKS
from scheduler.runtime import Scheduler
from sessions.context import Item, SessionContext, new_context
from sessions.redis import RedisSessionStore, key_of
from tests.support.scheduling import come, handled, now, only, scheduler, states

REMINDER = """
name: reminder
status: live
purpose: reminders
trigger: {event: finding.reminder}
say: "You asked me to remind you[: {event.data.text}]."
"""
PROMISE = """
name: promise
status: live
trigger: {event: finding.promise}
say: Are you back?
"""
UNANSWERED = """
name: unanswered
status: live
trigger: {event: finding.unanswered}
say: "I could not answer you when you asked: {event.data.text}."
"""


async def said(
    redis: Redis, *lines: str, ago: float = 10, session: str = "sess_1"
) -> SessionContext:
    """A stored conversation of u42: "u: words" and "a: words", that began so long ago."""
    at = await now(redis) - ago
    context = new_context(session_id=session, user="u42", agent="cafe", agent_version="1")
    for number, line in enumerate(lines):
        role = "user" if line.startswith("u:") else "assistant"
        item = Item.model_validate(
            {"id": f"item_{number}", "role": role, "text": line[3:], "at": at + number}
        )
        context = context.with_item(item)
    await RedisSessionStore(redis).save(context)
    return context


async def walked(made: Scheduler, redis: Redis) -> None:
    """The conversation was told of, and the walk has come by."""
    await made.analysis.talked("sess_1", await now(redis))
    await made.analysis.walk()


async def found(made: Scheduler) -> str:
    """The event of what was found, once it is handled."""

    (id,) = [each.decode().split(" ")[1] for each in await made_found(made)]
    await handled(made, id)
    return str(id)


async def made_found(made: Scheduler) -> set[bytes]:
    redis = made.analysis._redis
    return set(await redis.smembers("overture:scheduler:found:sess_1"))  # type: ignore[arg-type]


async def test_a_reminder_is_held_until_its_time(redis: Redis) -> None:
    async with scheduler(redis, REMINDER) as made:
        await said(redis, "u: Remind me to call Anna in ten minutes.", "a: All right.")
        await walked(made, redis)
        await found(made)
        entry = await only(made)
        assert entry.state is State.HELD
        assert entry.outreach.text == "You asked me to remind you: call Anna."
        assert 580 < entry.until - await now(redis) < 600


async def test_the_same_talk_walked_over_again_finds_nothing_new(redis: Redis) -> None:
    async with scheduler(redis, REMINDER) as made:
        await said(redis, "u: Remind me to call Anna in ten minutes.", "a: All right.")
        await walked(made, redis)
        await found(made)
        await walked(made, redis)
        assert await states(made) == [State.HELD]
        assert made.analysis.counts["found"] == 1


async def test_a_reminder_that_was_called_off_is_withdrawn(redis: Redis) -> None:
    async with scheduler(redis, REMINDER) as made:
        asked = ("u: Remind me to call Anna in ten minutes.", "a: All right.")
        await said(redis, *asked)
        await walked(made, redis)
        await found(made)
        await said(redis, *asked, "u: Cancel that reminder.")
        await walked(made, redis)
        assert await states(made) == [State.CANCELLED]


async def test_a_reminder_that_waits_in_the_conversation_is_called_off_too(redis: Redis) -> None:
    async with scheduler(redis, REMINDER) as made:
        asked = ("u: Remind me to call Anna in ten minutes.", "a: All right.")
        await said(redis, *asked)
        await walked(made, redis)
        await found(made)
        id = (await only(made)).outreach.id
        await made.ledger.move("u42", id, State.PUBLISHED)
        await made.ledger.reserve("u42", id, "one/sess_1")
        await said(redis, *asked, "u: Cancel that reminder.")
        await walked(made, redis)
        assert await states(made) == [State.CANCELLED]


async def test_a_conversation_that_cannot_be_walked_over_is_not_in_others_way(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scheduler(redis, REMINDER) as made:
        honest = made.analysis._look

        async def broken(session: str, now: float, *, ended: bool) -> None:
            if session == "bad":
                raise ValueError("a mistake of ours")
            await honest(session, now, ended=ended)

        monkeypatch.setattr(made.analysis, "_look", broken)
        await said(redis, "u: Remind me to call Anna in ten minutes.", "a: All right.")
        await made.analysis.talked("bad", 1.0)
        await walked(made, redis)
        await found(made)
        assert await states(made) == [State.HELD]
        assert await redis.zrange(TALKS, 0, -1) == []


async def test_a_time_of_the_clock_is_on_the_persons_own(redis: Redis) -> None:
    async with scheduler(redis, REMINDER) as made:
        await made.people.put(Person(user="u42", time_zone="Asia/Kolkata"))
        await said(redis, "u: Remind me to call Anna tomorrow at nine.")
        await walked(made, redis)
        await found(made)
        # Nine in Kolkata is half past three by UTC.
        assert (await only(made)).until % 86_400 == 3.5 * 3600


async def test_who_promised_to_be_back_and_is_not(redis: Redis) -> None:
    async with scheduler(redis, PROMISE) as made:
        talk = ("u: I'll be back in ten minutes", "a: See you.")
        await said(redis, *talk, ago=630)
        await walked(made, redis)
        await found(made)
        assert await states(made) == [State.PUBLISHED]


async def test_who_came_back_as_promised_is_not_asked(redis: Redis) -> None:
    async with scheduler(redis, PROMISE) as made:
        talk = ("u: I'll be back in ten minutes", "a: See you.")
        await said(redis, *talk)
        await walked(made, redis)
        await found(made)
        await said(redis, *talk, "u: I'm back.")
        await walked(made, redis)
        assert await states(made) == [State.CANCELLED]


async def test_a_question_that_was_not_answered(redis: Redis) -> None:
    async with scheduler(redis, UNANSWERED) as made:
        await said(redis, "u: do you have a vegan croissant", "a: I don't know that.")
        await walked(made, redis)
        await found(made)
        text = (await only(made)).outreach.text
        assert text == "I could not answer you when you asked: do you have a vegan croissant."


async def test_a_live_conversation_is_walked_over_also_when_the_bus_lost_it(redis: Redis) -> None:
    async with scheduler(redis, UNANSWERED) as made:
        await said(redis, "u: do you have a vegan croissant", "a: I don't know that.")
        await come(redis, "u42")
        await made.analysis.walk()
        await made.analysis.walk()
        await found(made)
        assert made.analysis.counts["walked"] == 1


async def test_looking_at_a_conversation_does_not_make_it_live_longer(redis: Redis) -> None:
    async with scheduler(redis, UNANSWERED) as made:
        await said(redis, "u: hello", "a: Hello.")
        await redis.expire(key_of("sess_1"), 60)
        await walked(made, redis)
        assert await redis.ttl(key_of("sess_1")) <= 60


async def test_a_conversation_that_is_gone_is_passed_over(redis: Redis) -> None:
    async with scheduler(redis, UNANSWERED) as made:
        await walked(made, redis)
        await redis.set(key_of("sess_1"), b"no context")
        await walked(made, redis)
        assert made.analysis.counts["unreadable"] == 1
        assert await redis.zcard(TALKS) == 0
