"""What a process decides to say in a session of its own goes there at once, not over the bus."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from messaging.memory import MemoryBroker
from outreach.claims import Claim
from outreach.states import State
from tests.outreach.prompts import prompt, published
from tests.support.delivering import Instance, prompts_said
from tests.support.redis_server import needs_redis

pytestmark = needs_redis


@pytest.fixture
async def one(redis: Redis) -> AsyncIterator[Instance]:
    instance = Instance("one", redis, MemoryBroker())
    await instance.start()
    yield instance
    await instance.aclose()


async def test_it_is_said_without_the_bus(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = await published(one.ledger, ttl_s=1e6)
    one.delivery.nearby.expect(outreach, "s1")
    assert await one.delivery.nearby.bring(outreach, "s1")
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [outreach.text]
    assert not one.bus.counts["outreach", "", "published"]


async def test_a_message_of_the_bus_about_it_changes_nothing(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = await published(one.ledger, ttl_s=1e6)
    assert await one.delivery.nearby.bring(outreach, "s1")
    body = f'{{"user":"u42","id":"{outreach.id}"}}'.encode()
    await one.bus.publish("outreach", body, key="u42", tag="published")
    await one.becomes(outreach, State.HEARD, talk)
    assert prompts_said(talk) == [outreach.text]


@pytest.mark.parametrize(("user", "session"), [("u42", "s2"), ("u43", "s1"), ("u42", "")])
async def test_who_is_not_in_that_session_here_is_for_the_bus_to_find(
    one: Instance, user: str, session: str
) -> None:
    await one.talk("s1")
    outreach = await published(one.ledger, user=user, ttl_s=1e6)
    one.delivery.nearby.expect(outreach, session)
    assert not await one.delivery.nearby.bring(outreach, session)
    assert (await one.entry(outreach)).state is State.PUBLISHED


async def test_what_another_instance_has_is_not_taken(one: Instance) -> None:
    talk = await one.talk("s1")
    outreach = await published(one.ledger, ttl_s=1e6)
    assert isinstance(await one.ledger.reserve("u42", outreach.id, "two/s2", 1e5), Claim)
    assert not await one.delivery.nearby.bring(outreach, "s1")
    assert prompts_said(talk) == []


async def test_words_that_are_only_expected_are_not_said(one: Instance) -> None:
    talk = await one.talk("s1")
    one.delivery.nearby.expect(prompt(), "s1")
    await talk.silence(2.0)
    assert prompts_said(talk) == []
