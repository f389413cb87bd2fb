from datetime import UTC, datetime

import pytest

from intents.finder import Finding, Kind, PlainFinder, Said, Talk
from intents.understanding import Form

AT = datetime(2026, 11, 18, 15, 10, tzinfo=UTC).timestamp()
UNKNOWN = "I don't know that. Ask me about our drinks."


def found(
    *said: str, form: Form | None = None, ended: bool = False, ago: float = 5
) -> list[Finding]:
    """Of a talk: "u: words" and "a: words", a second apart; the last `ago` seconds ago."""
    items = [
        Said(f"item_{at}", "user" if line.startswith("u:") else "assistant", line[3:], AT + at)
        for at, line in enumerate(said)
    ]
    now = AT + len(said) - 1 + ago
    talk = Talk("sess_1", "u42", items, now, UTC, form, ended)
    return list(PlainFinder((UNKNOWN,)).find(talk))


@pytest.mark.parametrize(
    ("words", "thing", "delay"),
    [
        ("Remind me to call Anna in ten minutes.", "call Anna", 600),
        ("can you remind me in half an hour to move my car", "move my car", 1800),
        ("In an hour remind me about the meeting, please", "the meeting, please", 3600),
        ("remind me at four to order lunch", "order lunch", 3000),
        ("please wake me up in twenty minutes", "", 1200),
    ],
)
def test_a_reminder_that_was_asked_for(words: str, thing: str, delay: float) -> None:
    (reminder,) = found(f"u: {words}")
    assert reminder.kind is Kind.REMINDER
    assert reminder.text == thing
    assert reminder.due == AT + delay


def test_a_reminder_without_a_time_cannot_be_kept() -> None:
    assert found("u: remind me to buy milk") == []


def test_a_prompt_that_was_put_off_is_no_reminder_besides() -> None:
    ready, again = "a: Your order is ready.", "u: remind me in ten minutes"
    assert found(ready, again) == []
    assert found(ready, again, "a: All right, in ten minutes.") == []
    promised = "a: All right, I will remind you in ten minutes."
    assert [each.kind for each in found(again, promised)] == [Kind.REMINDER]


def test_a_reminder_that_was_called_off_is_none() -> None:
    assert found("u: remind me in an hour to call Anna", "u: please cancel that reminder") == []


def test_the_same_talk_gives_the_same_keys() -> None:
    lines = ("u: remind me in an hour to call Anna", "a: All right.")
    assert [each.key for each in found(*lines)] == [each.key for each in found(*lines, ago=900)]


@pytest.mark.parametrize(
    ("words", "delay"),
    [
        ("I'll be back in ten minutes", 600),
        ("hold on, be right back", 300),
        ("let me think about it, I'll come back at four", 3000),
        ("back in half an hour", 1800),
    ],
)
def test_a_promise_and_its_time(words: str, delay: float) -> None:
    (promise,) = found(f"u: {words}", "a: See you then.")
    assert promise.kind is Kind.PROMISE
    assert promise.due == AT + delay


def test_whoever_spoke_again_has_come_back() -> None:
    assert found("u: I'll be back in ten minutes", "a: See you.", "u: a large latte please") == []


def test_the_coffee_at_the_back_is_no_promise() -> None:
    assert found("u: put the milk back in the fridge") == []


def test_a_question_that_the_agent_could_not_answer() -> None:
    (question,) = found("u: do you have a vegan croissant", f"a: {UNKNOWN}")
    assert question.kind is Kind.UNANSWERED
    assert question.text == "do you have a vegan croissant"


def test_a_question_that_was_answered_in_the_end_is_none() -> None:
    lines = ("u: do you have oat milk", f"a: {UNKNOWN}", "u: do you have oat milk", "a: We do.")
    assert found(*lines) == []


def test_a_question_is_given_time_for_its_answer() -> None:
    assert found("u: when do you close?") == []
    assert [each.kind for each in found("u: when do you close?", ago=90)] == [Kind.UNANSWERED]
    assert [each.kind for each in found("u: when do you close?", ended=True)] == [Kind.UNANSWERED]


def test_an_order_that_was_begun_and_not_finished() -> None:
    form = Form("order", {"drink": "latte"}, awaiting="size")
    (order,) = found("u: a latte please", "a: Which size?", form=form)
    assert (order.kind, order.intent, order.slots) == (Kind.ABANDONED, "order", {"drink": "latte"})
    assert order.due == AT


def test_small_talk_deserves_nothing() -> None:
    assert found("u: hello", "a: Hello, what can I get you?", "u: thank you", "a: Bye.") == []
