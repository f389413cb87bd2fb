"""What happened, in the past tense: all that the machine knows of the world.

Positions in audio (`*_ms`) are counted in samples by whoever sends them, never by a clock.
Work ids come from the machine's own commands; a result of dropped work is ignored.
"""

from dataclasses import dataclass
from typing import TypeAlias

from conversation.completeness import Completeness
from conversation.policy import TurnPolicy
from conversation.prompts import Prompt


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Voice activity began, or began again after a pause. at_ms: in the session's input."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechContinued:
    """Voice activity goes on; speech_ms: length of this stretch so far."""

    speech_ms: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """A silence worth preparing for (about 100 ms). at_ms: where the speech before it ended."""

    at_ms: int
    silence_ms: int


@dataclass(frozen=True, slots=True)
class SilenceGrew:
    """Still silent, silence_ms after the last speech frame."""

    silence_ms: int


@dataclass(frozen=True, slots=True)
class Stirred:
    """A frame of audio may be the first of an utterance; too little for `SpeechStarted`."""


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """Recognition is done. text: "" when no words were in it.

    backchannel: words that do not want the floor ("mm-hm", "right").
    """

    work: int
    text: str
    completeness: Completeness
    backchannel: bool = False


@dataclass(frozen=True, slots=True)
class RecognitionFailed:
    """The recognizer raised, hung, or is gone. reason: for the log and the spoken notice."""

    work: int
    reason: str


@dataclass(frozen=True, slots=True)
class SentenceReady:
    """The answer has another sentence."""

    work: int
    text: str


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """No more sentences will come. awaits_client: it ended in a function the client must run."""

    work: int
    awaits_client: bool = False


@dataclass(frozen=True, slots=True)
class AnswerWentOn:
    """No sentence yet, but something came that it waited for: a function of the agent's own."""

    work: int


@dataclass(frozen=True, slots=True)
class SentenceVoiced:
    """Audio was made for a sentence. ms: all of it so far; marks: rising (character, ms) pairs."""

    response: int
    sentence: int
    ms: int
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SentenceBegun:
    """A sentence's first sample flows."""

    response: int
    sentence: int


@dataclass(frozen=True, slots=True)
class SentencePlayed:
    """A sentence was played to its end, or could not be voiced (failed)."""

    response: int
    sentence: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class PlayoutAdvanced:
    """So much of a response's audio has reached the listener."""

    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class PromptOffered:
    """Something is to be said of the agent's own accord."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class PromptWithdrawn:
    """It must no longer be said. What is being spoken is finished, unless cut."""

    prompt_id: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class PromptGranted:
    """The claim was won: it may be said now."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class PromptRefused:
    """The claim was lost, or it may no longer be said."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class ResponseRequested:
    """The client wants a response now. request: the driver's number for what it asked."""

    request: int


@dataclass(frozen=True, slots=True)
class ResponseCancelled:
    """The client stops the response being made or spoken."""


@dataclass(frozen=True, slots=True)
class InputCommitted:
    """The client ends the user's turn itself."""


@dataclass(frozen=True, slots=True)
class InputCleared:
    """The client throws away what the user said so far."""


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The session was updated."""

    policy: TurnPolicy


@dataclass(frozen=True, slots=True)
class LoadChanged:
    """loaded: the machine is short of time, early work is to be skipped."""

    loaded: bool


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The conversation is over."""


@dataclass(frozen=True, slots=True)
class Tick:
    """`next_deadline()` has passed."""


Event: TypeAlias = (
    SpeechStarted
    | SpeechContinued
    | SpeechPaused
    | SilenceGrew
    | Stirred
    | WordsHeard
    | RecognitionFailed
    | SentenceReady
    | AnswerFinished
    | AnswerWentOn
    | SentenceVoiced
    | SentenceBegun
    | SentencePlayed
    | PlayoutAdvanced
    | PromptOffered
    | PromptWithdrawn
    | PromptGranted
    | PromptRefused
    | ResponseRequested
    | ResponseCancelled
    | InputCommitted
    | InputCleared
    | PolicyChanged
    | LoadChanged
    | SessionClosed
    | Tick
)
