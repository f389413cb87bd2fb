"""From a reason to a prompt: what is decided is in the ledger, with why."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from messaging.memory import MemoryBus
from outreach.claims import Claim
from outreach.people import Consent, Person
from outreach.prompt import Outreach
from outreach.states import State
from outreach.switch import Switch
from scheduler.engine import UnknownRuleError
from scheduler.policy import Decision
from scheduler.runtime import Scheduler
from scheduler.say import SayRequest
from tests.outreach.prompts import an_hour_later
from tests.support.scheduling import ORDER_READY, come, event, now, only, scheduler, states

LONDON = ZoneInfo("Europe/London")


async def considered(
    made: Scheduler, redis: Redis, key: str = "e1", rule: str = "order_ready"
) -> Decision:
    """The decision on one occurrence for u42."""
    kept = made.rulebook.get(rule)
    assert kept is not None
    verdict = await made.engine.consider(
        kept.rule, "u42", key, event=event(id=key, time=await now(redis))
    )
    return verdict.decision


def quiet_around(at: float) -> str:
    """Quiet hours in London from an hour before to an hour after."""
    wall = datetime.fromtimestamp(at, LONDON)
    start, end = wall - timedelta(hours=1), wall + timedelta(hours=1)
    return f'policy: {{quiet_hours: "{start:%H:%M}-{end:%H:%M}", ttl: 12h}}\n'


async def test_the_same_occurrence_is_the_same_prompt(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        for _ in range(2):
            assert await considered(made, redis) is Decision.SPEAK
        assert await states(made) == [State.PUBLISHED]
        assert made.engine.counts["known"] == 1


async def test_two_schedulers_that_find_the_same_reason(redis: Redis) -> None:
    async with (
        scheduler(redis, ORDER_READY) as one,
        scheduler(redis, ORDER_READY, instance="two") as two,
    ):
        await considered(one, redis)
        await considered(two, redis)
        assert await states(one) == [State.PUBLISHED]


async def test_quiet_hours_hold_and_are_looked_at_again(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY + quiet_around(await now(redis))) as made:
        assert await considered(made, redis) is Decision.HOLD
        held = await only(made)
        assert held.state is State.HELD
        assert "quiet hours until" in held.steps[-1].reason
        assert held.until > await now(redis)
        # They travel to where it is day, and the prompt's time comes.
        await made.people.put(Person(user="u42", time_zone="Asia/Tokyo"))
        await made.ledger.move("u42", held.outreach.id, State.HELD, until=await now(redis) - 1)
        await an_hour_later(redis)
        await made.sweeper.sweep()
        assert (await only(made)).state is State.PUBLISHED


async def test_a_held_prompt_is_held_again_while_its_reason_lasts(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY + quiet_around(await now(redis))) as made:
        await considered(made, redis)
        held = await only(made)
        await made.ledger.move("u42", held.outreach.id, State.HELD, until=await now(redis) - 1)
        await an_hour_later(redis)
        await made.sweeper.sweep()
        again = await only(made)
        assert again.state is State.HELD
        assert abs(again.until - held.until) < 1


async def test_a_held_prompt_of_a_rule_that_was_paused_is_not_said(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY + quiet_around(await now(redis))) as made:
        await considered(made, redis)
        held = await only(made)
        await made.rulebook.set_status("order_ready", "paused", "ann", "wrong")
        await made.ledger.move("u42", held.outreach.id, State.HELD, until=await now(redis) - 1)
        await an_hour_later(redis)
        await made.sweeper.sweep()
        assert (await only(made)).state is State.SUPPRESSED


async def test_each_check_that_fails_is_in_the_ledger(redis: Redis) -> None:
    text = ORDER_READY + "when: 'event.data.drink == \"tea\"'\n"
    async with scheduler(redis, text) as made:
        assert await considered(made, redis) is Decision.SUPPRESS
        entry = await only(made)
        assert entry.steps[-1].evidence["check"] == "conditions"
        assert made.engine.counts["suppressed:conditions"] == 1


async def test_a_cap_counts_what_was_decided_a_moment_ago(redis: Redis) -> None:
    text = ORDER_READY + "policy: {cap: 1 per day}\n"
    async with scheduler(redis, text) as made:
        assert await considered(made, redis, "e1") is Decision.SPEAK
        assert await considered(made, redis, "e2") is Decision.SUPPRESS


async def test_two_rules_of_one_event_share_the_overall_cap(redis: Redis) -> None:
    text = ORDER_READY + "policy: {overall_cap: 1 per day}\n"
    other = text.replace("order_ready", "other")
    async with scheduler(redis, text, other) as made:
        seen = await made.engine.see("u42")
        decisions = []
        for name in ("order_ready", "other"):
            kept = made.rulebook.get(name)
            assert kept is not None
            told = event(time=await now(redis))
            verdict = await made.engine.consider(kept.rule, "u42", "e1", event=told, seen=seen)
            decisions.append(verdict.decision)
        assert decisions == [Decision.SPEAK, Decision.SUPPRESS]


async def test_a_condition_over_the_session_is_read_from_its_card(redis: Redis) -> None:
    text = ORDER_READY + "when: session.turns > 2\n"
    async with scheduler(redis, text) as made:
        await come(redis, "u42", turns=3)
        assert await considered(made, redis) is Decision.SPEAK


async def test_a_rule_in_shadow_says_nothing(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY.replace("live", "shadow")) as made:
        await considered(made, redis)
        assert await states(made) == [State.SHADOW]


async def test_a_prompt_that_is_not_due_yet_is_held_until_then(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        kept = made.rulebook.get("order_ready")
        assert kept is not None
        at = await now(redis)
        await made.engine.consider(
            kept.rule, "u42", "e1", event=event(time=at), due=at + 600, born=at
        )
        entry = await only(made)
        assert (entry.state, entry.until) == (State.HELD, at + 600)
        assert entry.outreach.expires == at + 600 + 900


async def test_one_thing_is_said_to_one_person(redis: Redis) -> None:
    async with scheduler(redis) as made:
        asked = SayRequest(user="u42", text="The shop closes {now}.", key="k1")
        first = await made.engine.say(asked, "shop")
        second = await made.engine.say(asked, "shop")
        entry = await only(made)
        assert (first.duplicate, second.duplicate) == (False, True)
        assert (entry.state, entry.outreach.text) == (State.PUBLISHED, "The shop closes {now}.")
        assert entry.steps[-1].evidence["asked_by"] == "shop"


async def test_who_refused_a_purpose_hears_nothing_of_it(redis: Redis) -> None:
    async with scheduler(redis) as made:
        await Consent(redis).refuse("u42", "offers", "the person")
        await made.engine.say(SayRequest(user="u42", text="Buy!", purpose="offers"), "shop")
        entry = await only(made)
        assert entry.state is State.SUPPRESSED
        assert entry.steps[-1].evidence["check"] == "consent"


async def test_the_switch_stops_everything(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await Switch(redis).stop("ann", "wrong prices")
        assert await considered(made, redis) is Decision.SUPPRESS
        assert "wrong prices" in (await only(made)).steps[-1].reason


async def heard(made: Scheduler, id: str) -> None:
    """The prompt was spoken to its end."""
    claim = await made.ledger.reserve("u42", id, "one/sess_1")
    assert isinstance(claim, Claim)
    assert await made.ledger.begin(claim) is None
    assert await made.ledger.report(claim, State.HEARD)


async def test_not_now_means_later(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY + "policy: {cooldown: 1h}\n") as made:
        await considered(made, redis)
        first = await only(made)
        await heard(made, first.outreach.id)
        for _ in range(2):
            later_id = await made.engine.defer(first, 600)
        found = {each.outreach.id: each for each in await made.ledger.search(user="u42")}
        assert found.keys() == {first.outreach.id, later_id}
        assert found[first.outreach.id].state is State.DEFERRED
        later = found[later_id]
        assert later.state is State.HELD
        assert later.outreach.due - first.outreach.due > 590
        # Its time comes: the cooldown is none of it, because they asked.
        await made.ledger.move("u42", later_id, State.HELD, until=await now(redis) - 1)
        await an_hour_later(redis)
        await made.sweeper.sweep()
        waits = await made.ledger.get(later_id)
        assert waits is not None
        assert waits.state is State.HELD  # ten minutes have not passed
        assert "not due" in waits.steps[-1].reason


async def test_any_key_can_be_deferred_again_and_again(redis: Redis) -> None:
    async with scheduler(redis) as made:
        said = await made.engine.say(SayRequest(user="u42", text="Hello.", key="a:later:b"), "ann")
        entry = await made.ledger.get(said.outreach.id)
        keys = []
        for _ in range(3):
            assert entry is not None
            entry = await made.ledger.get(await made.engine.defer(entry, 600))
            assert entry is not None
            keys.append(entry.outreach.key)
        assert keys == ["a:later:b:later:1", "a:later:b:later:2", "a:later:b:later:3"]


async def test_a_deferred_prompt_is_said_in_spite_of_the_cooldown(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY + "policy: {cooldown: 1h}\n") as made:
        await considered(made, redis)
        first = await only(made)
        await heard(made, first.outreach.id)
        later_id = await made.engine.defer(first, 0.001)
        await made.engine.look_again("u42", later_id)
        later = await made.ledger.get(later_id)
        assert later is not None
        assert later.state is State.PUBLISHED


async def test_a_deferred_prompt_of_a_rule_that_was_paused_meanwhile(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY) as made:
        await considered(made, redis)
        first = await only(made)
        await heard(made, first.outreach.id)
        later_id = await made.engine.defer(first, 0.001)
        await made.rulebook.set_status("order_ready", "paused", "ann", "")
        assert await made.engine.look_again("u42", later_id) is State.SUPPRESSED


async def test_a_preview_shows_every_check_and_writes_nothing(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY + quiet_around(await now(redis))) as made:
        kept = made.rulebook.get("order_ready")
        assert kept is not None
        verdict, words = await made.engine.preview(kept.rule, "u42")
        assert verdict.decision is Decision.HOLD
        assert words == "Your drink is ready."
        assert "floor" in [check.name for check in verdict.checks]
        assert await states(made) == []


async def test_a_test_is_sent_whatever_the_rules_status_and_not_counted(redis: Redis) -> None:
    async with scheduler(redis, ORDER_READY.replace("live", "draft")) as made:
        sent = await made.engine.test("order_ready", "ann", "ann")
        entry = await only(made, "ann")
        assert entry.outreach.id == sent.id
        assert entry.outreach.test
        assert entry.state is State.PUBLISHED
        assert made.engine.counts["published"] == 0
        assert (await made.engine.see("ann")).person.recent == []


async def test_a_test_of_a_rule_that_is_not_there(redis: Redis) -> None:
    async with scheduler(redis) as made:
        with pytest.raises(UnknownRuleError, match="nothing"):
            await made.engine.test("nothing", "ann", "ann")


class _Here:
    """A process that has every session."""

    def __init__(self, takes: bool) -> None:
        self.takes = takes
        self.told: list[tuple[str, str]] = []

    def expect(self, outreach: Outreach, session: str) -> None:
        self.told.append(("expect", session))

    async def bring(self, outreach: Outreach, session: str) -> bool:
        self.told.append(("bring", session))
        return self.takes


@pytest.mark.parametrize("takes", [True, False])
async def test_who_is_here_hears_it_without_the_bus(redis: Redis, takes: bool) -> None:
    bus = MemoryBus("one")
    async with scheduler(redis, ORDER_READY, bus=bus) as made:
        await come(redis, "u42", "s1")
        near = made.engine.near = _Here(takes)
        assert await considered(made, redis) is Decision.SPEAK
        assert near.told == [("expect", "s1"), ("bring", "s1")]
        assert bus.counts["outreach", "", "published"] == (0 if takes else 1)
