"""Who may go on with a conversation, and where its answer does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.context import Answer, Played, Sentence, SessionContext, new_context
from sessions.resuming import HEARD_SLACK_MS, Place, Return, may_go_on, place_in

FIRST = "We close at five."
SECOND = "On Sunday at four."
THIRD = "Come by."
WORD_MS = 300


def marks(text: str) -> tuple[tuple[int, int], ...]:
    ends = [at for at, char in enumerate(text) if char == " "] + [len(text)]
    return tuple((char, (index + 1) * WORD_MS) for index, char in enumerate(ends))


def voiced(text: str, start_ms: int) -> Sentence:
    return Sentence(text=text, start_ms=start_ms, marks=marks(text))


ANSWER = Answer(
    item_id="a1",
    sentences=(voiced(FIRST, 0), voiced(SECOND, 4 * WORD_MS), Sentence(text=THIRD)),
    at=1.0,
)


def played(ms: int, item_id: str = "a1") -> Played:
    return Played(item_id=item_id, ms=ms)


def test_what_broke_off_in_a_sentence_goes_on_with_that_sentence() -> None:
    place = place_in(ANSWER, None, played(6 * WORD_MS + 10))
    assert place.heard == "We close at five. On Sunday"
    assert place.heard_ms == 6 * WORD_MS
    assert place.rest == (SECOND, THIRD)


def test_what_broke_off_between_two_sentences_goes_on_with_the_next() -> None:
    assert place_in(ANSWER, None, played(4 * WORD_MS)).rest == (SECOND, THIRD)


def test_the_last_moment_of_a_sentence_is_not_said_again() -> None:
    almost = 8 * WORD_MS - HEARD_SLACK_MS
    assert place_in(ANSWER, None, played(almost)).rest == (THIRD,)
    assert place_in(ANSWER, None, played(almost - 1)).rest == (SECOND, THIRD)


def test_what_has_no_audio_yet_was_not_heard_whatever_the_client_says() -> None:
    assert place_in(ANSWER, None, played(10**9)).rest == (THIRD,)


def test_the_client_knows_better_than_the_server() -> None:
    assert place_in(ANSWER, played(8 * WORD_MS), played(0)).rest == (FIRST, SECOND, THIRD)
    assert place_in(ANSWER, played(0), played(8 * WORD_MS)).rest == (THIRD,)


def test_a_report_of_another_item_does_not_count() -> None:
    place = place_in(ANSWER, played(4 * WORD_MS), played(0, "another"))
    assert place.heard == FIRST


def test_an_answer_that_nobody_knows_anything_of_is_said_from_its_beginning() -> None:
    assert place_in(ANSWER, None, None) == Place("", 0, (), (FIRST, SECOND, THIRD))


def test_marks_of_what_was_heard_count_over_the_whole_item() -> None:
    place = place_in(ANSWER, None, played(5 * WORD_MS))
    assert place.heard == "We close at five. On"
    assert place.marks[-1] == (len(place.heard), 5 * WORD_MS)
    assert [char for char, _ in place.marks] == [2, 8, 11, 17, 20]


@given(st.integers(0, 20 * WORD_MS))
def test_what_was_heard_and_the_rest_make_the_whole_but_for_one_sentence(ms: int) -> None:
    place = place_in(ANSWER, None, played(ms))
    whole = [sentence.text for sentence in ANSWER.sentences]
    said_before = whole[: len(whole) - len(place.rest)]
    assert [*said_before, *place.rest] == whole
    begun = place.heard.removeprefix(" ".join(said_before)).strip()
    assert place.rest[0].startswith(begun)
    assert begun != place.rest[0]


@pytest.fixture
def context() -> SessionContext:
    return new_context(session_id="s1", user="u42", agent="cafe", agent_version="abc")


def test_its_user_may_go_on(context: SessionContext) -> None:
    assert may_go_on(context, Return("u42"))
    assert may_go_on(context, Return("u42", context.resume_token))


def test_who_has_the_token_may_go_on(context: SessionContext) -> None:
    assert may_go_on(context, Return(None, context.resume_token))


@pytest.mark.parametrize("user", [None, "u43"])
def test_another_may_not(context: SessionContext, user: str | None) -> None:
    assert not may_go_on(context, Return(user))


def test_another_user_may_not_even_with_the_token(context: SessionContext) -> None:
    assert not may_go_on(context, Return("u43", context.resume_token))


@pytest.mark.parametrize("user", [None, "u42"])
@pytest.mark.parametrize("token", ["forged", "", "ö"])
def test_a_forged_token_opens_nothing(
    context: SessionContext, user: str | None, token: str
) -> None:
    assert may_go_on(context, Return(user, token)) is (user == "u42" and token == "")
