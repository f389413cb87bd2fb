"""What of the conversation an answerer is told."""

from hypothesis import given
from hypothesis import strategies as st

from conversation.responses import OfSilence, ToRequest, ToTurn
from knowledge.passages import FunctionCall, FunctionOutput, Message, Tool
from live.asking import HISTORY_MESSAGES, NO_OUTPUT, Asked, asked_of
from live.config import ResponseRequest, SessionConfig
from live.history import Item, function_call_item
from tests.support.hypothesis_profiles import examples

TURN, REQUEST = ToTurn(1), ToRequest(1)


def said(role: str, text: str) -> Item:
    """A message."""
    return Item(f"{role}-{text}", role, text)  # type: ignore[arg-type]  # the roles that there are


def call(call_id: str) -> Item:
    """A call of the client's function."""
    return function_call_item(FunctionCall(call_id, "weather", "{}"))


def output(call_id: str, text: str = "sunny") -> Item:
    """What came of it."""
    raw = {"type": "function_call_output", "call_id": call_id, "output": text}
    return Item(f"out-{call_id}", kind="function_call_output", raw=raw)


def asked(*items: Item, request: ResponseRequest | None = None, text: str = "") -> Asked:
    """Of these settings."""
    origin = TURN if text else REQUEST
    return asked_of(origin, text, items, SessionConfig(), request, ())


def test_a_turns_words_are_asked_after_what_came_before() -> None:
    question = asked(said("user", "hi"), said("assistant", "hello"), text="and now?").question
    assert question.text == "and now?"
    assert question.history == (Message("user", "hi"), Message("assistant", "hello"))


def test_a_request_asks_what_the_user_said_last_and_does_not_say_it_twice() -> None:
    question = asked(said("user", "hi"), said("assistant", "hello"), said("user", "well")).question
    assert question.text == "well"
    assert question.history == (Message("user", "hi"), Message("assistant", "hello"))


def test_a_request_after_an_answer_goes_on_without_new_words() -> None:
    wanted = asked(said("user", "hi"), said("assistant", "hello"))
    assert wanted.question.text == ""
    assert wanted.last_words == "hi"
    assert len(wanted.question.history) == 2


def test_outputs_at_the_end_are_to_be_answered() -> None:
    wanted = asked(said("user", "hi"), call("a"), call("b"), output("b"), output("a", "rain"))
    assert [part.call_id for part in wanted.outputs] == ["b", "a"]
    assert wanted.question.text == ""
    assert wanted.question.history == (
        Message("user", "hi"),
        FunctionCall("a", "weather", "{}"),
        FunctionCall("b", "weather", "{}"),
        FunctionOutput("a", "rain"),
        FunctionOutput("b", "sunny"),
    )


def test_an_output_that_came_late_is_told_right_after_its_call() -> None:
    wanted = asked(call("a"), said("user", "hurry"), output("a"))
    assert wanted.outputs == (FunctionOutput("a", "sunny"),)
    assert wanted.question.history == (
        FunctionCall("a", "weather", "{}"),
        FunctionOutput("a", "sunny"),
        Message("user", "hurry"),
    )


def test_a_call_without_an_output_says_so() -> None:
    history = asked(call("a"), said("user", "hurry")).question.history
    assert history == (FunctionCall("a", "weather", "{}"), FunctionOutput("a", NO_OUTPUT))


def test_outputs_of_calls_that_nobody_made_are_left_out() -> None:
    wanted = asked(said("user", "hi"), output("a"))
    assert wanted.outputs == ()
    assert (wanted.question.text, wanted.question.history) == ("hi", ())


def test_only_the_latest_messages_are_told() -> None:
    items = [said("user", str(number)) for number in range(100)]
    history = asked(*items, text="now").question.history
    assert len(history) == HISTORY_MESSAGES
    assert history[-1] == Message("user", "99")


def test_what_the_client_gives_takes_the_place_of_the_conversation() -> None:
    request = ResponseRequest(items=(said("user", "this"),))
    question = asked(said("user", "that"), request=request).question
    assert (question.text, question.history) == ("this", ())


def test_a_bound_may_be_taken_off_for_one_response() -> None:
    config = SessionConfig(max_output_tokens=100)
    for wanted, bound in ((None, 100), (7, 7), ("inf", None)):
        request = ResponseRequest(max_output_tokens=wanted)  # type: ignore[arg-type]
        question = asked_of(REQUEST, "", [], config, request, ()).question
        assert question.max_output_tokens == bound


def test_nobody_can_be_made_to_call_what_is_not_there() -> None:
    for choice in ("required", "weather"):
        without = asked_of(TURN, "hi", [], SessionConfig(tool_choice=choice), None, ())
        assert without.question.tool_choice == "auto"
        config = SessionConfig(tool_choice=choice, tools=(Tool("weather"),))
        assert asked_of(TURN, "hi", [], config, None, ()).question.tool_choice == choice


def test_after_silence_there_are_no_words_and_a_hint_to_the_model() -> None:
    wanted = asked_of(OfSilence(), "", [said("user", "hi")], SessionConfig(), None, ())
    assert wanted.silence
    assert wanted.question.text == ""
    assert [part.role for part in wanted.question.history if isinstance(part, Message)] == [
        "user",
        "system",
    ]


ids = st.sampled_from(["a", "b", "c"])
any_items = st.lists(
    st.one_of(
        st.sampled_from([said("user", "hi"), said("assistant", "hello"), said("user", "")]),
        ids.map(call),
        ids.map(output),
    ),
    max_size=60,
)


@examples(200)
@given(any_items)
def test_whatever_a_client_sends_every_call_is_told_once_with_one_output_after_it(
    items: list[Item],
) -> None:
    wanted = asked(*items)
    made: list[str] = []
    waiting: list[str] = []
    for part in wanted.question.history:
        match part:
            case FunctionCall(call_id):
                assert call_id not in made
                made.append(call_id)
                waiting.append(call_id)
            case FunctionOutput(call_id):
                assert call_id == waiting.pop(0)
            case Message(_, text):
                assert waiting == []
                assert text
    assert waiting == []
    assert {part.call_id for part in wanted.outputs} <= set(made)
    assert not (wanted.outputs and wanted.question.text)
