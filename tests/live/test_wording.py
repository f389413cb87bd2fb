"""What is said of a function's output where no language model reads it."""

import pytest

from live.wording import DONE, MAX_OUTPUT_WORDS, NOT_DONE, words_of_output

ORDERED = "Your order is on its way."


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("It is ready.", "It is ready."),
        ('"It is ready."', "It is ready."),
        ('{"say": "It is ready.", "number": 7}', "It is ready."),
        ('{"message": "It is ready."}', "It is ready."),
        ('{"error": "sold out"}', NOT_DONE),
        ('{"error": "sold out", "say": "We are out of milk."}', "We are out of milk."),
        ('{"error": null, "number": 7}', ORDERED),
        ('{"say": 7}', ORDERED),
        ("7", ORDERED),
        ("", ORDERED),
        ("  ", ORDERED),
        ("[" * 100_000, "[" * MAX_OUTPUT_WORDS),
    ],
)
def test_words_are_said_and_data_is_not(output: str, said: str) -> None:
    assert words_of_output(output, ORDERED) == said


def test_without_any_words_it_is_done() -> None:
    assert words_of_output("{}", "") == DONE
