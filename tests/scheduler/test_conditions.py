"""Conditions: what they may ask, what is refused before it runs, and what cannot be told."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.conditions import Condition, ConditionError, Data, Outcome
from scheduler.variables import variables

NOW = 1_790_000_000.0
SEEN = variables(
    user="u42",
    now=NOW,
    zone="Europe/London",
    person={"name": "Ana", "attributes": {"tier": "gold", "visits": 12, "tags": ["a", "b"]}},
    session={"session": "s1", "turns": 3, "form": "order", "active": NOW - 40, "since": NOW - 90},
    event={"type": "order.ready", "data": {"drink": "latte", "size": None}},
)


def told(source: str) -> Outcome:
    return Condition(source).evaluate(Data(SEEN))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("", True),
        ("session.turns == 3", True),
        ("session.turns > 2.5 && session.form == 'order'", True),
        ("user.attributes.visits >= 20 || user.attributes.tier == 'gold'", True),
        ("has(event.data.sugar)", False),
        ("event.data.size == null", True),
        ("'a' in user.attributes.tags && size(user.attributes.tags) == 2", True),
        ("user.attributes.tags.exists(tag, tag == 'c')", False),
        ("event.data.drink.matches('^la')", True),
        ("session.quiet_s >= 40.0 && session.age_s < 91.0", True),
        ("local.hour == 15 && local.weekday == 1 && local.time > '15:00'", True),
        ("session.turns > 3 ? true : event.data.drink.startsWith('l')", True),
        ("!(session.turns > 3)", True),
    ],
)
def test_conditions_over_the_session_the_person_the_event_and_the_time(
    source: str, value: bool
) -> None:
    assert told(source) == Outcome(value)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("event.data.sugar == 2", "sugar is missing"),
        ("event.data.drink > 3", "No such overload"),
        ("session.turns", "gives 3, and should give true or false"),
        ("session.turns / 0 == 1", "division by zero"),
        ("session.turns * 9223372036854775807 > 0", "overflow"),
        ("user.attributes.tags[7] == 'a'", "out of bounds"),
    ],
)
def test_what_cannot_be_told_has_no_value_and_a_reason(source: str, why: str) -> None:
    outcome = told(source)
    assert outcome.value is None
    assert why in outcome.error


def test_a_session_that_is_not_there_has_nothing() -> None:
    alone = Data(variables(user="u42", now=NOW, zone="UTC"))
    assert Condition("session.turns > 0").evaluate(alone) == Outcome(None, "turns is missing")


@pytest.mark.parametrize(
    ("source", "why", "column"),
    [
        ("session.turns = 3", "write == to compare", 15),
        ("session.turns >", "it ends too early", 16),
        ("session.turns > 3 and true", "write && for and", 19),
        ("sesion.turns > 3", "did you mean 'session'?", 1),
        ("session.turns > 3 && frobnicate(1)", "nothing is called 'frobnicate'", 22),
        ("session.form.beginsWith('x')", "nothing is called 'beginsWith'", 14),
        ("session.form.startWith('x')", "did you mean 'startsWith'?", 14),
        ("session.form.matches(user.name)", "a pattern written out in quotes", 14),
        ("session.form.matches('(')", "the pattern cannot be read", 22),
        (r"session.form.matches('\\w{200}')", "repeat its parts 20 times at most", 22),
        (
            "user.attributes.tags.all(a, user.attributes.tags.all(b, true))",
            "inside of a list macro; compare only there",
            50,
        ),
        (r"session.form.matches('(\\w{5}){5}')", "repeat its parts 20 times at most", 22),
        ("user.attributes.tags.all(a, a.matches('b'))", "inside of a list macro", 31),
        ("user.attributes.tags.all(a, (a + a) == 'b')", "'+' inside of a list macro", 32),
        ("user.attributes.tags.map(a, a).size() == 2", "nothing is called 'map'", 22),
        (" && ".join(["user.attributes.tags.all(a, true)"] * 4), "more than 3 list macros", 133),
        (" && ".join(["user.name.matches('a')"] * 4), "more than 3 patterns", 89),
        ("true // && false", "comments go into the rule's description", 6),
        ('"""a""" == user.name', "write texts in single quotes", 1),
        ("true && " * 200 + "true", "longer than 1000 characters", 0),
    ],
)
def test_a_condition_that_cannot_be_used_says_why_and_where(
    source: str, why: str, column: int
) -> None:
    with pytest.raises(ConditionError) as refused:
        Condition(source)
    assert why in str(refused.value)
    assert refused.value.column == column


@pytest.mark.parametrize("sign", ["(", "[", "{", "!", "-", "{'a':", "a ? "])
def test_deep_expressions_are_read_or_refused(sign: str) -> None:
    source = sign * (990 // len(sign)) + "true"
    with suppress(ConditionError):
        assert Condition(source).evaluate(Data(SEEN)) is not None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"list": [1] * 101}, "a list of more than 100 items"),
        ({"text": "x" * 4001}, "a text of more than 4000 characters"),
        ({str(n): n for n in range(2001)}, "more than 2000 values"),
        ({"text": "\ud800"}, "cannot be read"),
    ],
)
def test_data_too_large_for_a_bounded_time_is_not_looked_at(
    data: dict[str, object], why: str
) -> None:
    outcome = Condition("now > 0.0").evaluate(
        Data(variables(user="u", now=NOW, zone="UTC", event={"data": data}))
    )
    assert outcome.value is None
    assert why in outcome.error


def test_data_of_any_depth_is_read_or_refused() -> None:
    deep: list[object] = []
    for _ in range(1900):
        deep = [deep]
    seen = variables(user="u", now=NOW, zone="UTC", event={"data": {"x": deep}})
    outcome = Condition("now > 0.0").evaluate(Data(seen))
    assert outcome.value is True or outcome.error


@given(st.text(alphabet="session.turns user &|!=<>()[]{}'\"0123456789?:,+-*/\\r\n_", max_size=80))
def test_any_text_is_a_condition_or_is_refused_and_never_more(source: str) -> None:
    with suppress(ConditionError):
        outcome = Condition(source).evaluate(Data(SEEN))
        assert (outcome.value is None) == bool(outcome.error)
