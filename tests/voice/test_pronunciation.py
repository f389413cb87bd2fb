"""Every word an agent may use gets phones that the acoustic model knows."""

from pathlib import Path

import pocketsphinx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.pronunciation import EVERYDAY, Pronunciations, dictionary_text, spell_out

CMUDICT = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
PHONES = frozenset(
    phone for line in CMUDICT.read_text().splitlines() for phone in line.partition(" ")[2].split()
)


@pytest.fixture(scope="module")
def pronunciations() -> Pronunciations:
    return Pronunciations(CMUDICT)


def test_a_known_word_is_said_as_the_dictionary_says(pronunciations: Pronunciations) -> None:
    assert "W IY K" in pronunciations.of("week")


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("cappuccinos", "K AE P AH CH IY N OW Z"),
        ("flatbread", "F L AE T B R EH D"),
        ("stroopwafel", "S T R UW P W AE F EH L"),
    ],
)
def test_a_word_that_is_not_in_the_dictionary_can_be_said(
    pronunciations: Pronunciations, word: str, phones: str
) -> None:
    assert phones in pronunciations.of(word)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'é", min_size=1, max_size=40))
def test_any_letters_give_phones_the_acoustic_model_knows(word: str) -> None:
    phones = spell_out(word).split()
    assert phones
    assert set(phones) <= PHONES


def test_everyday_variants_use_known_phones() -> None:
    assert {p for ways in EVERYDAY.values() for way in ways for p in way.split()} <= PHONES


def test_a_dictionary_numbers_the_ways_to_say_a_word(pronunciations: Pronunciations) -> None:
    lines = dictionary_text(["latte", "a"], pronunciations).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("latte")] == [
        "latte",
        "latte(2)",
        "latte(3)",
    ]
