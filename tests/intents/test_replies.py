"""What people mean who answer a prompt, and what is no answer to it at all."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.replies import Reply, classify

NOW = datetime(2026, 11, 21, 15, 0)
EXPECTS = [
    ("coming", ("(on my way|I'm coming|be right there)",), "See you in a moment."),
    ("give_away", ("[please] give it to (somebody|someone) else",), ""),
]


def kind_of(text: str) -> str:
    return classify(text, EXPECTS, NOW).kind


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("yes", ["yes", "Yes, please.", "sure", "okay", "go ahead", "that would be great"]),
        ("no", ["no", "No, thanks.", "no thank you", "not really", "I'd rather not"]),
        (
            "not_now",
            ["not now", "later", "maybe later", "I'm busy right now", "ask me again later"],
        ),
        (
            "stop",
            [
                "stop telling me this",
                "Stop telling me about this.",
                "please don't tell me that again",
                "don't remind me again",
                "no more reminders",
                "stop these messages",
            ],
        ),
        ("enough", ["stop", "enough", "be quiet", "never mind", "I know"]),
        (
            "repeat",
            ["say that again", "can you repeat that please", "what did you say?", "sorry, what?"],
        ),
        (
            "why",
            ["why", "why did you tell me that?", "what's this about?", "why am I hearing this"],
        ),
        ("expected", ["on my way", "I'm coming!", "please give it to somebody else"]),
    ],
)
def test_an_answer_is_classed(kind: str, texts: list[str]) -> None:
    assert {text: kind_of(text) for text in texts} == dict.fromkeys(texts, kind)


@pytest.mark.parametrize(
    "text",
    [
        "I'd like a large latte with soy milk",
        "I'd like a large latte in ten minutes",
        "when do you close on sunday",
        "what is in a mocha",
        "do you open at half past four",
        "tell me about the mocha",
        "why is the coffee so good",
        "stop the order",
        "thank you",
        "hello",
        "no milk please",
        "yes a large one",
        "",
        "um",
        "not now " * 30,
    ],
)
def test_an_ordinary_turn_is_not_hijacked(text: str) -> None:
    assert kind_of(text) == "other"


@pytest.mark.parametrize(
    ("text", "seconds", "when"),
    [
        ("in ten minutes", 600, "in ten minutes"),
        ("not now, in ten minutes", 600, "in ten minutes"),
        ("Tell me again in half an hour, please.", 1800, "in half an hour"),
        ("at half past four", 5400, "at half past four"),
        ("remind me at five", 7200, "at five"),
        ("not now", None, ""),
    ],
)
def test_a_time_is_understood_and_said_back(text: str, seconds: float | None, when: str) -> None:
    assert classify(text, (), NOW) == Reply("not_now", seconds, when)


def test_what_a_prompt_expects_comes_before_what_everybody_says() -> None:
    expects = [("none", ("no",), "As you like.")]
    assert classify("no", expects, NOW) == Reply("expected", name="none", say="As you like.")


def test_an_expected_sentence_that_cannot_be_read_is_never_heard() -> None:
    expects = [("broken", ("(on my way", "a {drink}"), ""), ("fine", ("on my way",), "")]
    assert classify("on my way", expects, NOW).name == "fine"


@given(st.text(max_size=300))
def test_whatever_is_said_is_classed(text: str) -> None:
    assert classify(text, EXPECTS, NOW).kind
