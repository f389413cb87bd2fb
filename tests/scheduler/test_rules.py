"""Rules: what they accept, what they refuse, and the prompts that they make."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from outreach.prompt import outreach_id
from scheduler.content import ContentError
from scheduler.rule_files import parse_rules, write_rule
from scheduler.rules import Rule
from scheduler.variables import variables
from tests.support.some_rule import rule

NOW = 1_790_000_000.0


def seen(**event: Any) -> dict[str, Any]:
    return variables(user="u42", now=NOW, zone="UTC", event={"type": "order.ready", "data": event})


def test_a_rule_makes_the_prompt_of_a_person_and_an_occurrence() -> None:
    ready = rule(
        say="Your {event.data.drink} is ready.",
        missed="It was your {event.data.drink}.",
        reason="You ordered it.",
        delivery={"priority": "high", "earcon": True, "offline": "drop"},
        policy={"ttl": "15m", "attempts": 3},
        cancel_on=["order.collected"],
    )
    prompt = ready.to_outreach(
        user="u42", key="evt_1", variables=seen(drink="latte"), now=NOW, born=NOW - 60
    )
    assert prompt.id == outreach_id("order_ready", "u42", "evt_1")
    assert prompt.text == "Your latte is ready."
    assert prompt.missed == "It was your latte."
    assert (prompt.born, prompt.due, prompt.expires) == (NOW - 60, NOW, NOW - 60 + 900)
    assert (prompt.priority, prompt.earcon, prompt.offline, prompt.attempts) == (
        "high",
        True,
        "drop",
        3,
    )
    assert prompt.cancel_on == ("order.collected",)
    assert prompt.variant == ""


def test_a_value_that_is_missing_fails_that_prompt_and_says_which() -> None:
    ready = rule(say="Your {event.data.drink} is ready.")
    with pytest.raises(ContentError, match=r"event\.data\.drink is missing"):
        ready.to_outreach(user="u42", key="evt_1", variables=seen(), now=NOW)
    assert ready.to_outreach(user="u42", key="evt_2", variables=seen(drink="tea"), now=NOW).text


def test_people_hear_the_same_variant_each_time_and_in_the_shares_that_were_asked_for() -> None:
    split = rule(
        say=[
            {"name": "a", "share": 70, "say": "One."},
            {"name": "b", "share": 30, "say": "Two."},
        ],
        holdout=20,
    )
    people = [f"user{number}" for number in range(4000)]
    heard = Counter(split.variant_for(user).name for user in people)
    assert heard["a"] / len(people) == pytest.approx(0.7, abs=0.03)
    assert [split.variant_for(user) for user in people] == [split.variant_for(u) for u in people]
    held = [user for user in people if split.held_out(user)]
    assert len(held) / len(people) == pytest.approx(0.2, abs=0.03)
    # Who is held out tells nothing of the variant they would have heard.
    among = Counter(split.variant_for(user).name for user in held)
    assert among["a"] / len(held) == pytest.approx(0.7, abs=0.07)


def test_shares_left_out_are_equal_shares() -> None:
    split = rule(say=[{"name": "a", "say": "One."}, {"name": "b", "say": "Two."}])
    heard = Counter(split.variant_for(f"user{number}").name for number in range(2000))
    assert heard["a"] / 2000 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Order Ready"}, "name"),
        ({"trigger": {"evnt": "x"}}, "there is no trigger 'evnt'; did you mean 'event'?"),
        ({"trigger": {"event": "a.b", "idle": "30s"}}, "should be one trigger"),
        ({"trigger": {"event": "order ready"}}, "pattern"),
        ({"trigger": {"idle": "1s"}}, "idle may be from 5s to 1h"),
        ({"trigger": {"interval": "1s"}}, "a minute"),
        ({"trigger": {"cron": "61 * * * *"}}, "minute '61': should be from 0 to 59"),
        (
            {"trigger": {"cron": "0 9 * * *", "zone": "Europe/Lundon"}},
            "did you mean Europe/London?",
        ),
        ({"trigger": {"event": "a.b", "zone": "UTC"}}, "'zone' goes with cron and once"),
        ({"trigger": {"once": "tomorrow"}}, "such as 2026-12-24T16:00"),
        ({"trigger": "order.ready"}, "should be one of `cron: ...`"),
        ({"when": "session.turns = 3"}, "column 15: a single '='; write == to compare"),
        (
            {"when": "sesion.turns > 3"},
            "column 1: nothing is called 'sesion'; did you mean 'session'",
        ),
        ({"say": "Your {evnt.data.x}"}, "nothing is known of {evnt.data.x}"),
        ({"say": []}, "from 1 to 10 variants"),
        ({"say": 3}, "should be text, or a list of variants"),
        (
            {
                "say": [
                    {"name": "a", "share": 60, "say": "x"},
                    {"name": "b", "share": 60, "say": "y"},
                ]
            },
            "shares add up to 120",
        ),
        (
            {"say": [{"name": "a", "say": "x"}, {"name": "a", "say": "y"}]},
            "two variants are called 'a'",
        ),
        ({"trigger": {"idle": "30s"}, "say": "Your {event.data.x}"}, "'event' is not there"),
        ({"trigger": {"idle": "30s"}, "when": "event.data.x == 1"}, "'event' is not there"),
        ({"audience": {"live": True, "all": True}}, "give one of"),
        ({"policy": {"ttl": "60d"}}, "ttl may be from 1s to 30d"),
        ({"delivery": {"quiet": "2m"}}, "30s is the longest"),
        ({"holdout": 120}, "less than or equal to 100"),
        ({"breaker": {"share": 30}}, "less than 1"),
        (
            {"expects": [{"name": "a", "sentences": ["x"], "does": "event"}]},
            "`event: TYPE` goes with `does: event`",
        ),
        (
            {
                "expects": [
                    {"name": "a", "sentences": ["x"], "does": "event", "event": "On my way!"}
                ]
            },
            "should match pattern",
        ),
        ({"expects": [{"name": "a", "sentences": ["(on my way"]}]}, "'(' at column 1 needs a ')'"),
        ({"expects": [{"name": "a", "sentences": ["one {drink}"]}]}, "has a slot or a phrase"),
        ({"audiense": {"live": True}}, "Extra inputs"),
    ],
)
def test_a_mistake_is_refused_with_what_would_be_right(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        rule(**changes)
    assert said in str(refused.value)


def test_a_rule_can_be_written_as_yaml_and_read_back_the_same() -> None:
    full = rule(
        description="d",
        trigger={"abandoned_intent": {"intent": "order", "after": "5m"}},
        audience={"users": ["u1", "u2"]},
        when="session.turns > 0",
        say=[{"name": "a", "share": 60, "say": "x"}, {"name": "b", "share": 40, "say": "y"}],
        policy={"quiet_hours": "22:00-08:00", "cap": "3 per day", "cooldown": "90s"},
        delivery={"quiet": "700ms"},
        holdout=5,
        breaker={"share": 0.3},
        expects=[{"name": "ok", "sentences": ["fine"], "does": "event", "event": "a.b"}],
    )
    for each in (full, rule(), rule(trigger={"once": "2026-12-24T16:00+01:00"})):
        loaded = parse_rules(write_rule(each), "rule")
        assert loaded.problems == ()
        assert loaded.rules == (each,)


@pytest.mark.parametrize(
    "trigger",
    [
        {"cron": "30 16 * * 1-5"},
        {"cron": "30 16 * * 1-5", "zone": "Europe/London"},
        {"interval": "90m"},
        {"once": "2026-12-24T16:00"},
        {"once": "2026-12-24T16:00+01:00"},
        {"once": "2026-12-24T16:00", "zone": "Asia/Kathmandu"},
        {"event": "order.ready"},
        {"session_start": {}},
        {"idle": "30s"},
        {"intent": "order"},
        {"abandoned_intent": {"intent": "order"}},
        {"abandoned_intent": {"intent": "order", "after": "45s"}},
        {"knowledge_changed": {}},
        {"knowledge_changed": {"documents": ["menu.md", "*.txt"]}},
        {"job_done": "report"},
    ],
)
def test_every_trigger_reads_back_as_it_was_written(trigger: dict[str, Any]) -> None:
    each = rule(trigger=trigger)
    loaded = parse_rules(write_rule(each), "rule")
    assert loaded.problems == ()
    assert loaded.rules == (each,)
    assert Rule.model_validate_json(each.model_dump_json()) == each
