"""One session at a time has a prompt, and whoever lost it has no say."""

import asyncio

import pytest

from outreach import asking
from outreach.claims import Claim, Refused
from outreach.ledger import Ledger
from outreach.ledger_script import LEDGER
from outreach.scripts import Script
from outreach.states import State
from outreach.switch import SWITCH
from tests.outreach.prompts import LONG_S, published, reserved, spoken, state


async def test_two_sessions_cannot_have_one_prompt(ledger: Ledger) -> None:
    outreach = await published(ledger)
    asked = [ledger.reserve("u42", outreach.id, f"one/s{n}", LONG_S) for n in range(20)]
    answers = await asyncio.gather(*asked)
    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert answers.count(Refused.TAKEN) == 19


async def test_a_lease_that_ran_out_is_anybodys(ledger: Ledger) -> None:
    outreach = await published(ledger)
    first = await reserved(ledger, outreach, "one/s1", lease_s=0)
    second = await reserved(ledger, outreach, "two/s2")
    assert (first.epoch, second.epoch) == (1, 2)
    assert second.entry.steps[-1].reason == "its holder one/s1 is gone"
    assert await ledger.begin(first) is Refused.TAKEN
    assert not await ledger.give_back(first)
    assert await ledger.renew([first, second], LONG_S) == [first]
    assert await ledger.begin(second) is None


async def test_a_killed_speaker_s_prompt_is_said_again_only_as_such(ledger: Ledger) -> None:
    outreach = await published(ledger)
    await spoken(ledger, outreach, holder="one/s1", lease_s=0)
    second = await reserved(ledger, outreach, "two/s2")
    assert (second.begun, second.again) == (1, True)


async def test_a_late_report_is_noted_and_changes_nothing(ledger: Ledger) -> None:
    outreach = await published(ledger)
    first = await spoken(ledger, outreach, lease_s=0)
    second = await spoken(ledger, outreach, holder="two/s2")
    assert not await ledger.report(first, State.INTERRUPTED, evidence={"heard_ms": 300})
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert entry.state is State.SPEAKING
    assert entry.steps[-1].reason == 'too late: "interrupted" was reported for epoch 1'
    assert entry.steps[-1].evidence == {"heard_ms": 300}
    assert await ledger.report(second, State.HEARD)


async def test_a_report_that_is_sent_twice_counts_once(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach)
    assert await ledger.report(claim, State.HEARD)
    assert await ledger.report(claim, State.HEARD)
    assert not await ledger.report(claim, State.INTERRUPTED)
    assert (await ledger.funnel("order_ready"))["heard"] == 1
    assert await state(ledger, outreach) is State.HEARD


@pytest.mark.parametrize("to", [State.PUBLISHED, State.RESERVED, State.ENGAGED, State.HELD])
async def test_only_an_end_can_be_reported(ledger: Ledger, to: State) -> None:
    claim = await spoken(ledger, await published(ledger))
    assert not await ledger.report(claim, to)


async def test_what_was_not_begun_was_not_heard(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    assert not await ledger.report(claim, State.HEARD)
    assert await ledger.report(claim, State.FAILED, reason="no voice")
    assert await state(ledger, outreach) is State.FAILED


async def test_a_lease_that_ran_out_and_that_nobody_took_goes_on(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach, lease_s=0)
    assert await ledger.renew([claim], LONG_S) == []
    assert await ledger.reserve("u42", outreach.id, "two/s2") is Refused.TAKEN
    assert await ledger.begin(claim) is None


async def test_a_lease_that_was_given_up_and_that_nobody_took_goes_on(ledger: Ledger) -> None:
    """After a pause of Redis the sweeper may be faster than the holder, who still speaks."""
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach, lease_s=0)
    assert await ledger.give_up_lease("u42", outreach.id)
    assert await state(ledger, outreach) is State.PUBLISHED
    assert await ledger.renew([claim], LONG_S) == []
    assert await state(ledger, outreach) is State.SPEAKING
    assert await ledger.report(claim, State.HEARD)


async def test_what_was_heard_before_the_lease_was_given_up_counts(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach, lease_s=0)
    await ledger.give_up_lease("u42", outreach.id)
    assert await ledger.report(claim, State.HEARD)
    assert await ledger.mailbox("u42") == []


async def test_what_was_given_up_and_taken_by_another_is_lost(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach, lease_s=0)
    await ledger.give_up_lease("u42", outreach.id)
    second = await reserved(ledger, outreach, "two/s2")
    assert await ledger.renew([claim]) == [claim]
    assert not await ledger.report(claim, State.HEARD)
    assert second.again


async def test_a_claim_before_the_last_one_is_never_taken_up_again(ledger: Ledger) -> None:
    outreach = await published(ledger)
    first = await spoken(ledger, outreach, lease_s=0)
    await ledger.give_up_lease("u42", outreach.id)
    second = await reserved(ledger, outreach, "two/s2")
    await ledger.give_back(second)
    assert await ledger.renew([first, second]) == [first, second]
    assert await state(ledger, outreach) is State.PUBLISHED


async def test_a_lease_that_holds_is_not_given_up(ledger: Ledger) -> None:
    outreach = await published(ledger)
    await reserved(ledger, outreach)
    assert not await ledger.give_up_lease("u42", outreach.id)
    assert not await ledger.give_up_lease("u42", "out_0000000000000000")


async def test_who_gives_it_back_has_it_no_more(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    assert await ledger.give_back(claim, "the other tab is used")
    assert not await ledger.give_back(claim)
    assert await ledger.renew([claim]) == [claim]
    assert await ledger.begin(claim) is Refused.TAKEN
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert entry.steps[-1].reason == "the other tab is used"
    assert not (await reserved(ledger, outreach, "one/s2")).again


async def test_a_grant_that_was_not_used_is_no_beginning(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach)
    assert await ledger.give_back(claim, "they began to speak", unsaid=True)
    assert not (await reserved(ledger, outreach)).again


async def test_a_second_attempt_under_one_claim_is_granted_anew(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach)
    assert await ledger.begin(claim) is None
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert (entry.state, entry.begun) == (State.SPEAKING, 2)
    assert entry.steps[-1].reason == "begun again"


async def test_what_was_begun_often_enough_is_dead(ledger: Ledger) -> None:
    given_back = await published(ledger, "1", attempts=2)
    for _ in range(2):
        assert await ledger.give_back(await spoken(ledger, given_back))
    lapsed = await published(ledger, "2", attempts=1)
    await spoken(ledger, lapsed, lease_s=0)
    assert await ledger.reserve("u42", lapsed.id, "two/s2") is Refused.OVER
    left = await published(ledger, "3", attempts=1)
    await spoken(ledger, left, lease_s=0)
    await ledger.give_up_lease("u42", left.id)
    for outreach in (given_back, lapsed, left):
        assert await state(ledger, outreach) is State.DEAD
    assert await ledger.mailbox("u42") == []


async def test_claims_of_many_people_are_renewed_at_once(ledger: Ledger) -> None:
    claims = [
        await reserved(ledger, await published(ledger, user=f"u{number}")) for number in range(30)
    ]
    await ledger.give_back(claims[7])
    assert await ledger.renew(claims) == [claims[7]]
    assert await ledger.renew([]) == []


async def test_an_unknown_prompt_is_gone(ledger: Ledger) -> None:
    assert await ledger.reserve("u42", "out_0000000000000000", "one/s1") is Refused.GONE
    claim = await spoken(ledger, await published(ledger))
    lost = Claim("u42", "out_0000000000000000", 1, 0, claim.entry)
    assert await ledger.begin(lost) is Refused.GONE
    assert not await ledger.report(lost, State.HEARD)
    assert await ledger.get("out_0000000000000000") is None


async def test_whoever_stops_all_while_a_claim_is_made_is_obeyed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    stop = f"redis.call('SET', '{SWITCH}', '{{\"stopped\":true}}')\n"
    monkeypatch.setattr(asking, "LEDGER", Script(stop + LEDGER.text))
    assert await ledger.begin(claim) is Refused.STOPPED
    assert await state(ledger, outreach) is State.PUBLISHED
