"""What a story says of the time between two steps."""

import pytest

from outreach.entry import Step
from outreach.states import State
from server.operations.story import in_words
from server.operations.wire import rfc3339


def step(state: State, at: float = 0.0, reason: str = "", **evidence: str) -> Step:
    return Step(state=state, at=at, reason=reason, evidence=evidence)


S = State
QUIET = "quiet hours until 08:00 in Europe/London"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            step(S.RESERVED),
            step(S.SPEAKING, 40.2, waited_for="the person to finish speaking"),
            "waited 40.2 s for the person to finish speaking",
        ),
        (step(S.RESERVED), step(S.SPEAKING, 2), "waited 2.0 s for a moment when nobody speaks"),
        (step(S.RESERVED), step(S.SPEAKING, 0.01), ""),
        (step(S.PUBLISHED), step(S.RESERVED, 3), "waited 3.0 s for a session of the person"),
        (
            step(S.PUBLISHED),
            step(S.EXPIRED, 900),
            "waited 900.0 s for a session of the person, and none took it",
        ),
        (step(S.HELD, reason=QUIET), step(S.PUBLISHED, 60), f"held by {QUIET}, for 60.0 s"),
        (step(S.SPEAKING), step(S.HEARD, 2.1), "spoken for 2.1 s"),
        (step(S.HEARD), step(S.ENGAGED, 1.5), "answered after 1.5 s"),
        (step(S.HEARD), step(S.CONVERTED, 30), "did what it was for after 30.0 s"),
        (step(S.RESERVED), step(S.PUBLISHED, 1), "waited 1.0 s in a session, and was not begun"),
    ],
)
def test_a_step_that_is_over(before: Step, after: Step, words: str) -> None:
    assert in_words(before, after, 0.0) == words


@pytest.mark.parametrize(
    ("last", "until", "words"),
    [
        (step(S.HELD, reason=QUIET), 1.8e9, f"held by {QUIET}"),
        (step(S.HELD, reason="the cap"), 1.8e9, "held by the cap until 2027-01-15T08:00:00.000Z"),
        (step(S.HELD), 0.0, "held"),
        (step(S.PUBLISHED), 0.0, "waits for a session of the person"),
        (step(S.SPEAKING), 1.8e9, "is being spoken"),
        (step(S.HEARD), 0.0, ""),
    ],
)
def test_the_step_that_it_is_in(last: Step, until: float, words: str) -> None:
    assert in_words(last, None, until) == words


@pytest.mark.parametrize("at", [0.0, -1.0, float("inf"), float("nan"), 1e15])
def test_what_is_no_moment_has_no_time(at: float) -> None:
    assert rfc3339(at) == ""
