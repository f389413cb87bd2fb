"""The recognizer port: speech in, words out."""

from dataclasses import dataclass, field
from typing import Protocol

from voice.audio import Pcm


class RecognizerError(Exception):
    """The engine failed on this utterance. The session goes on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of one person's speech.

    samples: mono 16 kHz PCM, shape (samples,).
    start_sample: where samples[0] lies in the session's input, in 16 kHz samples since its start.
    prompt: the session's transcription prompt (words to expect); the scripted recognizer reads
        its script from it.
    language: BCP 47, as the agent names it.
    """

    samples: Pcm
    start_sample: int = 0
    prompt: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class RecognizedWord:
    """A word and when it was said, in seconds from the utterance's first sample."""

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine heard.

    text: the words, "" when it heard none (noise, a cough).
    confidence: 0 to 1.
    alternatives: other readings, best first, without `text` itself.
    """

    text: str
    words: tuple[RecognizedWord, ...] = ()
    confidence: float = 1.0
    alternatives: tuple[str, ...] = field(default=())


class Recognizer(Protocol):
    """Turns utterances into words, never on the event loop; safe for many sessions at once."""

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        ...

    async def start(self) -> None:
        """Loads what the engine needs; raises RecognizerError saying what is missing."""
        ...

    async def recognize(self, utterance: Utterance) -> Recognition:
        """Words of the utterance.

        Raises RecognizerError when the engine fails. Cancelling gives up the work.
        """
        ...

    async def aclose(self) -> None:
        """Stops workers; afterwards `recognize` raises RecognizerError."""
        ...
