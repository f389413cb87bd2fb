"""The context as a value and as a document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sessions.context import (
    MARKED_ITEMS,
    MAX_BYTES,
    MAX_ITEMS,
    Answer,
    Item,
    Played,
    Sentence,
    SessionContext,
    Source,
    UnreadableContextError,
    new_context,
)


def context() -> SessionContext:
    return new_context(session_id="s1", user="u42", agent="cafe", agent_version="abc")


def item(number: int, text: str = "hello") -> Item:
    return Item(id=f"item_{number}", role="user", text=text, at=1_700_000_000.0 + number)


def test_a_context_is_the_same_after_storing_and_reading() -> None:
    full = (
        context()
        .with_item(item(1))
        .with_item(
            Item(
                id="a1",
                role="assistant",
                text="At five.",
                at=2.5,
                sources=(Source(document="hours.md", title="Hours", line=3),),
                audio_ms=900,
                marks=((2, 300), (8, 900)),
            )
        )
        .with_item(
            Item(
                id="f1",
                role="user",
                text="",
                at=3.0,
                spoken=False,
                kind="function_call",
                raw={"type": "function_call", "name": "order", "arguments": "{}"},
            )
        )
        .with_form({"intent": "order", "slots": {"size": "large"}, "awaiting": "confirm"})
        .with_played(Played(item_id="a1", ms=420))
        .with_answer(
            Answer(
                item_id="a1",
                sentences=(
                    Sentence(text="At five.", start_ms=0, marks=((2, 300), (8, 900))),
                    Sentence(text="On Sunday."),
                ),
                at=3.5,
            )
        )
    )
    assert SessionContext.from_json(full.to_json()) == full


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_any_words_and_form_survive_storing(text: str, form: dict[str, str]) -> None:
    kept = context().with_item(item(1, text)).with_form(form)
    assert SessionContext.from_json(kept.to_json()) == kept


def test_the_oldest_items_are_dropped_beyond_the_bound() -> None:
    long = context()
    for number in range(MAX_ITEMS + 5):
        long = long.with_item(item(number))
    assert len(long.items) == MAX_ITEMS
    assert long.items[0].id == "item_5"
    assert long.items[-1].id == f"item_{MAX_ITEMS + 4}"


def test_a_document_never_grows_beyond_its_bound_and_keeps_the_newest() -> None:
    big = context()
    for number in range(30):
        big = big.with_item(item(number, "ö" * 10_000))
    document = big.to_json()
    assert len(document) <= MAX_BYTES
    kept = SessionContext.from_json(document).items
    assert 5 < len(kept) < 30
    assert kept[-1].id == "item_29"


def test_an_item_of_the_same_id_is_replaced_in_its_place() -> None:
    said = context().with_item(item(1, "I would like a large")).with_item(item(2))
    assert [i.text for i in said.with_item(item(1, "I would")).items] == ["I would", "hello"]


def test_a_deleted_item_is_gone() -> None:
    said = context().with_item(item(1)).with_item(item(2))
    assert [i.id for i in said.without_item("item_1").items] == ["item_2"]


def test_resume_tokens_cannot_be_guessed_from_one_another() -> None:
    tokens = {context().resume_token for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 32


def test_only_the_latest_items_keep_their_marks() -> None:
    long = context()
    for number in range(MARKED_ITEMS + 3):
        long = long.with_item(item(number).model_copy(update={"marks": ((5, 400),)}))
    marked = [kept.id for kept in long.items if kept.marks]
    assert marked == [f"item_{number}" for number in range(3, MARKED_ITEMS + 3)]


def test_an_answer_too_big_to_store_gives_way() -> None:
    sentence = Sentence(text="ö" * 10_000)
    big = context().with_answer(Answer(item_id="a", sentences=(sentence,) * 50, at=1.0))
    document = big.with_item(item(1)).to_json()
    assert len(document) <= MAX_BYTES
    assert SessionContext.from_json(document).answer is None


def test_a_document_of_the_first_version_is_read_and_written_as_the_latest() -> None:
    first = {
        "version": 1,
        "id": "s1",
        "user": "u42",
        "agent": "cafe",
        "agent_version": "abc",
        "resume_token": "t" * 32,
        "items": [
            {"id": "i", "role": "assistant", "text": "At five.", "at": 2.5, "sources": []},
        ],
        "form": {"intent": "order", "slots": {"size": "large"}, "awaiting": ""},
        "played": {"item_id": "i", "ms": 420},
    }
    read = SessionContext.from_json(json.dumps(first))
    assert [(kept.text, kept.marks) for kept in read.items] == [("At five.", ())]
    assert read.answer is None
    assert json.loads(read.to_json())["version"] == 2
    assert SessionContext.from_json(read.to_json()) == read


@pytest.mark.parametrize("session_id", ["", "a b", "x}{y", "a" * 129])
def test_an_id_that_could_break_a_key_is_refused(session_id: str) -> None:
    with pytest.raises(ValidationError):
        new_context(session_id=session_id, user="u", agent="a", agent_version="v")


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (b"", "document"),
        (b"[]", "document"),
        (b'{"version": 3}', "version"),
        (json.dumps({**json.loads(context().to_json()), "mood": "good"}).encode(), "mood"),
    ],
)
def test_what_this_version_cannot_read_is_refused_with_the_place(
    document: bytes, where: str
) -> None:
    with pytest.raises(UnreadableContextError, match=f"^{where}: "):
        SessionContext.from_json(document)
