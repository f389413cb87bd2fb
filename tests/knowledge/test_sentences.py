import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Holm came. She left.", ["Dr. Holm came.", "She left."]),
        ("It costs £3.50. Cheap.", ["It costs £3.50.", "Cheap."]),
        ("J. R. Smith wrote it.", ["J. R. Smith wrote it."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Open at 9 a.m. on Sunday. Closed else", ["Open at 9 a.m. on Sunday.", "Closed else"]),
        ("  spread \n over lines.  ", ["spread over lines."]),
        ("", []),
    ],
)
def test_prose_is_split_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(alphabet=st.sampled_from("aA.!? \n\"'1"), max_size=80))
def test_no_word_is_lost(text: str) -> None:
    assert " ".join(split_sentences(text)).split() == text.split()
