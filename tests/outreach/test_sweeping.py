"""What the bus lost, what somebody died over, and what had to wait is found."""

import asyncio
import time

from redis.asyncio import Redis

from outreach import indexes
from outreach.ledger import Ledger
from outreach.ledger_script import LOOK_S
from outreach.scripts import together
from outreach.states import State
from tests.outreach.prompts import an_hour_later, prompt, published, reserved, spoken, state

DUE = "overture:index:{outreach}:due"


async def test_nothing_is_found_too_soon(ledger: Ledger) -> None:
    await ledger.open(prompt(), State.HELD, until=time.time() + 300)
    await reserved(ledger, await published(ledger, "2"))
    assert await ledger.lapsed() == []


async def test_what_the_bus_lost_is_found_within_two_seconds(ledger: Ledger) -> None:
    outreach = await published(ledger)
    async with asyncio.timeout(20):
        while not (found := await ledger.lapsed()):
            await asyncio.sleep(0.02)
    assert found == [("u42", outreach.id, State.PUBLISHED)]


async def test_looks_at_one_prompt_become_rarer(ledger: Ledger, client: Redis) -> None:
    outreach = await published(ledger)
    pauses = []
    for _ in range(8):
        await an_hour_later(client)
        assert await ledger.lapsed() == [("u42", outreach.id, State.PUBLISHED)]
        ((_, at),) = await client.zrange(DUE, 0, -1, withscores=True)
        seconds, microseconds = await client.time()
        pauses.append(round(at - seconds - microseconds / 1e6))
    assert pauses == [2, 4, 8, 16, 32, LOOK_S, LOOK_S, LOOK_S]


async def test_what_was_held_is_found_when_its_time_comes(ledger: Ledger, client: Redis) -> None:
    due = prompt("due")
    await ledger.open(due, State.HELD, until=time.time() - 1)
    later = prompt("later")
    await ledger.open(later, State.HELD, until=time.time() + 300)
    await an_hour_later(client)
    assert await ledger.lapsed() == [("u42", due.id, State.HELD)]


async def test_leases_that_ran_out_are_found(ledger: Ledger, client: Redis) -> None:
    queued, said = await published(ledger, "1"), await published(ledger, "2")
    await reserved(ledger, queued, lease_s=0)
    await spoken(ledger, said, lease_s=0)
    await reserved(ledger, await published(ledger, "3"))
    await an_hour_later(client)
    assert set(await ledger.lapsed()) == {
        ("u42", queued.id, State.RESERVED),
        ("u42", said.id, State.SPEAKING),
    }


async def test_a_lease_is_looked_at_when_it_ends(ledger: Ledger) -> None:
    """However rarely the prompt had been looked at before."""
    outreach = await published(ledger)
    await reserved(ledger, outreach, lease_s=0)
    async with asyncio.timeout(20):
        while not (found := await ledger.lapsed()):
            await asyncio.sleep(0.02)
    assert found == [("u42", outreach.id, State.RESERVED)]


async def test_two_sweepers_share_the_work(ledger: Ledger, client: Redis) -> None:
    prompts = [await published(ledger, str(number)) for number in range(60)]
    other = Ledger(client, "two")
    await an_hour_later(client)
    found = await asyncio.gather(*(sweeper.lapsed(20) for sweeper in (ledger, other) * 2))
    ids = [id for some in found for _, id, _ in some]
    assert len(ids) == len(set(ids)) == 60
    assert set(ids) == {outreach.id for outreach in prompts}


async def test_what_is_over_is_no_hindrance(ledger: Ledger, client: Redis) -> None:
    for number in range(150):
        outreach = await published(ledger, str(number))
        await ledger.move("u42", outreach.id, State.CANCELLED)
    last = await published(ledger, "last")
    await an_hour_later(client)
    await client.zadd(DUE, {f"{{u42}} {last.id}": 1})
    assert await ledger.lapsed() == [("u42", last.id, State.PUBLISHED)]
    assert await client.zcard(DUE) == 1


async def test_what_is_past_its_time_is_ended_and_not_looked_at_again(
    ledger: Ledger, client: Redis
) -> None:
    for key, begins in (("1", State.PUBLISHED), ("2", State.HELD)):
        await ledger.open(prompt(key, ttl_s=-1), begins, until=1.0)
    gone = await published(ledger, "3")
    await client.delete(f"overture:{{u42}}:outreach:{gone.id}")
    await an_hour_later(client)
    assert await ledger.lapsed() == []
    assert {entry.state for entry in await ledger.search()} == {State.EXPIRED}
    assert await client.zcard(DUE) == 0
    assert await ledger.mailbox("u42") == []


async def test_a_change_during_the_look_plans_the_next_one(ledger: Ledger, client: Redis) -> None:
    """Else a lease that was taken meanwhile would be looked at a minute late."""
    outreach = await published(ledger)
    await an_hour_later(client)
    time_taken, names = (await together(client, indexes.take(10, 2.0)))[0]
    await reserved(ledger, outreach, lease_s=1)
    planned = await client.zscore(DUE, names[0])
    await together(client, indexes.settle(time_taken, [names[0], 60.0]))
    assert await client.zscore(DUE, names[0]) == planned


async def test_given_up_and_taken_again_until_it_is_heard(ledger: Ledger, client: Redis) -> None:
    outreach = await published(ledger)
    await spoken(ledger, outreach, lease_s=0)
    await an_hour_later(client)
    ((user, id, _),) = await ledger.lapsed()
    assert await ledger.give_up_lease(user, id)
    claim = await spoken(ledger, outreach, holder="two/s2")
    await ledger.report(claim, State.HEARD)
    await an_hour_later(client)
    assert await ledger.lapsed() == []
    assert await state(ledger, outreach) is State.HEARD
