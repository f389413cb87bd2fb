"""Rules by trigger, and the sweep, which must find exactly what each condition by itself gives."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.conditions import Data
from scheduler.index import RuleIndex, occurrence_key
from scheduler.prefilter import Comparison, Needed, needed
from scheduler.variables import variables
from tests.support.some_rule import rule

NOW = 1_790_000_000.0


def card(session: str = "s1", **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "session": session,
        "user": f"user of {session}",
        "since": NOW - 100,
        "active": NOW - 60,
        "floor": "idle",
        "turns": 2,
        "form": "",
    }
    return given | changes


def test_rules_are_found_by_what_starts_them() -> None:
    index = RuleIndex(
        [
            rule(name="a"),
            rule(name="b", trigger={"event": "order.late"}),
            rule(name="c", trigger={"intent": "order"}),
            rule(name="d", trigger={"job_done": "report"}),
            rule(name="e", trigger={"cron": "0 9 * * *"}, status="draft"),
        ]
    )
    assert [r.name for r in index.for_event("order.ready")] == ["a"]
    assert [r.name for r in index.for_event("order.lost")] == []
    assert [r.name for r in index.for_intent("order")] == ["c"]
    assert [r.name for r in index.for_job("report")] == ["d"]
    assert [r.name for r in index.of("cron")] == ["e"]
    assert index.get("b") is not None
    assert index.get("z") is None
    assert len(index) == 5


def test_a_sweep_finds_who_has_been_silent_for_as_long() -> None:
    index = RuleIndex([rule(trigger={"idle": "30s"}, when="session.turns > 1")])
    cards = [card("s1"), card("s2", active=NOW - 10), card("s3", turns=1)]
    matches = index.sweep(cards, NOW)
    assert [(match.session["session"], match.key) for match in matches] == [("s1", "idle:s1:2")]
    # The same silence a second later is the same occurrence.
    assert [match.key for match in index.sweep(cards, NOW + 1)] == ["idle:s1:2"]


def test_a_sweep_finds_an_intent_that_was_begun_and_left() -> None:
    index = RuleIndex([rule(trigger={"abandoned_intent": {"intent": "order", "after": "45s"}})])
    cards = [card("s1", form="order"), card("s2"), card("s3", form="order", active=NOW - 5)]
    assert [match.session["session"] for match in index.sweep(cards, NOW)] == ["s1"]


def test_a_sweep_finds_who_has_just_come() -> None:
    index = RuleIndex([rule(trigger={"session_start": {}}, policy={"ttl": "1m"})])
    matches = index.sweep([card("s1"), card("s2", since=NOW - 5)], NOW)
    assert [(match.session["session"], match.key) for match in matches] == [("s2", "session:s2")]


def test_a_sweep_leaves_drafts_paused_rules_and_other_people_out() -> None:
    index = RuleIndex(
        [
            rule(name="a", trigger={"idle": "30s"}, status="draft"),
            rule(name="b", trigger={"idle": "30s"}, status="paused"),
            rule(name="c", trigger={"idle": "30s"}, status="shadow"),
            rule(name="d", trigger={"idle": "30s"}, audience={"users": ["user of s2"]}),
        ]
    )
    found = [
        (m.rule.name, m.session["session"]) for m in index.sweep([card("s1"), card("s2")], NOW)
    ]
    assert sorted(found) == [("c", "s1"), ("c", "s2"), ("d", "s2")]


def test_what_must_hold_is_read_from_a_condition_and_nothing_else() -> None:
    turns = Comparison(("session", "turns"), ">", 3.0)
    form = Comparison(("session", "form"), "==", "order")
    whole = Needed((turns, form), whole=True)
    assert needed("session.turns > 3 && 'order' == session.form") == whole
    assert needed("(3 < session.turns && session.form == 'order')") == whole
    more = Needed((turns, form), whole=False)
    assert needed("3 < session.turns && session.form == 'order' && size('a') == 1") == more
    nothing = Needed((), whole=False)
    assert needed("session.turns > 3 || session.form == 'order'") == nothing
    assert needed("session.turns > 3 && session.form == 'order' || true") == nothing
    assert needed("!(session.turns > 3)") == nothing
    assert needed("session.turns > 3 ? true : false") == nothing
    assert needed("session.turns + 1 > 3 && session.turns > user.attributes.x") == nothing
    assert needed("") == Needed((), whole=True)
    assert needed("user.attributes.vip && !session.text_only").comparisons == (
        Comparison(("user", "attributes", "vip"), "==", True),
        Comparison(("session", "text_only"), "==", False),
    )


def test_a_session_whose_data_cannot_be_looked_at_matches_no_condition() -> None:
    index = RuleIndex([rule(trigger={"idle": "30s"}, when="session.turns > 1")])
    people = {"user of s1": {"attributes": {"list": [1] * 101}}}
    assert index.sweep([card("s1")], NOW, people=people) == []


values = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, 2**62, 0.5, 2.0, float("nan"), float("inf")]),
    st.sampled_from(["", "a", "b", "1"]),
    st.booleans(),
    st.none(),
    st.lists(st.integers(0, 2), max_size=2),
)
attributes = st.dictionaries(st.sampled_from(["x", "y", "z"]), values, max_size=3)
paths = st.sampled_from(
    ["user.attributes.x", "user.attributes.y", "session.turns", "session.form", "local.hour"]
)
literals = st.sampled_from(
    [
        *("0", "1", "2", "-1", "0.5", "2.0", "9007199254740993", "1u", "[1]"),
        *("'a'", '"b"', "''", "r'a'", "'\\\\a'", "true", "false", "null"),
    ]
)
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
comparisons = st.one_of(
    st.builds("{} {} {}".format, paths, signs, literals),
    st.builds("{} {} {}".format, literals, signs, paths),
    paths,
    st.builds("!{}".format, paths),
    st.builds("has({})".format, paths),
    st.builds("{} in [1, 'a', true]".format, paths),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("{} && {}".format, inner, inner),
        st.builds("{} || {}".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=5,
)
people = st.lists(
    st.tuples(attributes, st.integers(0, 3), st.sampled_from(["", "a", "order"])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150)
@given(st.lists(conditions, min_size=1, max_size=6), people)
def test_a_sweep_finds_exactly_what_every_condition_by_itself_gives(
    sources: list[str], of_people: list[tuple[dict[str, Any], int, str]]
) -> None:
    rules = [
        rule(name=f"rule_{number}", trigger={"idle": "30s"}, when=source)
        for number, source in enumerate(sources)
    ]
    cards = [
        card(f"s{number}", turns=turns, form=form)
        for number, (_, turns, form) in enumerate(of_people)
    ]
    known = {
        each["user"]: {"attributes": about, "time_zone": "Europe/London"}
        for each, (about, _, _) in zip(cards, of_people, strict=True)
    }
    expected = {
        (one.name, each["session"], occurrence_key(one, each))
        for one in rules
        for each in cards
        if one.condition.evaluate(
            Data(
                variables(
                    user=each["user"],
                    now=NOW,
                    zone="Europe/London",
                    person=known[each["user"]],
                    session=each,
                )
            )
        ).value
    }
    swept = RuleIndex(rules).sweep(cards, NOW, people=known)
    assert {(m.rule.name, m.session["session"], m.key) for m in swept} == expected
    assert len(swept) == len(expected)
