"""Words for somebody who may have missed it."""

import pytest

from live.missed import in_case_missed, to_say
from outreach.claims import Claim
from outreach.entry import Entry
from outreach.states import State
from tests.outreach.prompts import prompt


def claim(begun: int = 0, *, late: bool = False, **more: object) -> Claim:
    outreach = prompt(ttl_s=60, **more)
    until = outreach.born + 11
    entry = Entry(outreach=outreach, state=State.RESERVED, until=until)
    return Claim(outreach.user, outreach.id, 1, begun, entry, late)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Your latte is ready.", "In case you missed it, your latte is ready."),
        ("We close soon.", "In case you missed it, we close soon."),
        ("Anna is waiting.", "In case you missed it, Anna is waiting."),
        ("I kept it warm.", "In case you missed it, I kept it warm."),
        ("Ready!", "In case you missed it, Ready!"),
    ],
)
def test_it_goes_on_as_one_sentence(text: str, said: str) -> None:
    assert in_case_missed(text) == said


def test_at_its_time_it_is_said_as_it_is() -> None:
    said = to_say(claim(text="It is ready. Come and get it."), 1.0)
    assert (said.sentences, said.again) == (("It is ready.", "Come and get it."), False)


def test_who_was_away_or_may_have_heard_it_is_told_so() -> None:
    for missed in (claim(1), claim(late=True)):
        (first,) = to_say(missed, 1.0).sentences
        assert first.startswith("In case you missed it, your")


def test_a_rules_own_words_for_that_come_first() -> None:
    said = to_say(claim(1, missed="Your latte was ready a while ago."), 1.0)
    assert said.sentences == ("Your latte was ready a while ago.",)


def test_attempts_and_time_that_are_left_are_what_is_left() -> None:
    said = to_say(claim(1, attempts=3), 1.0)
    assert said.attempts == 2
    assert said.expires_in == pytest.approx(50)
