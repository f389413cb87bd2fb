"""Firings by the clock: each once, also over leader changes, missed hours and clock changes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from outreach.people import Person
from outreach.states import State
from scheduler.policy import Verdict
from scheduler.rules import Rule
from scheduler.ticker import FIRED, TICKED, Fired
from tests.support.scheduling import come, now, rules, scheduler, states

HOURLY = """
name: hourly
status: live
trigger: {interval: 1h}
audience: {users: [u42]}
say: An hour has passed.
policy: {ttl: 2h}
"""
NIGHTLY = """
name: nightly
status: live
trigger: {cron: "30 1 * * *"}
audience: {users: [u42]}
say: It is half past one.
policy: {ttl: 1d}
"""


def utc(month: int, day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC).timestamp()


async def test_the_first_tick_of_all_fires_nothing(redis: Redis) -> None:
    async with scheduler(redis, HOURLY) as made:
        await made.ticker.tick()
        assert await redis.hgetall(FIRED) == {}
        assert await redis.get(TICKED) is not None


async def test_a_missed_hour_is_caught_up_once(redis: Redis) -> None:
    async with scheduler(redis, HOURLY) as made:
        await redis.set(TICKED, repr(await now(redis) - 3600))
        await made.ticker.tick()
        await made.ticker.act()
        await redis.set(TICKED, repr(await now(redis) - 3600))  # as one that never got to write it
        await made.ticker.tick()
        await made.ticker.act()
        assert await states(made) == [State.PUBLISHED]
        assert await redis.hgetall(FIRED) == {}


async def test_what_was_missed_for_longer_than_its_ttl_is_not_said(redis: Redis) -> None:
    async with scheduler(redis, HOURLY) as made:
        await redis.set(TICKED, repr(await now(redis) - 86_400))
        await made.ticker.tick()
        await made.ticker.act()
        assert 1 <= len(await states(made)) <= 2


async def test_another_leader_goes_on_with_what_was_written_down(redis: Redis) -> None:
    async with scheduler(redis, HOURLY) as first:
        await redis.set(TICKED, repr(await now(redis) - 3600))
        await first.ticker.tick()  # and here it dies
    async with scheduler(redis, HOURLY, instance="two") as second:
        await second.ticker.tick()
        await second.ticker.act()
        assert await states(second) == [State.PUBLISHED]


async def test_one_mistake_holds_up_neither_other_people_nor_other_firings(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HOURLY.replace("[u42]", "[bad, u42]")
    async with scheduler(redis, text) as made:
        honest = made.engine.consider

        async def broken(rule: Rule, user: str, key: str, **given: Any) -> Verdict:
            if user == "bad":
                raise ValueError("a mistake of ours")
            return await honest(rule, user, key, **given)

        monkeypatch.setattr(made.engine, "consider", broken)
        await redis.set(TICKED, repr(await now(redis) - 3600))
        await redis.hset(FIRED, "a newer one", "{}")
        await made.ticker.tick()
        await made.ticker.act()
        assert await states(made, "u42") == [State.PUBLISHED]
        assert await redis.hgetall(FIRED) == {}


async def test_a_paused_rule_does_not_fire(redis: Redis) -> None:
    async with scheduler(redis, HOURLY) as made:
        await made.rulebook.set_status("hourly", "paused", "ann", "")
        await redis.set(TICKED, repr(await now(redis) - 3600))
        await made.ticker.tick()
        assert await redis.hgetall(FIRED) == {}


async def test_the_hour_that_autumn_repeats_has_each_firing_once(redis: Redis) -> None:
    async with scheduler(redis, NIGHTLY) as made:
        # Half past one comes at 00:30 and at 01:30 UTC on 25 October in London.
        ticks = [utc(10, 24, 23), utc(10, 25, 0, 31), utc(10, 25, 1, 0), utc(10, 25, 1, 31)]
        fired: list[Fired] = []
        for last, at in zip(ticks, [*ticks[1:], utc(10, 25, 3)], strict=True):
            fired += made.ticker._firings(rules(NIGHTLY), ["Europe/London"], last, at)
        assert [(each.key, each.at) for each in fired] == [("2026-10-25T01:30", utc(10, 25, 0, 30))]


async def test_the_hour_that_spring_skips_has_its_firing(redis: Redis) -> None:
    async with scheduler(redis, NIGHTLY) as made:
        fired = made.ticker._firings(
            rules(NIGHTLY), ["Europe/London"], utc(3, 29, 0), utc(3, 29, 3)
        )
        assert [(each.key, each.at) for each in fired] == [("2026-03-29T01:30", utc(3, 29, 1))]


async def test_zones_whose_clocks_agree_fire_together(redis: Redis) -> None:
    async with scheduler(redis, NIGHTLY) as made:
        zones = ["Europe/Amsterdam", "Europe/London", "Europe/Paris"]
        fired = made.ticker._firings(rules(NIGHTLY), zones, utc(7, 1, 22), utc(7, 2, 6))
        assert [each.zones for each in fired] == [
            ("Europe/Amsterdam", "Europe/Paris"),
            ("Europe/London",),
        ]


async def test_a_firing_is_for_those_whose_clocks_show_it(redis: Redis) -> None:
    text = NIGHTLY.replace("users: [u42]", "all: true")
    async with scheduler(redis, text) as made:
        await made.people.put(Person(user="tokyo", time_zone="Asia/Tokyo"))
        await made.people.put(Person(user="london", time_zone="Europe/London"))
        await made.people.put(Person(user="nowhere"))
        fired = Fired(
            rule="nightly",
            key="2026-07-02T01:30",
            at=await now(redis),
            zones=("Europe/London",),
        )
        await redis.hset(FIRED, fired.name, fired.model_dump_json())
        await made.ticker.act()
        told = {each.outreach.user for each in await made.ledger.search()}
        assert told == {"london", "nowhere"}  # the agent is in London


async def test_zones_of_who_is_known_and_who_is_here(redis: Redis) -> None:
    async with scheduler(redis, NIGHTLY) as made:
        await made.people.seen("ann", "America/Lima")
        await come(redis, "ben", time_zone="Asia/Tokyo")
        zones = await made.ticker._zones()
        assert zones == ["America/Lima", "Asia/Tokyo", "Europe/London"]


async def test_a_rule_in_a_zone_of_its_own_fires_for_everybody_at_once(redis: Redis) -> None:
    text = NIGHTLY.replace('"30 1 * * *"', '"30 1 * * *", zone: Europe/Amsterdam')
    async with scheduler(redis, text) as made:
        zones = ["Asia/Tokyo", "Europe/London"]
        (fired,) = made.ticker._firings(rules(text), zones, utc(7, 1, 12), utc(7, 2, 12))
        assert (fired.at, fired.zones) == (utc(7, 1, 23, 30), ())
