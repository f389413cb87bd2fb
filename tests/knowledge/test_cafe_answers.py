"""What the café answers from its documents, and what it admits not to know."""

from datetime import date
from pathlib import Path

import pytest

from knowledge.documents import read_documents, read_questions
from knowledge.extractive import ExtractiveAnswerer
from knowledge.index import KnowledgeIndex
from knowledge.passages import Message, Question

FOLDER = Path(__file__).parents[2] / "agents" / "cafe" / "knowledge"
UNKNOWN = "I don't know that."
A_SATURDAY = date(2026, 11, 21)
ANSWERER = ExtractiveAnswerer(
    KnowledgeIndex(read_documents(FOLDER)), UNKNOWN, today=lambda: A_SATURDAY
)


def said(text: str, *asked_before: str) -> str:
    history = [Message("user", before) for before in asked_before]
    return " ".join(sentence.text for sentence in ANSWERER.answers(Question(text, history)))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("when do you close on Sunday?", "On Sunday we open at 9 am and close at 5 pm."),
        ("when do you open", "On weekdays we open at 7 am"),
        ("are you open today", "On Saturday we open at 8 am"),
        ("are you open tomorrow", "On Sunday we open at 9 am"),
        ("are you open on Christmas Day", "We are closed on Christmas Day"),
        ("how much is a latte", "Latte: small £3.20, medium £3.60, large £4.00"),
        ("how much is a large cappuccino", "Cappuccino: large £3.90."),
        ("what does a medium mocha cost", "Mocha: medium £3.80."),
        ("what is a latte", "A latte is an espresso with a lot of steamed milk"),
        ("do you have oat milk", "We do not have oat milk"),
        ("what contains nuts", "Almond milk contains nuts."),
        ("where are you", "12 Harbour Street"),
        ("how do I get there", "12 Harbour Street"),
        ("where can I park", "You can park in the public car park"),
        ("what is the Wi-Fi password", "the wifi password is flat white"),
        ("can I bring my dog", "You can bring your dog"),
        ("can I pay by card", "You can pay in cash, by any debit or credit card"),
        ("how old is the house", "was built in 1874"),
        ("when was the café opened", "The café was opened in 2009"),
        ("where do the beans come from", "Our beans come from Ethiopia"),
    ],
)
def test_a_question_is_answered(question: str, answer: str) -> None:
    assert answer in said(question)


@pytest.mark.parametrize(
    "question",
    [
        "who is the president",
        "what is the capital of France",
        "how tall is the Eiffel tower",
        "do you fix cars",
        "tell me a joke",
        "what is the weather like",
        "how much is a Tesla",
        "do you sell shoes",
        "when does the train leave",
        "how old are you",
        "can I have sushi",
        "",
        "um",
        "?!",
    ],
)
def test_what_no_document_holds_is_not_known(question: str) -> None:
    answers = ANSWERER.answers(Question(question))
    assert [(a.text, a.known, a.sources) for a in answers] == [(UNKNOWN, False, ())]


@pytest.mark.parametrize("question", read_questions(FOLDER))
def test_every_question_that_the_author_expects_has_an_answer(question: str) -> None:
    assert said(question) != UNKNOWN


def test_a_follow_up_goes_on_from_the_question_before() -> None:
    assert said("and on Saturday?", "when do you close on Sunday") == (
        "On Saturday we open at 8 am and close at 8 pm."
    )
    assert said("and a large one?", "how much is a small latte") == "Latte: large £4.00."
    assert said("what about a mocha", "how much is a small latte") == "Mocha: small £3.40."


def test_a_history_that_ends_with_the_question_itself_is_understood() -> None:
    asked = ("when do you close on Sunday", "and on Saturday?")
    assert said("and on Saturday?", *asked) == "On Saturday we open at 8 am and close at 8 pm."


def test_the_source_is_the_line_that_was_read_out() -> None:
    (sentence,) = ANSWERER.answers(Question("when do you close on Sunday"))
    (source,) = sentence.sources
    lines = (FOLDER / source.document).read_text("utf-8").splitlines()
    assert (source.document, source.title) == ("opening-hours.md", "Opening hours")
    assert source.text in lines[source.line - 1]


async def test_the_port_yields_the_same_sentences() -> None:
    question = Question("what is the wifi password")
    spoken = [sentence async for sentence in ANSWERER.answer(question)]
    assert spoken == ANSWERER.answers(question)
    await ANSWERER.aclose()
