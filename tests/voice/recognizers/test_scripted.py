"""The scripted recognizer reveals what was said, and nothing that is still to come."""

import json

import numpy as np
import pytest

from voice.audio import HEARING_RATE
from voice.recognition import RecognizerError, Utterance
from voice.recognizers.scripted import MAX_SCRIPT_CHARACTERS, ScriptedRecognizer

SCRIPT = json.dumps([["a", 1.0, 1.2], ["large", 1.2, 1.6], ["latte", 1.6, 2.0]])


@pytest.fixture
async def recognizer() -> ScriptedRecognizer:
    made = ScriptedRecognizer()
    await made.start()
    return made


def between(start: float, end: float, prompt: str = SCRIPT) -> Utterance:
    """An utterance from `start` to `end`, seconds of the session's input."""
    samples = np.zeros(round((end - start) * HEARING_RATE), dtype=np.int16)
    return Utterance(samples, start_sample=round(start * HEARING_RATE), prompt=prompt)


@pytest.mark.parametrize(
    ("end", "text"),
    [(1.1, ""), (1.2, "a"), (1.5, "a"), (1.9, "a large"), (2.0, "a large latte")],
)
async def test_only_words_that_have_ended_are_heard(
    recognizer: ScriptedRecognizer, end: float, text: str
) -> None:
    assert (await recognizer.recognize(between(0.9, end))).text == text


async def test_words_of_an_earlier_utterance_are_not_heard_again(
    recognizer: ScriptedRecognizer,
) -> None:
    assert (await recognizer.recognize(between(1.55, 3.0))).text == "latte"


async def test_a_word_that_began_just_before_the_utterance_is_heard(
    recognizer: ScriptedRecognizer,
) -> None:
    assert (await recognizer.recognize(between(1.85, 3.0))).text == "latte"


async def test_times_count_from_the_utterance(recognizer: ScriptedRecognizer) -> None:
    heard = await recognizer.recognize(between(1.0, 3.0))
    assert [word.start for word in heard.words] == pytest.approx([0.0, 0.2, 0.6])
    assert [word.end for word in heard.words] == pytest.approx([0.2, 0.6, 1.0])


async def test_without_a_script_nothing_is_heard(recognizer: ScriptedRecognizer) -> None:
    assert (await recognizer.recognize(between(0, 3, prompt=""))).text == ""


@pytest.mark.parametrize(
    "prompt",
    [
        "expect words about coffee",
        "{}",
        "[1]",
        '[["a", 1]]',
        '[["a", "1", 2]]',
        '[["a", 2, 1]]',
        '[["a", -1, 1]]',
        '[["a", NaN, 1]]',
        '[["a", 1, Infinity]]',
        "[" * 100_000,
        " " * MAX_SCRIPT_CHARACTERS + "[]",
    ],
)
async def test_a_script_that_cannot_be_read_is_refused_with_what_to_send(
    recognizer: ScriptedRecognizer, prompt: str
) -> None:
    with pytest.raises(RecognizerError, match="start, end"):
        await recognizer.recognize(between(0, 3, prompt=prompt))
