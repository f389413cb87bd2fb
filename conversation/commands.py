"""What is to be done, in the imperative. The driver carries these out in the order given."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from conversation.floor import Floor
from conversation.prompts import PromptOutcome
from conversation.responses import Origin


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Recognize the open turn's audio as it is now; reply with `WordsHeard`."""

    work: int
    turn: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Find an answer; reply with `SentenceReady` and `AnswerFinished`.

    early: prepare only. Nothing may be changed or remembered until `AdoptAnswer(work)`.
    trouble: say that this went wrong instead of answering.
    """

    work: int
    origin: Origin
    text: str
    early: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class AdoptAnswer:
    """The early answer counts: let its effects happen."""

    work: int


@dataclass(frozen=True, slots=True)
class DropWork:
    """The result is not wanted any more."""

    work: int


@dataclass(frozen=True, slots=True)
class PrepareSpeech:
    """Have this sentence's audio ready; it will probably be said."""

    text: str


@dataclass(frozen=True, slots=True)
class ReportSpeechStarted:
    """The user is speaking, for certain. at_ms: since when."""

    turn: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class ReportSpeechStopped:
    """The user's turn has ended. at_ms: where."""

    turn: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The turn is part of the conversation now. text None: `KeepWords` follows."""

    turn: int
    text: str | None


@dataclass(frozen=True, slots=True)
class KeepWords:
    """The words of a turn that was committed before they were known."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class DropTurn:
    """There was nothing in it: forget its audio."""

    turn: int


@dataclass(frozen=True, slots=True)
class BeginResponse:
    """A response exists from now on.

    work: the answer it says, None for a prompt. continues: the response whose rest it is.
    """

    response: int
    origin: Origin
    work: int | None = None
    continues: int | None = None


@dataclass(frozen=True, slots=True)
class Speak:
    """Voice this sentence after those before it."""

    response: int
    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class PauseSpeech:
    """Let no more audio flow, keep what has not been sent."""

    response: int


@dataclass(frozen=True, slots=True)
class ResumeSpeech:
    """Go on with the next sample."""

    response: int


@dataclass(frozen=True, slots=True)
class StopAfter:
    """Play this sentence to its end and drop what comes after it."""

    response: int
    sentence: int


@dataclass(frozen=True, slots=True)
class StopSpeech:
    """Throw away what has not been played."""

    response: int


@dataclass(frozen=True, slots=True)
class Truncate:
    """Keep only what was heard. text: the words, a prefix of what was spoken."""

    response: int
    played_ms: int
    text: str


class Ending(Enum):
    """How a response ended."""

    COMPLETED = "completed"
    INTERRUPTED = "turn_detected"
    CANCELLED = "client_cancelled"
    PARKED = "parked"
    """Something more pressing goes first; the rest follows in another response."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EndResponse:
    """It is over. text: what the conversation remembers of it."""

    response: int
    ending: Ending
    text: str


@dataclass(frozen=True, slots=True)
class ClaimPrompt:
    """Ask for the right to say it; reply with `PromptGranted` or `PromptRefused`."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class ReleasePrompt:
    """The moment has passed: give the claim back, it waits again."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class ReportPrompt:
    """The prompt's one terminal report."""

    prompt_id: str
    outcome: PromptOutcome
    heard_ms: int = 0
    heard_share: float = 0.0


@dataclass(frozen=True, slots=True)
class ReportFloor:
    """The floor has changed hands."""

    floor: Floor


@dataclass(frozen=True, slots=True)
class ReportIdle:
    """Nobody has said anything for the idle time-out; a response `OfSilence` may follow."""


Command: TypeAlias = (
    Transcribe
    | Answer
    | AdoptAnswer
    | DropWork
    | PrepareSpeech
    | ReportSpeechStarted
    | ReportSpeechStopped
    | CommitTurn
    | KeepWords
    | DropTurn
    | BeginResponse
    | Speak
    | PauseSpeech
    | ResumeSpeech
    | StopAfter
    | StopSpeech
    | Truncate
    | EndResponse
    | ClaimPrompt
    | ReleasePrompt
    | ReportPrompt
    | ReportFloor
    | ReportIdle
)
