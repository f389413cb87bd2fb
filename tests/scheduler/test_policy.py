"""May it be said? Each check by itself, their order, and what no facts can bring about."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.clocks import wall_time
from scheduler.conditions import Outcome
from scheduler.policy import CHECKS, Decision, Facts, decide, look_back
from scheduler.rule_values import QuietHours
from tests.support.some_rule import rule

NOON = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/London")).timestamp()

EVERYTHING: Mapping[str, Any] = {
    "when": "session.turns > 0",
    "policy": {
        "quiet_hours": "22:00-08:00",
        "cooldown": "10m",
        "cap": "3 per day",
        "purpose_cap": "5 per day",
        "overall_cap": "10 per day",
        "ttl": "15m",
        "attempts": 2,
        "consent": "opt_in",
    },
    "delivery": {"offline": "drop"},
}
"""A rule with something for every check."""

GOOD = Facts(
    user="u42",
    now=NOON,
    born=NOON,
    stopped=False,
    consent={"service": True},
    recent=(),
    condition=Outcome(True),
    present=True,
    zone="Europe/London",
    floor="idle",
)
"""Everything is well."""


@dataclass(frozen=True)
class Said:
    at: float
    rule: str = "order_ready"
    purpose: str = "service"


def test_where_everything_holds_it_is_said_and_every_check_is_shown_in_order() -> None:
    verdict = decide(rule(**EVERYTHING), GOOD)
    assert (verdict.decision, verdict.failed, verdict.reason) == (Decision.SPEAK, None, "")
    assert [check.name for check in verdict.checks] == [
        "switch",
        "status",
        "consent",
        "holdout",
        "conditions",
        "ttl",
        "quiet_hours",
        "cooldown",
        "rule_cap",
        "purpose_cap",
        "overall_cap",
        "attempts",
        "session",
        "floor",
    ]


# What is otherwise; the check that fails, the decision, and the reason.
FAILURES: list[tuple[dict[str, Any], dict[str, Any], str, Decision, str]] = [
    (
        {},
        {"stopped": True, "stopped_why": "by ana: wrong prices"},
        "switch",
        Decision.SUPPRESS,
        "all outreach is stopped (by ana: wrong prices)",
    ),
    ({"status": "draft"}, {}, "status", Decision.SUPPRESS, "the rule is draft"),
    ({"status": "paused"}, {}, "status", Decision.SUPPRESS, "the rule is paused"),
    (
        {},
        {"consent": {"service": False}},
        "consent",
        Decision.SUPPRESS,
        "they want to be told nothing about service",
    ),
    (
        {},
        {"consent": {"service": True, "*": False}},
        "consent",
        Decision.SUPPRESS,
        "they want to be told nothing",
    ),
    (
        {},
        {"consent": {}},
        "consent",
        Decision.SUPPRESS,
        "they have not agreed to be told about service",
    ),
    (
        {"holdout": 100},
        {},
        "holdout",
        Decision.HOLDOUT,
        "one of the 100 % who hear nothing, to compare with",
    ),
    (
        {},
        {"condition": Outcome(False)},
        "conditions",
        Decision.SUPPRESS,
        "the condition does not hold",
    ),
    (
        {},
        {"condition": Outcome(None, "turns is missing")},
        "conditions",
        Decision.SUPPRESS,
        "the condition could not be told: turns is missing",
    ),
    (
        {},
        {"born": NOON - 1200},
        "ttl",
        Decision.SUPPRESS,
        "its reason is 20 min old, and it is good for 15m",
    ),
    (
        {},
        {"now": NOON - 5 * 3600 + 60, "born": NOON - 5 * 3600},
        "quiet_hours",
        Decision.SUPPRESS,
        "quiet hours last until 08:00 in Europe/London, and it is of no use so late",
    ),
    (
        {},
        {"now": NOON - 4 * 3600 - 60, "born": NOON - 4 * 3600 - 60},
        "quiet_hours",
        Decision.HOLD,
        "quiet hours until 08:00 in Europe/London",
    ),
    (
        {},
        {"recent": (Said(NOON - 300),)},
        "cooldown",
        Decision.SUPPRESS,
        "this rule spoke 5 min ago, and rests for 10m",
    ),
    (
        {},
        {"recent": (Said(NOON - 4000), Said(NOON - 5000), Said(NOON - 6000))},
        "rule_cap",
        Decision.SUPPRESS,
        "they were told 3 of rule order_ready; the cap is 3 per day",
    ),
    (
        {},
        {"recent": tuple(Said(NOON - ago, rule="other") for ago in range(1, 6))},
        "purpose_cap",
        Decision.SUPPRESS,
        "they were told 5 about service; the cap is 5 per day",
    ),
    (
        {},
        {"recent": tuple(Said(NOON - ago, rule="other", purpose="x") for ago in range(1, 11))},
        "overall_cap",
        Decision.SUPPRESS,
        "they were told 10 in all; the cap is 10 per day",
    ),
    (
        {},
        {"attempts": 2},
        "attempts",
        Decision.SUPPRESS,
        "it was begun 2 times, which is as often as it may be",
    ),
    (
        {},
        {"present": False},
        "session",
        Decision.SUPPRESS,
        "nobody is there, and it is not to wait",
    ),
]


@pytest.mark.parametrize(("of_rule", "of_facts", "check", "decision", "reason"), FAILURES)
def test_each_check_fails_by_itself_with_its_reason(
    of_rule: dict[str, Any],
    of_facts: dict[str, Any],
    check: str,
    decision: Decision,
    reason: str,
) -> None:
    verdict = decide(rule(**EVERYTHING | of_rule), replace(GOOD, **of_facts))
    assert verdict.failed is not None
    assert (verdict.failed.name, verdict.decision, verdict.reason) == (check, decision, reason)
    assert [c.name for c in verdict.checks if not c.passed] == [check]


def test_the_first_failing_check_is_the_one_recorded() -> None:
    of_rule: dict[str, Any] = {"status": "paused", "holdout": 100}
    facts = replace(
        GOOD,
        stopped=True,
        consent={},
        condition=Outcome(False),
        born=NOON - 9999,
        now=NOON - 6 * 3600,
        recent=tuple(Said(NOON - 6 * 3600 - ago) for ago in range(1, 20)),
        attempts=9,
        present=False,
    )
    facts = replace(facts, born=NOON - 7 * 3600)
    failing = [c.name for c in decide(rule(**EVERYTHING | of_rule), facts).checks if not c.passed]
    assert failing == list(CHECKS)[:-1]
    failed = decide(rule(**EVERYTHING | of_rule), facts).failed
    assert failed is not None
    assert failed.name == "switch"


@pytest.mark.parametrize(
    "fact", ["now", "born", "stopped", "consent", "recent", "condition", "present", "attempts"]
)
def test_a_fact_that_could_not_be_read_keeps_it_from_being_said_and_is_named(fact: str) -> None:
    facts = replace(GOOD, **{fact: None}, unread={fact: "Redis does not answer"})
    verdict = decide(rule(**EVERYTHING), facts)
    assert verdict.decision is Decision.SUPPRESS
    assert verdict.failed is not None
    assert verdict.failed.evidence == {"unread": fact}
    assert verdict.reason.endswith("could not be read: Redis does not answer")


def test_quiet_hours_are_told_in_the_agents_zone_where_the_persons_is_unknown() -> None:
    early = replace(GOOD, now=NOON - 5 * 3600, born=NOON - 5 * 3600, agent_zone="Europe/London")
    for zone in ("", "Europe/Atlantis", "../etc/passwd"):
        verdict = decide(rule(**EVERYTHING), replace(early, zone=zone))
        assert "in Europe/London" in verdict.reason
    none = decide(rule(**EVERYTHING), replace(early, zone="", agent_zone="Europe/Atlantis"))
    assert none.decision is Decision.SUPPRESS
    assert "there is no time zone 'Europe/Atlantis'" in none.reason


def test_quiet_hours_hold_until_their_end_and_then_it_is_said() -> None:
    night = datetime(2026, 10, 25, 0, 30, tzinfo=ZoneInfo("Europe/London")).timestamp()
    patient = rule(policy={"quiet_hours": "22:00-08:00", "ttl": "1d"})
    held = decide(patient, replace(GOOD, now=night, born=night))
    assert held.decision is Decision.HOLD
    assert held.failed is not None
    assert held.failed.until == night + 8.5 * 3600  # the clock goes back at two
    later = decide(patient, replace(GOOD, now=held.failed.until, born=night))
    assert later.decision is Decision.SPEAK


def test_nobody_there_is_no_failure_for_what_waits_for_them() -> None:
    verdict = decide(rule(delivery={"offline": "wait"}), replace(GOOD, present=False))
    assert verdict.decision is Decision.SPEAK
    assert next(c for c in verdict.checks if c.name == "session").reason.endswith("waits for them")


def test_a_rule_in_shadow_passes_everything_but_the_speaking() -> None:
    assert decide(rule(status="shadow"), GOOD).decision is Decision.SHADOW
    refused = decide(rule(status="shadow"), replace(GOOD, consent={"*": False}))
    assert refused.decision is Decision.SUPPRESS


def test_a_test_to_oneself_passes_caps_and_drafts_but_neither_switch_nor_consent() -> None:
    draft = rule(**EVERYTHING | {"status": "draft", "holdout": 100})
    often = tuple(Said(NOON - ago) for ago in range(1, 20))
    trying = replace(GOOD, test=True, recent=often)
    assert decide(draft, trying).decision is Decision.SPEAK
    assert decide(draft, replace(trying, stopped=True)).decision is Decision.SUPPRESS
    assert decide(draft, replace(trying, consent={"*": False})).decision is Decision.SUPPRESS


def test_consent_that_was_never_asked_for_is_enough_unless_the_rule_wants_more() -> None:
    asks_nothing = replace(GOOD, consent={})
    assert decide(rule(), asks_nothing).decision is Decision.SPEAK
    opt_in = rule(policy={"consent": "opt_in"})
    assert decide(opt_in, asks_nothing).decision is Decision.SUPPRESS
    assert decide(opt_in, replace(GOOD, consent={"*": True})).decision is Decision.SPEAK
    nobody_asked = rule(policy={"consent": "none"})
    assert decide(nobody_asked, replace(GOOD, consent={"*": False})).decision is Decision.SPEAK


def test_what_is_as_old_as_a_cap_counts_no_longer() -> None:
    daily = rule(policy={"cap": "1 per day"})
    assert decide(daily, replace(GOOD, recent=(Said(NOON - 86399),))).decision is Decision.SUPPRESS
    assert decide(daily, replace(GOOD, recent=(Said(NOON - 86400),))).decision is Decision.SPEAK


def test_how_far_back_one_has_to_look() -> None:
    assert look_back([]) == 0
    rules = [
        rule(),
        rule(policy={"cooldown": "2h", "cap": "1 per hour", "overall_cap": "9 per 3d"}),
    ]
    assert look_back(rules) == 3 * 86400


maybe = st.none() | st.booleans()
facts_of_all_kinds = st.builds(
    Facts,
    user=st.text(min_size=1, max_size=5),
    now=st.none() | st.floats(1.7e9, 1.9e9),
    born=st.none() | st.floats(1.7e9, 1.9e9),
    stopped=maybe,
    consent=st.none() | st.dictionaries(st.sampled_from(["service", "*", "x"]), st.booleans()),
    recent=st.none() | st.lists(st.builds(Said, at=st.floats(1.7e9, 1.9e9)), max_size=4),
    condition=st.none() | st.builds(Outcome, maybe, st.just("turns is missing")),
    present=maybe,
    zone=st.sampled_from(
        ["", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "nowhere"]
    ),
    attempts=st.none() | st.integers(0, 4),
    test=st.booleans(),
)
rules_of_all_kinds = st.builds(
    lambda status, when, quiet, consent, offline, holdout: rule(
        status=status,
        when=when,
        policy=({"quiet_hours": quiet} if quiet else {}) | {"consent": consent, "ttl": "1d"},
        delivery={"offline": offline},
        holdout=holdout,
    ),
    st.sampled_from(["draft", "shadow", "live", "paused"]),
    st.sampled_from(["", "session.turns > 0"]),
    st.sampled_from(["", "22:00-08:00", "00:00-23:59", "02:00-03:00"]),
    st.sampled_from(["opt_in", "opt_out", "none"]),
    st.sampled_from(["wait", "drop"]),
    st.sampled_from([0, 50, 100]),
)


@given(rules_of_all_kinds, facts_of_all_kinds)
def test_nothing_is_said_that_somebody_or_something_stands_against(of: Any, facts: Facts) -> None:
    verdict = decide(of, facts)
    assert [check.name for check in verdict.checks] == list(CHECKS)
    failing = [check for check in verdict.checks if not check.passed]
    assert verdict.failed == (failing[0] if failing else None)
    assert all(check.reason for check in failing)
    if verdict.decision in (Decision.SPEAK, Decision.SHADOW):
        assert facts.stopped is False
        assert facts.now is not None
        assert facts.born is not None
        assert facts.now - facts.born < of.policy.ttl
        assert of.policy.consent == "none" or (facts.consent or {}).get("service") is not False
        assert not of.when or (facts.condition is not None and facts.condition.value)
        if of.policy.quiet_hours and not facts.test:
            zone = ZoneInfo(facts.zone if "/" in facts.zone else "UTC")
            assert not of.policy.quiet_hours.covers(wall_time(facts.now, zone))
    if verdict.decision is Decision.SPEAK:
        assert facts.test or of.status == "live"
    if verdict.decision is Decision.HOLD:
        assert verdict.failed is not None
        assert facts.now is not None
        assert verdict.failed.until is not None
        assert verdict.failed.until > facts.now
        quiet: QuietHours = of.policy.quiet_hours
        zone = ZoneInfo(facts.zone if "/" in facts.zone else "UTC")
        assert not quiet.covers(wall_time(verdict.failed.until, zone))
