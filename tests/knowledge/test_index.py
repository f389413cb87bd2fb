from hypothesis import given
from hypothesis import strategies as st

from knowledge.documents import parse_document
from knowledge.extractive import ExtractiveAnswerer
from knowledge.index import KnowledgeIndex
from knowledge.passages import Message, Question

INDEX = KnowledgeIndex(
    parse_document(
        "boats.md",
        "# Ferries\n\nThe big ferry sails at noon.\n\n"
        "# Kayaks\n\nYou can hire one.\n\nNoon is hot.",
    )
)


def test_the_best_passage_comes_first_with_its_place() -> None:
    first, second = INDEX.search("when does the ferry sail at noon")
    assert (first.document, first.title, first.line) == ("boats.md", "Ferries", 3)
    assert first.text == "The big ferry sails at noon."
    assert first.score > second.score > 0


def test_other_forms_of_a_word_are_found() -> None:
    assert INDEX.search("hiring")[0].text == "You can hire one."


def test_a_word_in_a_heading_finds_what_stands_below() -> None:
    assert INDEX.search("kayak")[0].text in {"You can hire one.", "Noon is hot."}
    assert len(INDEX.search("kayaks")) == 2


def test_the_limit_holds() -> None:
    assert len(INDEX.search("noon", limit=1)) == 1


def test_words_that_say_nothing_find_nothing() -> None:
    assert INDEX.search("what is the") == []
    assert INDEX.search("") == []


def test_an_empty_index_knows_nothing() -> None:
    empty = KnowledgeIndex([])
    assert empty.search("noon") == []
    assert not ExtractiveAnswerer(empty).answers(Question("noon?"))[0].known


@given(
    st.text(max_size=100),
    st.lists(st.builds(Message, st.just("user"), st.text(max_size=30)), max_size=2),
)
def test_any_question_gets_an_answer(text: str, history: list[Message]) -> None:
    answers = ExtractiveAnswerer(INDEX).answers(Question(text, history))
    assert answers
    for sentence in answers:
        assert sentence.text
        assert sentence.known == bool(sentence.sources)


def test_a_sentence_that_points_back_is_said_with_the_one_before() -> None:
    index = KnowledgeIndex(
        parse_document("a.md", "Mara Holm opened the shop. She trained in Lisbon. Cats are fine.")
    )
    answers = ExtractiveAnswerer(index).answers(Question("who trained in Lisbon?"))
    assert [a.text for a in answers] == ["Mara Holm opened the shop.", "She trained in Lisbon."]
