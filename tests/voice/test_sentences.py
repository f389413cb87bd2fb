"""Where one spoken sentence ends and the next begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello.", "How are you?", "Fine!"],
        ["We sell tea, e.g. Earl Grey.", "It costs $4.50.", "Good."],
        ["It is in St. Mary's Road.", "Dr. J. Smith is in!"],
        ["We close at 9 p.m.", "On Sunday at 5 p.m. we rest."],
        ["Really?!", "Yes…", '"Sure."', "Then go."],
        ["Visit cafe.example.com today.", "Ok"],
        ["It is I.", "You know."],
        ["no full stop at the end"],
    ],
)
def test_sentences_are_found_where_a_reader_pauses(sentences: list[str]) -> None:
    assert split_sentences(" ".join(sentences)) == sentences


def test_a_blank_line_and_a_list_point_end_a_sentence() -> None:
    assert split_sentences("Our teas:\n- green\n- black\n\nAsk us") == [
        "Our teas:",
        "- green",
        "- black",
        "Ask us",
    ]


def test_what_cannot_be_spoken_is_no_sentence() -> None:
    assert split_sentences(" ... \n\n — !") == []


@given(st.text())
def test_no_letter_is_lost(text: str) -> None:
    def letters(of: str) -> str:
        return "".join(sign for sign in of if sign.isalnum())

    assert letters("".join(split_sentences(text))) == letters(text)
