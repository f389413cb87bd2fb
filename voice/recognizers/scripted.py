"""A recognizer that is told beforehand what will be said; it costs nothing and hears no audio.

The script is the session's transcription prompt: one JSON array of `[word, start, end]`, times
in seconds of the session's input stream (0 is the first audio the client ever appended):

    [["a", 1.20, 1.31], ["large", 1.31, 1.70], ["latte", 1.70, 2.22]]

An utterance is "heard" as the words that were said inside it: those that begin no earlier than
0.3 s before it and have ended when it ends. So a benchmark or a demo gets what a perfect and
instant engine could know at that moment, and never a word that is still to be said.
"""

import json
from math import isfinite

from voice.audio import HEARING_RATE
from voice.recognition import Recognition, RecognizedWord, RecognizerError, Utterance

EARLY = 0.3
"""Seconds: voice activity may notice a word that late, and its utterance then starts inside it."""

MAX_SCRIPT_CHARACTERS = 200_000
"""An hour of talk; what is longer is refused before it is parsed."""


class ScriptedRecognizer:
    """See the module. Stateless: any number of sessions, each with its own script."""

    def __init__(self) -> None:
        self._running = False

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        return "scripted"

    async def start(self) -> None:
        """Nothing to load."""
        self._running = True

    async def recognize(self, utterance: Utterance) -> Recognition:
        """The script's words that were said inside the utterance; "" without a script.

        Raises RecognizerError for a script that cannot be read.
        """
        if not self._running:
            raise RecognizerError("the scripted recognizer is not running; start it first")
        begin = utterance.start_sample / HEARING_RATE
        end = begin + len(utterance.samples) / HEARING_RATE
        words = tuple(
            RecognizedWord(word.text, max(0.0, word.start - begin), word.end - begin)
            for word in _script(utterance.prompt)
            if word.start >= begin - EARLY and word.end <= end
        )
        return Recognition(
            text=" ".join(word.text for word in words),
            words=words,
            confidence=1.0 if words else 0.0,
        )

    async def aclose(self) -> None:
        """Nothing to stop."""
        self._running = False


def _script(prompt: str) -> list[RecognizedWord]:
    """The script's words, times in the session's input stream."""
    if not prompt.strip():
        return []
    if len(prompt) > MAX_SCRIPT_CHARACTERS:
        raise _malformed(f"it is {len(prompt)} characters long, {MAX_SCRIPT_CHARACTERS} at most")
    try:
        lines = json.loads(prompt)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON ({error})") from None
    if not isinstance(lines, list):
        raise _malformed("it is not a list")
    return [_word(line, at) for at, line in enumerate(lines)]


def _word(line: object, at: int) -> RecognizedWord:
    match line:
        case [str(text), int() | float() as start, int() | float() as end]:
            if isfinite(start) and isfinite(end) and 0 <= start <= end:
                return RecognizedWord(text, float(start), float(end))
    raise _malformed(f"word {at} is {line!r:.80}")


def _malformed(what: str) -> RecognizerError:
    return RecognizerError(
        f"the scripted recognizer cannot read the transcription prompt: {what}; "
        'send [["word", start, end], ...] with 0 <= start <= end in seconds'
    )
