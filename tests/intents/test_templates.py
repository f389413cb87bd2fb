import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.templates import (
    MAX_DEPTH,
    TemplateError,
    expand_phrases,
    literal_texts,
    parse_template,
    render,
    sample,
    sentences_of,
    slot_names,
)


def test_every_sentence_of_a_template() -> None:
    template = parse_template("(hi|good [late] evening) you")
    assert sorted(sentences_of(template, 10)) == [
        "good  evening you",
        "good late evening you",
        "hi you",
    ]


def test_the_number_of_sentences_is_bounded() -> None:
    assert len(sentences_of(parse_template("(a|b|c|d)" * 20), 50)) == 50


def test_alternatives_need_no_brackets_around_the_whole() -> None:
    assert sentences_of(parse_template("yes|no"), 9) == ["yes", "no"]


def test_phrases_are_put_in_inside_one_another() -> None:
    phrases = {"a": parse_template("x <b>"), "b": parse_template("{slot}")}
    template = expand_phrases(parse_template("[<a>] y"), phrases)
    assert slot_names(template) == ["slot"]
    assert list(literal_texts(template)) == ["x ", " y"]


def test_what_is_said_leaves_out_pieces_without_values() -> None:
    template = parse_template(
        "a [{size}] {drink} [with {milk} and {sugar}|with {milk}|with {sugar}]"
    )
    assert render(template, {"drink": "latte"}) == "a latte"
    assert render(template, {"drink": "espresso", "sugar": "sugar"}) == "an espresso with sugar"
    assert render(template, {"size": "eight ounce", "drink": "tea", "milk": "m", "sugar": "s"}) == (
        "an eight ounce tea with m and s"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a|b", r"'\(' at column 1 needs a '\)'"),
        ("a]", r"'\]' at column 2 closes nothing"),
        ("[a)", r"'\)' at column 3 closes nothing"),
        ("{a", "needs a '}'"),
        ("{a b}", "is no name"),
        ("<>", "is no name"),
        ("a" * 3000, "split it"),
        ("[" * (MAX_DEPTH + 2), "deep"),
    ],
)
def test_a_mistake_names_its_column(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        parse_template(text)


@given(st.text(alphabet=st.sampled_from("ab ()[]{}<>|"), max_size=40), st.integers())
def test_what_can_be_read_can_be_sampled(text: str, seed: int) -> None:
    try:
        template = expand_phrases(parse_template(text), dict.fromkeys(("a", "b", "ab", "ba"), ()))
    except (TemplateError, KeyError):
        return
    said = sample(template, lambda name: name.upper(), random.Random(seed))
    assert set(said) <= set("ab AB")
