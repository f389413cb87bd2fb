from pathlib import Path

import pytest

from intents.definition import parse_intents, read_intents
from intents.engine import IntentEngine
from intents.sampling import spoken_sentences
from intents.words import without_fillers, without_repeats, words_of

CAFE = Path(__file__).parents[2] / "agents" / "cafe"
FILES = read_intents(CAFE / "intents")
SENTENCES = spoken_sentences(FILES, 2_000, seed=3)


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert spoken_sentences(FILES, 2_000, seed=3) == SENTENCES
    assert spoken_sentences(FILES, 2_000, seed=4) != SENTENCES


def test_the_weights_add_up_to_about_the_count() -> None:
    assert sum(weight for _, weight in SENTENCES) == pytest.approx(2_000, rel=0.05)
    assert len({sentence for sentence, _ in SENTENCES}) == len(SENTENCES)


def test_every_word_of_every_value_is_said() -> None:
    said = {word for sentence, _ in SENTENCES for word in words_of(sentence)}
    slots = FILES[0].intents["orderDrink"].slots.values()
    assert {word for slot in slots for value in slot.values for word in words_of(value)} <= said


def test_small_talk_is_among_them_and_understood() -> None:
    engine = IntentEngine(FILES)
    meant = {engine.understand(sentence).intent for sentence, _ in SENTENCES}
    assert meant >= {name for file in FILES for name in file.intents}


def test_whole_orders_are_understood_as_orders() -> None:
    engine = IntentEngine(FILES)
    drinks = ("latte", "mocha", "coffee", "espresso", "americano", "cappuccino")
    orders = [s for s, _ in SENTENCES if s.startswith("I'd like a") and s.endswith(drinks)]
    assert orders
    assert {engine.understand(order).intent for order in orders} == {"orderDrink"}


def test_another_author_s_intents_are_sampled_alike() -> None:
    file = parse_intents(
        {"intents": {"light": {"sentences": ["turn {way} the lights"],
                               "slots": {"way": {"values": ["on", "off"]}}}}}
    )  # fmt: skip
    sentences = dict(spoken_sentences([file], 100))
    assert set(sentences) == {"turn on the lights", "turn off the lights"}
    engine = IntentEngine([file])
    assert engine.understand("turn off the lights").slots == {"way": "off"}


def test_no_intents_have_no_sentences() -> None:
    assert spoken_sentences([], 100) == []


def test_words_are_comparable_whatever_their_form() -> None:
    assert words_of("A 12-oz caffè latté\u2019s, 42 ok?") == [
        "a", "twelve", "ounce", "caffe", "latte's", "forty", "two", "okay",
    ]  # fmt: skip
    assert without_repeats(without_fillers(["um", "a", "uh", "a", "latte"])) == ["a", "latte"]
