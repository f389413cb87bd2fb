"""Prompts are found, counted, and followed as they change."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from outreach import funnel as counting
from outreach.changes import MAX_BEHIND, Changes
from outreach.errors import OutreachUnavailableError
from outreach.ledger import Ledger
from outreach.states import State
from tests.outreach.prompts import LONG_S, prompt, published, reserved, spoken
from tests.support.redis_server import RedisServer

PATIENCE = 20


async def keys(ledger: Ledger, **asked: object) -> list[str]:
    return [entry.outreach.key for entry in await ledger.search(**asked)]  # type: ignore[arg-type]


async def test_search_finds_by_person_rule_state_and_words(ledger: Ledger) -> None:
    await published(ledger, "latte")
    await published(ledger, "mocha", text="Your MOCHA is ready.", reason="You ordered it.")
    await published(ledger, "theirs", user="u43", rule="closing_soon")
    heard = await published(ledger, "heard")
    await ledger.report(await spoken(ledger, heard), State.HEARD)
    assert await keys(ledger) == ["heard", "theirs", "mocha", "latte"]
    assert await keys(ledger, user="u42") == ["heard", "mocha", "latte"]
    assert await keys(ledger, rule="closing_soon") == ["theirs"]
    assert await keys(ledger, user="u42", rule="closing_soon") == []
    assert await keys(ledger, state=State.HEARD) == ["heard"]
    assert await keys(ledger, text="mocha ORDERED") == ["mocha"]
    assert await keys(ledger, text="u43") == ["theirs"]
    assert await keys(ledger, text="tea") == []
    assert await keys(ledger, user="nobody") == []


async def test_search_goes_on_page_by_page(ledger: Ledger) -> None:
    for number in range(7):
        await published(ledger, str(number))
    first = await ledger.search(limit=3)
    second = await ledger.search(limit=3, before=first[-1].steps[0].at)
    assert [entry.outreach.key for entry in (*first, *second)] == ["6", "5", "4", "3", "2", "1"]


async def test_an_entry_that_is_gone_is_not_found(ledger: Ledger, client: Redis) -> None:
    gone = await published(ledger, "gone")
    await published(ledger, "here")
    await client.delete(f"overture:{{u42}}:outreach:{gone.id}")
    assert await keys(ledger) == ["here"]
    assert await ledger.get(gone.id) is None


async def test_what_a_newer_version_wrote_hides_nothing_else(ledger: Ledger, client: Redis) -> None:
    newer = await published(ledger, "newer")
    await published(ledger, "mine")
    written = newer.model_dump_json()[:-1] + ', "mood": "merry"}'
    await client.hset(f"overture:{{u42}}:outreach:{newer.id}", "doc", written)
    assert await keys(ledger) == ["mine"]
    assert [entry.outreach.key for entry in await ledger.mailbox("u42")] == ["mine"]


async def test_the_funnel_counts_each_prompt_once_a_state(ledger: Ledger) -> None:
    twice = await published(ledger, "1")
    await ledger.give_back(await spoken(ledger, twice))
    await ledger.report(await spoken(ledger, twice), State.HEARD)
    await ledger.move("u42", twice.id, State.ENGAGED)
    cooled = {"check": "cooldown", "left_s": 30}
    await ledger.open(prompt("2"), State.SUPPRESSED, reason="30 s left", evidence=cooled)
    await ledger.open(prompt("3"), State.SUPPRESSED, reason="no consent")
    await published(ledger, "4", test=True)
    await published(ledger, "5", rule="")
    assert await ledger.funnel("order_ready") == {
        "matched": 3,
        "published": 1,
        "reserved": 1,
        "speaking": 1,
        "heard": 1,
        "engaged": 1,
        "suppressed": 2,
        "suppressed:cooldown": 1,
        "suppressed:no consent": 1,
    }
    assert await ledger.funnels() == {
        "": {"matched": 1, "published": 1},
        "order_ready": await ledger.funnel("order_ready"),
    }
    assert await ledger.funnel("unknown") == {}


async def test_counts_come_to_other_instances_by_themselves(ledger: Ledger, client: Redis) -> None:
    await published(ledger)
    other = Ledger(client, "two")
    async with asyncio.timeout(PATIENCE):
        while not await other.funnel("order_ready"):
            await asyncio.sleep(0.01)


async def test_the_last_outcome_of_a_prompt_stands(ledger: Ledger) -> None:
    for key, after in (("1", State.OPTED_OUT), ("2", None), ("3", State.DEFERRED)):
        outreach = await published(ledger, key)
        await ledger.report(await spoken(ledger, outreach), State.HEARD)
        if after is not None:
            await ledger.move("u42", outreach.id, after)
    cut = await published(ledger, "4")
    await ledger.report(await spoken(ledger, cut), State.INTERRUPTED)
    outcomes = await ledger.recent_outcomes("order_ready")
    assert sorted(state.value for state in outcomes) == [
        *("deferred", "heard", "interrupted", "opted_out")
    ]
    assert len(await ledger.recent_outcomes("order_ready", 2)) == 2
    assert await ledger.recent_outcomes("order_ready", since=time.time() + 60) == []


async def test_a_rule_has_no_more_kinds_of_counts_than_are_kept(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MAX_FIELDS", 4)
    for number in range(9):
        await ledger.open(prompt(str(number)), State.SUPPRESSED, reason=f"reason {number}")
    counts = await ledger.funnel("order_ready")
    assert sum(n for name, n in counts.items() if name.startswith("suppressed:")) == 9
    assert counts["suppressed:other"] == 7


async def test_counts_outlive_a_pause_of_redis(real: Redis, server: RedisServer) -> None:
    ledger = Ledger(real, "one")
    await published(ledger)
    server.kill()
    try:
        with pytest.raises(OutreachUnavailableError):
            await ledger.funnel("order_ready")
    finally:
        server.start()
    assert await ledger.funnel("order_ready") == {"matched": 1, "published": 1}
    await ledger.aclose()


@pytest.fixture
async def changes(client: Redis) -> AsyncIterator[Changes]:
    changes = Changes(client)
    yield changes
    await changes.aclose()


async def test_steps_are_seen_on_every_instance(changes: Changes, ledger: Ledger) -> None:
    async with asyncio.timeout(PATIENCE):
        following = changes.follow()
        first = asyncio.ensure_future(anext(following))
        await changes.listening()
        outreach = await published(ledger, user='u"4{2}\n')
        claim = await reserved(ledger, outreach)
        await ledger.begin(claim, LONG_S, evidence={"waited_for": 'a "pause"'})
        seen = [await first] + [await anext(following) for _ in range(3)]
        assert [(user, id) for user, id, _ in seen] == [(outreach.user, outreach.id)] * 4
        entry = await ledger.get(outreach.id)
        assert entry is not None
        assert tuple(step for _, _, step in seen) == entry.steps
        await following.aclose()  # type: ignore[attr-defined]


async def test_who_reads_too_slowly_misses_the_oldest(real: Redis, server: RedisServer) -> None:
    changes, ledger = Changes(real), Ledger(real, "one")
    async with asyncio.timeout(PATIENCE):
        slow, quick = changes.follow(), changes.follow()
        first = [asyncio.ensure_future(anext(one)) for one in (slow, quick)]
        await changes.listening()
        await ledger.open(prompt("first"), State.FAILED)
        await asyncio.gather(*first)
        for number in range(MAX_BEHIND // 2 + 10):
            await ledger.open(prompt(str(number)), State.FAILED)
            await anext(quick)
            last = await anext(quick)
        later = [await anext(slow) for _ in range(MAX_BEHIND)]
    assert later[-1] in (last, await anext(quick))
    await changes.aclose()
    await ledger.aclose()


async def test_following_goes_on_after_redis_was_away(real: Redis, server: RedisServer) -> None:
    changes, ledger = Changes(real), Ledger(real, "one")
    async with asyncio.timeout(PATIENCE):
        following = changes.follow()
        first = asyncio.ensure_future(anext(following))
        await changes.listening()
        server.kill()
        server.start()
        number = 0
        while not first.done():
            await ledger.open(prompt(str(number)), State.FAILED)
            await asyncio.wait({first}, timeout=0.05)
            number += 1
    await changes.aclose()
    await ledger.aclose()


async def test_closing_ends_whoever_follows(client: Redis) -> None:
    changes = Changes(client)

    async def follow() -> None:
        async for _ in changes.follow():
            pass

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(follow())
        group.create_task(follow())
        await changes.listening()
        await changes.aclose()
