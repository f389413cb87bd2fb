"""A rule that people turn away from is paused."""

from redis.asyncio import Redis

from outreach.claims import Claim
from outreach.states import State
from scheduler.runtime import Scheduler
from tests.support.scheduling import ORDER_READY, event, now, scheduler

TEXT = ORDER_READY + "breaker: {share: 0.3, of: 5}\n"


async def outcomes(made: Scheduler, redis: Redis, first: int, *came: State) -> None:
    """A prompt to one person each, that came to this."""
    for number, state in enumerate(came, start=first):
        user = f"u{number}"
        await made.intake.handle(event(id=f"e{number}", user=user, time=await now(redis)))
        (entry,) = await made.ledger.search(user=user)
        claim = await made.ledger.reserve(user, entry.outreach.id, "one/s")
        assert isinstance(claim, Claim)
        assert await made.ledger.begin(claim) is None
        assert await made.ledger.report(claim, state)


async def test_too_many_interruptions_pause_the_rule(redis: Redis) -> None:
    async with scheduler(redis, TEXT) as made:
        await outcomes(made, redis, 0, *[State.HEARD] * 3, *[State.INTERRUPTED] * 2)
        await made.breaker.look()
        kept = made.rulebook.get("order_ready")
        assert kept is not None
        assert kept.changed is not None
        assert (kept.rule.status, kept.changed.by) == ("paused", "breaker")
        assert "2 of the last 5 people" in kept.changed.why
        assert made.breaker.paused == 1


async def test_a_few_do_not(redis: Redis) -> None:
    async with scheduler(redis, TEXT) as made:
        await outcomes(made, redis, 0, *[State.HEARD] * 4, State.INTERRUPTED)
        await made.breaker.look()
        assert made.breaker.paused == 0


async def test_nor_does_a_share_of_too_few(redis: Redis) -> None:
    async with scheduler(redis, TEXT) as made:
        await outcomes(made, redis, 0, *[State.INTERRUPTED] * 4)
        await made.breaker.look()
        assert made.breaker.paused == 0


async def test_put_live_again_it_is_judged_by_what_comes_then(redis: Redis) -> None:
    async with scheduler(redis, TEXT) as made:
        await outcomes(made, redis, 0, *[State.INTERRUPTED] * 5)
        await made.breaker.look()
        await made.rulebook.set_status("order_ready", "live", "ann", "reworded")
        await made.breaker.look()
        kept = made.rulebook.get("order_ready")
        assert kept is not None
        assert kept.rule.status == "live"
        await outcomes(made, redis, 5, *[State.INTERRUPTED] * 5)
        await made.breaker.look()
        assert made.breaker.paused == 2
