"""Texts become the words people say, with weights that keep their meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.corpus import SpokenCorpus, spoken_words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello, World!", "hello world"),
        ("What's the café's name?", "what's the cafe's name"),
        ("a 12 ounce latte", "a twelve ounce latte"),
        ("21 cups", "twenty one cups"),
        ("it\u2019s open", "it's open"),
        ("rock'n'roll", "rock'n'roll"),
        ("--- ***", ""),
        ("", ""),
    ],
)
def test_text_is_written_as_it_is_said(text: str, said: str) -> None:
    assert " ".join(spoken_words(text)) == said


@given(st.text(max_size=60))
def test_any_text_gives_only_letters_and_apostrophes(text: str) -> None:
    for word in spoken_words(text):
        assert word
        assert set(word) <= set("abcdefghijklmnopqrstuvwxyz'")


def test_a_long_line_of_letters_costs_no_more_than_its_length() -> None:
    assert spoken_words("a" * 5_000 + "!") == ("a" * 5_000,)  # backtracking would take years


def test_equal_sentences_are_one_with_both_weights() -> None:
    corpus = SpokenCorpus.from_texts([("Hello!", 1.0), ("hello", 2.0), ("?", 1.0)])
    assert corpus.sentences == (("hello", 3.0),)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_must_be_above_zero(weight: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        SpokenCorpus.from_texts([("hello", weight)])


def test_order_does_not_change_the_digest_but_a_weight_does() -> None:
    one = SpokenCorpus.from_texts([("a", 1.0), ("b", 1.0)])
    assert one.digest == SpokenCorpus.from_texts([("b", 1.0), ("a", 1.0)]).digest
    assert one.digest != SpokenCorpus.from_texts([("a", 1.0), ("b", 2.0)]).digest


def test_parts_are_balanced_by_scaling_and_adding() -> None:
    many = SpokenCorpus.from_texts([("a", 30.0), ("b", 10.0)]).scaled(4.0)
    both = many + SpokenCorpus.from_texts([("a", 1.0)])
    assert dict(both.sentences) == {"a": 4.0, "b": 1.0}
    assert both.vocabulary == {"a", "b"}


def test_an_empty_corpus_can_be_scaled_and_added() -> None:
    some = SpokenCorpus.from_texts([("a", 1.0)])
    assert SpokenCorpus().scaled(5.0) + some == some
