"""What of a model's words is spoken, and when."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.openai_chat.speech import LONGEST, SpokenSentences, spoken
from tests.support.hypothesis_profiles import examples


def heard(*pieces: str) -> list[str]:
    """The sentences that come of these pieces."""
    speech = SpokenSentences()
    found = [sentence for piece in pieces for sentence in speech.feed(piece)]
    return found + speech.finish()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("We open at nine. We close at five.", ["We open at nine.", "We close at five."]),
        ("Yes! Is that all?  Fine", ["Yes!", "Is that all?", "Fine"]),
        ("It costs £3.20 at Dr. Holm's. Good?", ["It costs £3.20 at Dr. Holm's.", "Good?"]),
        ("Cakes, e.g. carrot cake, are fresh.", ["Cakes, e.g. carrot cake, are fresh."]),
        ("Hmm... well. Élan is here.", ["Hmm... well.", "Élan is here."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Bonjour. « Oui » est possible.", ["Bonjour.", "« Oui » est possible."]),
        ("我们九点开门。五点关门。", ["我们九点开门。", "五点关门。"]),
        ("**We open at nine.** See you!", ["We open at nine.", "See you!"]),
        (
            "# Coffee\n\n- **Latte**: £3\n- Mocha: £4\n",
            ["Coffee", "Latte: £3", "Mocha: £4"],
        ),
        ("1. Latte\n2. Mocha\n10. Tea", ["Latte", "Mocha", "Tea"]),
        ("4. That is how many.", ["4.", "That is how many."]),
        ("4.", ["4."]),
        ("At 12. We say so.", ["At 12.", "We say so."]),
        ("```json\n{}\n```\nDone.", ["Done."]),
        ("| Size | Price |\n|---|---|\n| Small | £3 |", ["Size, Price", "Small, £3"]),
        ("  \n\n ", []),
        ("...", []),
    ],
)
def test_words_become_sentences(text: str, sentences: list[str]) -> None:
    assert heard(text) == sentences


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Try *this* and _that_ and `those`", "Try this and that and those"),
        ("See [our menu](https://example.org/menu) now", "See our menu now"),
        ("Welcome 😀! It is 20 °C ☕️ → warm", "Welcome! It is 20 °C warm"),
        ("It opens at nine【4†source】 [1].", "It opens at nine."),
        ("2 * 3 is 6, snake_case stays", "2 * 3 is 6, snake_case stays"),
        ("Price\\: <b>£3</b><br/>", "Price: £3"),
        ("👩‍🍳👍🏽", ""),
        ("ok\ufffd\u202e then\x07", "ok then"),
    ],
)
def test_what_only_eyes_can_use_is_left_out(written: str, said: str) -> None:
    assert spoken(written) == said


def test_a_sentence_is_handed_on_with_the_first_word_of_the_next() -> None:
    speech = SpokenSentences()
    assert speech.feed("We open at nine") == []
    assert speech.feed(".") == []
    assert speech.feed(" On") == ["We open at nine."]
    assert speech.finish() == ["On"]


def test_a_line_ends_its_sentence_at_once() -> None:
    assert SpokenSentences().feed("We open at nine.\n") == ["We open at nine."]


def test_a_long_first_sentence_begins_with_its_first_clause() -> None:
    speech = SpokenSentences()
    begin = "On Sunday we open at nine in the morning, which is late, and "
    assert speech.feed(begin) == ["On Sunday we open at nine in the morning, which is late,"]
    long = "on other days we open at seven, eight or even later, as it pleases the baker, and then "
    assert speech.feed(long) == []
    assert speech.feed("close. So") == [f"and {long}close."]


def test_words_without_any_end_are_handed_on_all_the_same() -> None:
    sentences = heard("la " * 1000)
    assert all(len(sentence) <= LONGEST for sentence in sentences)
    assert " ".join(sentences) == ("la " * 1000).strip()


def test_one_endless_word_is_cut() -> None:
    assert "".join(heard("x" * 1000)) == "x" * 1000


def test_open_thinking_is_not_spoken() -> None:
    thought = "<think>They ask for hours. I look. " + "Hmm. " * 500 + "</think>\n\nWe open at nine."
    for size in (1, 3, 1000):
        pieces = [thought[at : at + size] for at in range(0, len(thought), size)]
        assert heard(*pieces) == ["We open at nine."]


def test_thinking_that_never_ends_is_no_answer() -> None:
    assert heard("<think>", "They ask. ", "Hmm.") == []


def test_how_the_words_are_cut_into_pieces_changes_nothing_after_the_first_sentence() -> None:
    text = (
        "Hello there. We open at nine, e.g. on Sunday! **Prices**: from £3.20.\n"
        "1. Latte, small\n2. Mocha. Is that... all? Dr. Holm says so 😀. Bye"
    )
    whole = heard(text)
    chance = random.Random(4)
    for _ in range(200):
        at, pieces = 0, []
        while at < len(text):
            size = chance.randint(1, 12)
            pieces.append(text[at : at + size])
            at += size
        assert heard(*pieces) == whole


@examples(200)
@given(st.lists(st.text("aB1.!?,;: \n*_`#-|[]()<>/think😀。\\", max_size=30), max_size=12))
def test_whatever_a_model_writes_only_sentences_come_out(pieces: list[str]) -> None:
    for sentence in heard(*pieces):
        assert sentence == sentence.strip()
        assert any(map(str.isalnum, sentence))
        assert not set("\n`😀").intersection(sentence)
        assert len(sentence) <= LONGEST
