"""What is to be said is entered once, waits, is said by one, and its story can be read."""

import time

import pytest
from redis.asyncio import Redis

from outreach.claims import Claim, Refused
from outreach.ledger import Ledger, OutreachUnavailableError
from outreach.ledger_script import FIRST_STEPS, LAST_STEPS, MAX_WAITING
from outreach.people import Consent
from outreach.states import OVER, State
from outreach.switch import Switch
from sessions.connect import connect
from tests.outreach.prompts import LONG_S, prompt, published, recent, reserved, spoken, state
from tests.support.redis_server import RedisServer


async def test_a_prompt_that_is_heard_has_its_whole_story(ledger: Ledger) -> None:
    outreach = prompt()
    assert await ledger.open(outreach, State.HELD, reason="quiet hours until 08:00", until=1.0)
    assert await ledger.move("u42", outreach.id, State.PUBLISHED, reason="08:00", by="scheduler")
    claim = await reserved(ledger, outreach, "one/s1")
    assert await ledger.begin(claim, evidence={"waited_for": "a pause"}) is None
    assert await ledger.report(claim, State.HEARD, evidence={"heard_ms": 1800, "by": "client"})
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert entry.outreach == outreach
    assert (entry.state, entry.epoch, entry.begun, entry.holder) == (State.HEARD, 1, 1, "")
    assert [step.state.value for step in entry.steps] == [
        *("matched", "held", "published", "reserved", "speaking", "heard")
    ]
    assert entry.steps[1].reason == "quiet hours until 08:00"
    assert [entry.steps[2].by, entry.steps[3].by] == ["scheduler", "one"]
    assert entry.steps[4].evidence == {"begun": 1, "epoch": 1, "waited_for": "a pause"}
    assert entry.steps[5].evidence == {"heard_ms": 1800, "by": "client"}
    times = [step.at for step in entry.steps]
    assert times == sorted(times)


async def test_the_same_prompt_is_entered_once(ledger: Ledger) -> None:
    outreach = await published(ledger)
    assert not await ledger.open(outreach, State.PUBLISHED)
    assert not await ledger.open(outreach, State.SUPPRESSED, reason="cooldown")
    assert [entry.state for entry in await ledger.mailbox("u42")] == [State.PUBLISHED]


async def test_a_prompt_that_was_heard_is_not_opened_anew(ledger: Ledger) -> None:
    outreach = await published(ledger)
    claim = await spoken(ledger, outreach)
    await ledger.report(claim, State.HEARD)
    assert not await ledger.open(outreach, State.PUBLISHED)
    assert await ledger.reserve("u42", outreach.id, "two/s2") is Refused.OVER


@pytest.mark.parametrize(
    "begins", [State.SUPPRESSED, State.HOLDOUT, State.SHADOW, State.FAILED, State.HELD]
)
async def test_what_is_not_published_is_in_no_mailbox(ledger: Ledger, begins: State) -> None:
    outreach = prompt()
    assert await ledger.open(outreach, begins, reason="because", until=time.time() + 60)
    assert await ledger.mailbox("u42") == []
    assert await ledger.reserve("u42", outreach.id, "one/s1") is Refused.OVER
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert entry.steps[-1].reason == "because"


async def test_a_prompt_cannot_begin_in_the_middle(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="cannot begin as heard"):
        await ledger.open(prompt(), State.HEARD)


async def test_the_mailbox_has_the_soonest_first(ledger: Ledger) -> None:
    now = time.time()
    for key, due in (("later", now + 5), ("soon", now), ("next", now + 1)):
        await published(ledger, key, due=due)
    await published(ledger, "another's", user="u43")
    waiting = [entry.outreach.key for entry in await ledger.mailbox("u42")]
    assert waiting == ["soon", "next", "later"]


async def test_what_is_past_its_time_leaves_the_mailbox(ledger: Ledger) -> None:
    outreach = await published(ledger, ttl_s=-1)
    assert await ledger.mailbox("u42") == []
    assert await state(ledger, outreach) is State.EXPIRED


async def test_what_is_past_its_time_is_not_reserved(ledger: Ledger) -> None:
    outreach = await published(ledger, ttl_s=-1)
    assert await ledger.reserve("u42", outreach.id, "one/s1") is Refused.EXPIRED
    assert await state(ledger, outreach) is State.EXPIRED


async def test_held_too_long_is_not_published(ledger: Ledger) -> None:
    outreach = prompt(ttl_s=-1)
    await ledger.open(outreach, State.HELD, until=time.time())
    assert not await ledger.move("u42", outreach.id, State.PUBLISHED)
    assert await state(ledger, outreach) is State.EXPIRED


async def test_a_full_mailbox_suppresses_what_comes_next(real: Redis) -> None:
    ledger = Ledger(real, "one")
    for number in range(MAX_WAITING):
        await published(ledger, str(number))
    outreach = await published(ledger, "one too many")
    held = prompt("was held")
    await ledger.open(held, State.HELD, until=time.time())
    assert not await ledger.move("u42", held.id, State.PUBLISHED)
    for left_out in (outreach, held):
        entry = await ledger.get(left_out.id)
        assert entry is not None
        assert (entry.state, entry.steps[-1].reason) == (State.SUPPRESSED, "mailbox full")
    assert len(await ledger.mailbox("u42")) == MAX_WAITING
    assert await state(ledger, await published(ledger, user="u43")) is State.PUBLISHED
    assert (await ledger.funnel("order_ready"))["suppressed:mailbox full"] == 2
    await ledger.aclose()


async def test_moves_keep_to_the_table_and_to_claims(ledger: Ledger) -> None:
    outreach = await published(ledger)
    move = ledger.move
    assert not await move("u42", outreach.id, State.ENGAGED)
    assert not await move("u42", outreach.id, State.RESERVED)
    assert not await move("u42", outreach.id, State.CANCELLED, from_={State.HELD})
    assert not await move("u42", "out_0000000000000000", State.CANCELLED)
    claim = await spoken(ledger, outreach)
    assert not await move("u42", outreach.id, State.HEARD)
    assert not await move("u42", outreach.id, State.PUBLISHED)
    assert await ledger.report(claim, State.HEARD)
    assert await move("u42", outreach.id, State.ENGAGED)
    assert await move("u42", outreach.id, State.OPTED_OUT)
    assert not await move("u42", outreach.id, State.CONVERTED)


async def test_a_long_story_keeps_its_beginning_and_its_end(ledger: Ledger) -> None:
    outreach = prompt()
    await ledger.open(outreach, State.HELD, until=1.0)
    for number in range(FIRST_STEPS + LAST_STEPS):
        await ledger.move("u42", outreach.id, State.HELD, reason=str(number), until=1.0)
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert len(entry.steps) == FIRST_STEPS + LAST_STEPS
    assert entry.steps[0].state is State.MATCHED
    assert entry.steps[FIRST_STEPS - 1].reason == str(FIRST_STEPS - 3)
    assert entry.steps[-1].reason == str(FIRST_STEPS + LAST_STEPS - 1)
    assert entry.steps[FIRST_STEPS].reason == str(FIRST_STEPS)


async def test_much_evidence_is_left_out(ledger: Ledger) -> None:
    outreach = prompt()
    await ledger.open(outreach, State.FAILED, reason="x" * 900, evidence={"page": "y" * 10_000})
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert entry.steps[-1].reason == "x" * 500
    assert entry.steps[-1].evidence == {"left_out": "10011 bytes of evidence"}


async def test_an_event_withdraws_what_names_it(ledger: Ledger) -> None:
    waits = await published(ledger, "waits", cancel_on=("order.collected",))
    queued = await published(ledger, "queued", cancel_on=("shop.closed", "order.collected"))
    claim = await reserved(ledger, queued)
    held = prompt("held", cancel_on=("order.collected",))
    await ledger.open(held, State.HELD, until=time.time() + 60)
    said = await published(ledger, "said", cancel_on=("order.collected",))
    await spoken(ledger, said)
    other = await published(ledger, "other", cancel_on=("shop.closed",))
    assert await ledger.cancel_on("u42", "order.collected") == 3
    assert await ledger.cancel_on("u42", "order.collected") == 0
    for outreach in (waits, queued, held):
        entry = await ledger.get(outreach.id)
        assert entry is not None
        assert (entry.state, entry.steps[-1].reason) == (
            State.CANCELLED,
            "order.collected happened",
        )
    assert await state(ledger, other) is State.PUBLISHED
    assert await state(ledger, said) is State.SPEAKING
    assert await ledger.begin(claim) is Refused.OVER
    assert await ledger.renew([claim]) == [claim]


async def test_what_the_person_then_did_converts(ledger: Ledger) -> None:
    heard = await published(ledger, "heard", convert_on=("order.collected",))
    await ledger.report(await spoken(ledger, heard), State.HEARD)
    held_out = prompt("held out", convert_on=("order.collected",))
    await ledger.open(held_out, State.HOLDOUT)
    waits = await published(ledger, "waits", convert_on=("order.collected",))
    hopes_else = await published(ledger, "else", convert_on=("order.paid",))
    await ledger.report(await spoken(ledger, hopes_else), State.HEARD)
    assert await ledger.converted_by("u42", "order.collected") == 2
    assert await ledger.converted_by("u42", "order.collected") == 0
    states = [await state(ledger, one) for one in (heard, held_out, waits, hopes_else)]
    assert states == [State.CONVERTED, State.CONVERTED, State.PUBLISHED, State.HEARD]


async def test_what_is_over_awaits_nothing(ledger: Ledger, client: Redis) -> None:
    for key, last in (("a", State.CANCELLED), ("b", State.EXPIRED)):
        outreach = await published(ledger, key, cancel_on=("x",), convert_on=("y",))
        await ledger.move("u42", outreach.id, last)
    assert await client.zcard("overture:{u42}:awaits") == 0


async def test_refusing_a_purpose_withdraws_what_waits_of_it(ledger: Ledger) -> None:
    mine = await published(ledger, "1", purpose="orders")
    other = await published(ledger, "2", purpose="news")
    assert await ledger.cancel_purpose("u42", "orders", "they said stop") == 1
    assert await state(ledger, mine) is State.CANCELLED
    assert await ledger.cancel_purpose("u42", "*", "they said stop") == 1
    assert await state(ledger, other) is State.CANCELLED


@pytest.mark.parametrize("refused", ["orders", "*"])
async def test_a_refusal_between_reserving_and_saying_is_heeded(
    ledger: Ledger, client: Redis, refused: str
) -> None:
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    await Consent(client).refuse("u42", refused, "themself")
    assert await ledger.begin(claim) is Refused.CONSENT
    assert await state(ledger, outreach) is State.CANCELLED
    again = await published(ledger, "2")
    assert await ledger.reserve("u42", again.id, "one/s1") is Refused.CONSENT


async def test_another_purpose_may_be_refused(ledger: Ledger, client: Redis) -> None:
    await Consent(client).refuse("u42", "news", "themself")
    await Consent(client).agree("u42", "orders", "themself")
    await Consent(client).refuse("u43", "orders", "themself")
    await spoken(ledger, await published(ledger))


async def test_the_switch_holds_at_the_last_moment(ledger: Ledger, client: Redis) -> None:
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    await Switch(client).stop("operator", "a wrong rule")
    assert await ledger.begin(claim) is Refused.STOPPED
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert (entry.state, entry.begun) == (State.PUBLISHED, 0)
    steps = len(entry.steps)
    assert await ledger.reserve("u42", outreach.id, "one/s1") is Refused.STOPPED
    other = Ledger(client, "two")
    assert await other.reserve("u42", outreach.id, "two/s1") is Refused.STOPPED
    await Switch(client).resume("operator")
    claim = await reserved(ledger, outreach)
    assert not claim.again
    assert await ledger.begin(claim) is None
    entry = await ledger.get(outreach.id)
    assert entry is not None
    # Only the instance that had not known of the switch has written anything meanwhile.
    assert len(entry.steps) == steps + 2 + 2


async def test_who_was_away_is_told_so(ledger: Ledger) -> None:
    outreach = await published(ledger, due=time.time() - 30)
    assert await ledger.note_away("u42", outreach.id)
    assert not await ledger.note_away("u42", outreach.id)
    claim = await reserved(ledger, outreach)
    assert (claim.late, claim.again, claim.begun) == (True, True, 0)
    assert claim.entry.steps[-2].evidence == {"away": True}


async def test_reloading_the_page_is_not_being_away(ledger: Ledger) -> None:
    outreach = await published(ledger)
    assert await ledger.note_away("u42", outreach.id)
    assert not (await reserved(ledger, outreach)).again


async def test_waiting_for_a_pause_is_not_being_away(ledger: Ledger) -> None:
    outreach = await published(ledger, due=time.time() - 30)
    assert not (await reserved(ledger, outreach)).again


async def test_nobody_is_away_before_it_is_due(ledger: Ledger) -> None:
    outreach = await published(ledger, due=time.time() + 300)
    assert not await ledger.note_away("u42", outreach.id)


async def test_caps_count_what_went_out_and_not_what_ended_unspoken(
    ledger: Ledger, client: Redis
) -> None:
    heard, cancelled, cut = [await published(ledger, key) for key in ("1", "2", "3")]
    await published(ledger, "4", test=True)
    await ledger.open(prompt("5"), State.SUPPRESSED, reason="cooldown")
    await ledger.report(await spoken(ledger, heard), State.HEARD)
    assert [one.id for one in await recent(client, "u42", 0)] == [cut.id, cancelled.id, heard.id]
    await ledger.move("u42", cancelled.id, State.CANCELLED)
    await ledger.report(await spoken(ledger, cut), State.EXPIRED)
    counted = await recent(client, "u42", 0)
    assert [(one.id, one.rule, one.purpose) for one in counted] == [
        (cut.id, "order_ready", "orders"),
        (heard.id, "order_ready", "orders"),
    ]
    assert [one.id for one in await recent(client, "u42", counted[0].at)] == [cut.id]
    assert await recent(client, "u42", counted[0].at + 1) == []
    assert await recent(client, "u43", 0) == []


async def test_publishing_again_does_not_count_again(ledger: Ledger, client: Redis) -> None:
    outreach = await published(ledger)
    (first,) = await recent(client, "u42", 0)
    await ledger.give_back(await spoken(ledger, outreach))
    assert await recent(client, "u42", 0) == [first]


@pytest.mark.parametrize(
    "user", ["u{42}", "{", "}{", "u42}:mailbox{", "a b", "%7B", "u\n42", "ü✓", "*", "x" * 256]
)
async def test_users_with_hostile_names_have_their_own_ledger(ledger: Ledger, user: str) -> None:
    other = await published(ledger, user="u42")
    mine = await published(ledger, user=user)
    assert [entry.outreach.user for entry in await ledger.mailbox(user)] == [user]
    await ledger.report(await spoken(ledger, mine), State.HEARD)
    assert (entry := await ledger.get(mine.id)) is not None
    assert (entry.outreach.user, entry.state) == (user, State.HEARD)
    assert [entry.outreach.user for entry in await ledger.search(user=user)] == [user]
    assert await state(ledger, other) is State.PUBLISHED
    # Whoever names another person does not get at their prompt.
    assert await ledger.reserve(user, other.id, "one/s1") is Refused.GONE
    assert not await ledger.move(user, other.id, State.CANCELLED)


async def test_everything_ends_by_itself(ledger: Ledger, client: Redis) -> None:
    outreach = await published(ledger, cancel_on=("x",))
    await ledger.report(await spoken(ledger, outreach), State.HEARD)
    await ledger.open(prompt("2"), State.HELD, until=time.time() + 60)
    await ledger.funnel("order_ready")
    lasting = {key.decode() async for key in client.scan_iter() if await client.ttl(key) < 0}
    # Counts, and two sets of names that are no longer than what they name.
    assert lasting == {
        "overture:index:{outreach}:due",
        "overture:index:{outreach}:funnel:order_ready",
        "overture:index:{outreach}:rules",
    }


async def test_without_redis_nothing_is_granted(real: Redis, server: RedisServer) -> None:
    ledger = Ledger(real, "one")
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    server.kill()
    try:
        for asked in (
            ledger.begin(claim),
            ledger.reserve("u42", outreach.id, "two/s2"),
            ledger.renew([claim]),
            ledger.report(claim, State.HEARD),
            ledger.open(prompt("2"), State.PUBLISHED),
            ledger.mailbox("u42"),
            ledger.lapsed(),
            ledger.search(),
            ledger.funnel("order_ready"),
        ):
            with pytest.raises(OutreachUnavailableError):
                await asked
    finally:
        server.start()
    # With its file, it knows all again, though not the scripts by name.
    assert await ledger.begin(claim, LONG_S) is None
    assert await ledger.report(claim, State.HEARD)
    await ledger.aclose()


async def test_a_redis_that_stands_still_grants_nothing(server: RedisServer) -> None:
    connection = await connect(server.url, server.folder)
    await connection.client.flushall()
    ledger = Ledger(connection.client, "one")
    outreach = await published(ledger)
    claim = await reserved(ledger, outreach)
    server.freeze()
    try:
        with pytest.raises(OutreachUnavailableError):
            await ledger.begin(claim)
    finally:
        server.thaw()
    # It may read what it was asked once it goes on: then it may have been heard, for all it knows.
    entry = await ledger.get(outreach.id)
    assert entry is not None
    assert (entry.state, entry.begun) in ((State.RESERVED, 0), (State.SPEAKING, 1))
    assert await ledger.give_back(claim, unsaid=True)
    assert not (await reserved(ledger, outreach)).again
    await ledger.aclose()
    await connection.aclose()


def test_what_is_over_is_what_no_session_may_take() -> None:
    taken = {State.PUBLISHED, State.RESERVED, State.SPEAKING}
    assert set(State) - OVER == taken | {State.MATCHED, State.HELD}


async def test_a_claim_is_plain(ledger: Ledger) -> None:
    claim = await reserved(ledger, await published(ledger), "one/s1", lease_s=LONG_S)
    assert isinstance(claim, Claim)
    assert claim.entry.holder == "one/s1"
    assert claim.entry.until - claim.entry.steps[-1].at == pytest.approx(LONG_S, abs=0.001)
