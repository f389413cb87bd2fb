"""Events and commands through JSON and back: whatever there is, exactly."""

import dataclasses
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.commands import Command
from conversation.events import Event
from conversation.policy import TurnPolicy
from sessions.recorded import RecordedError, read_command, read_event, read_policy
from tests.support.hypothesis_profiles import examples

INT64 = st.integers(-(2**63), 2**63 - 1)
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
SECONDS = st.floats(allow_nan=False, allow_infinity=False) | st.just(float("inf"))


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Anything that an annotation of the machine's allows."""
    plain = {int: INT64, float: SECONDS, str: WORDS, bool: st.booleans(), type(None): st.none()}
    if kind in plain:
        return plain[kind]
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{name: values(hint) for name, hint in hints.items()})  # type: ignore[arg-type]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, UnionType):
        return st.one_of([values(each) for each in get_args(kind)])
    assert get_origin(kind) is tuple, kind
    inside = get_args(kind)
    if inside[-1] is Ellipsis:
        return st.lists(values(inside[0]), max_size=3).map(tuple)
    return st.tuples(*map(values, inside))


def stored(value: object) -> Any:
    return orjson.loads(orjson.dumps(value))


@examples(300)
@given(values(Event))
def test_every_event_is_read_as_it_was_written(event: Event) -> None:
    assert read_event(type(event).__name__, stored(event)) == event


@examples(300)
@given(values(Command))
def test_every_command_is_read_as_it_was_written(command: Command) -> None:
    assert read_command(type(command).__name__, stored(command)) == command


@examples(50)
@given(values(TurnPolicy))
def test_a_policy_is_read_as_it_was_written(policy: TurnPolicy) -> None:
    assert read_policy(stored(policy)) == policy


@pytest.mark.parametrize("union", [Event, Command])
def test_no_kind_is_left_out(union: Any) -> None:
    for kind in get_args(union):
        assert get_type_hints(kind) is not None
        with pytest.raises(RecordedError, match=kind.__name__):
            (read_event if union is Event else read_command)(kind.__name__, {"mood": "good"})


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("MoodChanged", {}, "knows no event 'MoodChanged'"),
        (None, {}, "knows no event None"),
        ("SilenceGrew", [], "SilenceGrew should be an object"),
        ("SilenceGrew", {}, "SilenceGrew lacks silence_ms"),
        ("SilenceGrew", {"silence_ms": 1, "loud": True}, "a field that this version lacks: loud"),
        ("SilenceGrew", {"silence_ms": "1"}, "expected int"),
        ("SilenceGrew", {"silence_ms": True}, "expected int"),
        ("SilenceGrew", {"silence_ms": 1.5}, "expected int"),
        (
            "WordsHeard",
            {"work": 1, "text": "", "completeness": "perhaps"},
            "knows no Completeness 'perhaps'",
        ),
        (
            "SentenceVoiced",
            {"response": 1, "sentence": 0, "ms": 1, "marks": [[1]]},
            "expected 2 values",
        ),
        (
            "SentenceVoiced",
            {"response": 1, "sentence": 0, "ms": 1, "marks": 7},
            "expected an array",
        ),
        ("PromptOffered", {"prompt": {"id": "p", "sentences": [], "due": "now"}}, "a number"),
    ],
)
def test_what_this_version_does_not_know_is_named(name: object, fields: object, said: str) -> None:
    with pytest.raises(RecordedError, match=said):
        read_event(name, fields)


def test_a_field_that_came_later_has_its_default() -> None:
    event = read_event("WordsHeard", {"work": 1, "text": "hi", "completeness": "complete"})
    assert event == read_event("WordsHeard", stored(event))


def test_an_origin_of_another_version_is_named() -> None:
    fields = {"work": 1, "origin": {"dream": 3}, "text": ""}
    with pytest.raises(RecordedError, match="knows nothing like"):
        read_command("Answer", fields)
