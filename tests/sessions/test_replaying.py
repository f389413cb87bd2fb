"""A recorded conversation gives the same commands again; what a changed threshold does is shown."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation import Completeness, TurnPolicy
from conversation import commands as c
from conversation import events as e
from sessions.journal import Heading, Record
from sessions.journal_reading import Recording, Step, read_record
from sessions.replaying import replay
from tests.conversation.test_properties import Act, acts, likely_policies, mended, talked
from tests.support.conversing import Conversing
from tests.support.hypothesis_profiles import examples


class Page:
    """Lines of one record, in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    def break_off(self, reason: str) -> None:
        raise AssertionError(reason)


def recorded(policy: TurnPolicy, talk: Conversing, path: Path) -> Recording:
    """The conversation as its record tells of it."""
    page = Page()
    record = Record(page, Heading("s", "u42", "cafe", "abc", "0.1.0", 1.0, 0.0, policy))
    for now, event, commands in talk.steps:
        record.happened(event, now, commands)
    path.write_bytes(b"".join(page.lines))
    return read_record(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "s.jsonl"


@examples(60)
@given(policy=likely_policies, what=st.lists(acts, min_size=10, max_size=30))
def test_any_recorded_conversation_replays_exactly(
    path: Path, policy: TurnPolicy, what: list[Act]
) -> None:
    talk = talked(policy, what)
    mended(talk)
    talk.closes()
    kept = recorded(policy, talk, path)
    assert [(s.now, s.event, list(s.commands or ())) for s in kept.steps] == talk.steps
    assert replay(kept) is None


def hesitating() -> Conversing:
    """Someone who pauses for 320 ms after words that could stand."""
    talk = Conversing()
    talk.user_says("a latte", 600, Completeness.UNSURE)
    talk.silence(320)
    talk.user_says("with milk", 600, Completeness.COMPLETE)
    talk.silence(1500)
    talk.until_quiet()
    return talk


def endings(unsure_ms: int) -> Callable[[TurnPolicy], TurnPolicy]:
    def change(policy: TurnPolicy) -> TurnPolicy:
        return replace(policy, endpointing=replace(policy.endpointing, unsure_ms=unsure_ms))

    return change


def test_a_shorter_threshold_is_shown_to_cut_the_turn(path: Path) -> None:
    kept = recorded(TurnPolicy(), hesitating(), path)
    assert replay(kept, endings(352)) is None
    difference = replay(kept, endings(200))
    assert difference is not None
    assert any(isinstance(command, c.CommitTurn) for command in difference.now or ())
    assert not any(isinstance(command, c.CommitTurn) for command in difference.recorded or ())
    assert isinstance(difference.event, e.SilenceGrew)
    assert difference.before[-1].line == difference.line - 1


def test_a_threshold_that_changed_nothing_changes_nothing(path: Path) -> None:
    kept = recorded(TurnPolicy(), hesitating(), path)
    assert replay(kept, endings(340)) is None


def test_a_change_applies_to_policies_set_later_too(path: Path) -> None:
    talk = Conversing()
    talk.changes_policy(TurnPolicy())
    talk.user_says("a latte", 600, Completeness.UNSURE)
    talk.silence(320)
    talk.user_says("with milk", 600, Completeness.COMPLETE)
    kept = recorded(TurnPolicy(), talk, path)
    assert replay(kept, endings(200)) is not None


def test_a_tick_that_a_changed_policy_asks_for_comes(path: Path) -> None:
    talk = Conversing()
    talk.user_says("a latte", 600)
    talk.until_quiet()
    talk.silence(4000)
    talk.no_audio(10_000)
    talk.closes()
    kept = recorded(TurnPolicy(), talk, path)
    difference = replay(kept, lambda policy: replace(policy, idle_timeout_ms=8000))
    assert difference is not None
    assert isinstance(difference.event, e.Tick)
    assert difference.recorded == ()
    assert any(isinstance(command, c.ReportIdle) for command in difference.now or ())


def test_a_record_that_was_tampered_with_differs_there(path: Path) -> None:
    kept = recorded(TurnPolicy(), hesitating(), path)
    index = next(i for i, step in enumerate(kept.steps) if step.commands)
    steps = list(kept.steps)
    steps[index] = replace(steps[index], commands=(c.ReportIdle(),))
    difference = replay(replace(kept, steps=tuple(steps)))
    assert difference is not None
    assert difference.line == steps[index].line
    assert difference.recorded == (c.ReportIdle(),)
    assert difference.now == kept.steps[index].commands


def test_a_step_in_which_the_machine_failed_differs_once_it_is_mended(path: Path) -> None:
    kept = recorded(TurnPolicy(), hesitating(), path)
    failed = Step(99, kept.steps[-1].now, e.Tick(), None)
    difference = replay(replace(kept, steps=(*kept.steps, failed)))
    assert difference is not None
    assert (difference.recorded, difference.now) == (None, ())
