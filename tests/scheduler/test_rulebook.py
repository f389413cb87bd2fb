"""Rules: versions that never change, a status beside them, and every instance sees a change."""

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from outreach.errors import OutreachUnavailableError
from scheduler.rulebook import MISSING, Rulebook, SavedRule
from tests.support.redis_server import RedisServer
from tests.support.scheduling import ORDER_READY, rules, until


async def book(redis: Redis, *texts: str) -> Rulebook:
    made = Rulebook(redis, rules(*texts))
    await made.refresh()
    return made


async def test_rules_of_the_folder_are_versions_by_files(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    kept = made.get("order_ready")
    assert kept is not None
    assert (kept.saved.by, kept.rule.version, kept.rule.status) == ("files", 1, "live")
    assert [rule.name for rule in made.rules().for_event("order.ready")] == ["order_ready"]


async def test_the_same_files_again_make_no_new_version(redis: Redis) -> None:
    await book(redis, ORDER_READY)
    made = await book(redis, ORDER_READY)
    versions, _ = await made.history("order_ready")
    assert [each.version for each in versions] == [1]


async def test_a_changed_file_is_a_new_version_and_the_old_one_stays(redis: Redis) -> None:
    first = await book(redis, ORDER_READY)
    changed = ORDER_READY.replace("is ready", "waits")
    await book(redis, changed)
    await first.refresh()
    kept = first.get("order_ready")
    assert kept is not None
    assert (kept.rule.version, kept.rule.say[0].say) == (2, "Your {event.data.drink} waits.")
    versions, _ = await first.history("order_ready")
    assert "is ready" in versions[0].text


async def test_an_edit_in_the_console_stands_until_the_file_changes(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    saved = await made.save(ORDER_READY.replace("is ready", "is here"), "ann")
    assert isinstance(saved, SavedRule)
    assert (saved.version, saved.by) == (2, "ann")
    again = await book(redis, ORDER_READY)
    kept = again.get("order_ready")
    assert kept is not None
    assert "is here" in kept.saved.text


async def test_a_rule_with_a_mistake_is_not_kept(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    problems = await made.save("name: wrong\nstatus: live\ntrigger: {evnt: x}\nsay: Hi.\n", "ann")
    assert not isinstance(problems, SavedRule)
    assert "did you mean 'event'" in problems[0].message
    assert made.get("wrong") is None


async def test_one_rule_is_saved_at_a_time(redis: Redis) -> None:
    made = await book(redis)
    assert not isinstance(await made.save("rules: []", "ann"), SavedRule)


async def test_a_status_is_set_beside_the_versions(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    assert await made.set_status("order_ready", "paused", "ann", "wrong prices")
    kept = made.get("order_ready")
    assert kept is not None
    assert kept.changed is not None
    assert (kept.rule.status, kept.changed.why, kept.rule.version) == ("paused", "wrong prices", 1)
    _, changes = await made.history("order_ready")
    assert [(each.status, each.by) for each in changes] == [("paused", "ann")]


async def test_an_edit_that_leaves_the_status_does_not_put_a_paused_rule_live(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    await made.set_status("order_ready", "paused", "ann", "")
    await made.save(ORDER_READY.replace("is ready", "is here"), "ann")
    kept = made.get("order_ready")
    assert kept is not None
    assert kept.rule.status == "paused"


async def test_an_edit_that_says_another_status_sets_it(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    await made.set_status("order_ready", "paused", "ann", "")
    await made.save(ORDER_READY.replace("live", "shadow"), "ann")
    kept = made.get("order_ready")
    assert kept is not None
    assert (kept.rule.status, kept.changed) == ("shadow", None)


async def test_a_file_that_says_another_status_sets_it(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    await made.set_status("order_ready", "paused", "ann", "")
    again = await book(redis, ORDER_READY.replace("live", "shadow"))
    kept = again.get("order_ready")
    assert kept is not None
    assert (kept.rule.status, kept.changed) == ("shadow", None)


async def test_there_is_no_status_of_a_rule_that_is_not_there(redis: Redis) -> None:
    assert not await (await book(redis)).set_status("nothing", "live", "ann", "")


async def test_other_instances_see_a_change(redis: Redis) -> None:
    one, two = await book(redis, ORDER_READY), await book(redis, ORDER_READY)
    await two.start()
    await one.set_status("order_ready", "paused", "ann", "")

    async def seen() -> bool:
        kept = two.get("order_ready")
        return kept is not None and kept.rule.status == "paused"

    await until(seen)
    await two.aclose()


async def test_a_rule_whose_file_is_gone_is_paused_until_it_is_back(redis: Redis) -> None:
    await book(redis, ORDER_READY)
    with capture_logs() as logs:
        without = await book(redis)
    assert [line["rules"] for line in logs if "rules" in line] == [["order_ready"]]
    kept = without.get("order_ready")
    assert kept is not None
    assert (kept.rule.status, kept.missing) == ("paused", True)
    back = await book(redis, ORDER_READY)
    kept = back.get("order_ready")
    assert kept is not None
    assert (kept.rule.status, kept.missing) == ("live", False)
    assert await redis.hgetall(MISSING) == {}


async def test_files_are_entered_again_when_redis_was_emptied(redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    await redis.flushall()
    await made.refresh()
    await made.refresh()
    assert made.get("order_ready") is not None


async def test_without_redis_the_known_rules_stay(redis_server: RedisServer, redis: Redis) -> None:
    made = await book(redis, ORDER_READY)
    redis_server.kill()
    try:
        with pytest.raises(OutreachUnavailableError):
            await made.set_status("order_ready", "paused", "ann", "")
        assert len(made.rules()) == 1
        new = Rulebook(redis, rules(ORDER_READY))
        await new.start()
        assert new.get("order_ready") is not None
        await new.aclose()
    finally:
        redis_server.start()
