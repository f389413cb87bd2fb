"""Which passages an answer's sentence rests on."""

from pathlib import Path

import pytest

from knowledge.documents import read_documents
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat.support import Support
from knowledge.passages import Passage

INDEX = KnowledgeIndex(read_documents(Path(__file__).parents[3] / "agents/cafe/knowledge"))


def passages(question: str) -> list[Passage]:
    return INDEX.search(question, 8)


@pytest.mark.parametrize(
    ("question", "sentence", "text"),
    [
        ("when do you close on Sunday", "We close at five on Sundays.", "On Sunday we open at 9"),
        ("how much is a latte", "A large latte is £4.00.", "Latte: small"),
        ("can I bring my dog", "Sure, your dog is welcome inside.", "dog"),
    ],
)
def test_a_sentence_rests_on_the_passage_it_shares_most_with(
    question: str, sentence: str, text: str
) -> None:
    sources = Support(INDEX, passages(question)).of(sentence)
    assert sources
    assert text in sources[0].text


def test_a_sentence_of_two_facts_rests_on_two_passages() -> None:
    told = [*passages("where can I park"), *passages("what contains nuts")]
    sources = Support(INDEX, told).of("Park in the car park, and almond milk contains nuts.")
    assert {source.document for source in sources} == {"visit.md", "allergens.md"}


@pytest.mark.parametrize(
    "sentence", ["Hello there!", "Have a nice day.", "I don't know that.", "You're welcome.", ""]
)
def test_small_talk_rests_on_nothing(sentence: str) -> None:
    assert Support(INDEX, passages("when do you close on Sunday")).of(sentence) == ()


def test_without_passages_nothing_supports() -> None:
    assert Support(INDEX, []).of("On Sunday we open at 9 am.") == ()
