"""What nobody said is found out; what people say is kept."""

import numpy as np
import pytest

from voice.recognizers.inventions import (
    LETTERS_A_SECOND,
    PHANTOMS,
    SHORTEST,
    holds_speech,
    invented,
    plain_words,
)

LONG = 60.0  # seconds, so that nothing is too fast


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for watching!",
        "Thank you for watching.",
        "Subtitles by the community",
        "Captions from somewhere",
        "Untertitel im Auftrag",
        "Sous-titres réalisés par quelqu'un",
        "Don't forget to like and subscribe!",
        "[Music]",
        "(applause)",
        "♪ la la ♪",
        "...",
        "",
        "Copyright 2019",
    ],
)
def test_phantom_phrases_were_not_said(text: str) -> None:
    assert invented(text, LONG)


@pytest.mark.parametrize(
    "text",
    [
        "I'd like a large latte, please.",
        "Thank you.",
        "You",
        "No, no, no, no!",
        "Is there music on Fridays?",
        "A coffee, a coffee, a coffee, and a tea and a cake and some water please",
        "Do you have subtitles?",
        "Ja, bitte.",
        "一杯咖啡",
    ],
)
def test_what_people_say_is_kept(text: str) -> None:
    assert invented(text, 4.0) == ""


@pytest.mark.parametrize(
    "text", ["no no no no no", "thank you thank you thank you thank you thank you", "la " * 30]
)
def test_one_phrase_over_and_over_was_not_said(text: str) -> None:
    assert invented(text, LONG) == "repetition"


def test_a_repetition_inside_longer_talk_is_kept() -> None:
    assert invented("no no no no no I said that I would rather like a small tea", 8.0) == ""


def test_the_same_letters_again_and_again_were_not_said() -> None:
    assert invented("abcabcabc" * 30, LONG) == "repetition"


def test_more_than_anybody_can_say_in_that_time_was_not_said() -> None:
    text = "I would like to order a very large cappuccino"
    letters = sum(map(len, plain_words(text)))
    assert invented(text, letters / LETTERS_A_SECOND - 0.1) == "too fast for speech"
    assert invented(text, letters / LETTERS_A_SECOND + 0.1) == ""


def test_silence_that_the_model_heard_counts_the_more_the_less_it_is_sure_of_the_words() -> None:
    def kept(no_speech: float, log_probability: float) -> bool:
        return not invented(
            "a large latte", 2.0, no_speech=no_speech, log_probability=log_probability
        )

    assert kept(0.7, -0.2)
    assert not kept(0.7, -0.7)
    assert kept(0.5, -0.7)
    assert not kept(0.95, -0.01)
    assert not kept(0.0, -1.2)


def test_thanks_into_silence_was_not_said() -> None:
    assert invented("Thank you.", 1.0, no_speech=0.4) == "phantom phrase"
    assert invented("Thank you.", 1.0, no_speech=0.1) == ""


def test_the_prompt_read_back_was_not_said_but_its_words_may_be() -> None:
    prompt = "Lighthouse Coffee, espresso, latte, mocha, oat milk"
    assert invented("espresso latte mocha oat milk", 4.0, prompt=prompt) == "echo of the prompt"
    assert invented("Oat milk latte", 4.0, prompt=prompt) == ""


def test_the_phantoms_are_written_as_they_are_compared() -> None:
    assert {" ".join(plain_words(phantom)) for phantom in PHANTOMS} == PHANTOMS


def test_silence_and_clicks_are_not_worth_asking() -> None:
    assert not holds_speech(np.zeros(16_000, np.int16))
    assert not holds_speech(np.full(SHORTEST - 1, 9000, np.int16))
    assert holds_speech(np.full(SHORTEST, -9000, np.int16))
