"""The user's open turn: what has been heard of it and what is being prepared for it."""

from dataclasses import dataclass, field
from enum import Enum

from conversation.completeness import Completeness


class Mode(Enum):
    """How an open turn stands to the agent's speech."""

    NORMAL = "normal"
    """The user has the floor."""
    OVERLAP = "overlap"
    """Speech while the agent had the floor: it is not known yet whether it interrupts."""
    BESIDE = "beside"
    """The agent may not be interrupted now; the turn is answered afterwards."""


@dataclass(slots=True)
class Turn:
    """One turn. Times in ms are positions in the session's input audio.

    transcribing, answering: ids of running work; words: None until they are known.
    asked: long speech over the agent was recognized in the middle, to see if there are words in it.
    early: sentences prepared before the turn ended. awaits_client: they end in a function that the
        client must run.
    forced: it ends as soon as its words are known; what is said after belongs to the next turn.
    paused_at: since when the agent is paused for it; None while it is not.
    overlapped: it began over the agent's speech, and nothing has shown yet that it was meant.
    """

    id: int
    mode: Mode
    start_ms: int
    end_ms: int
    audio_at: float
    speaking: bool = True
    speech_ms: int = 0
    stretch_ms: int = 0
    silence_ms: int = 0
    reported: bool = False
    transcribing: int | None = None
    transcribing_since: float = 0.0
    words: str | None = None
    completeness: Completeness = Completeness.UNSURE
    answering: int | None = None
    answered: bool = False
    awaits_client: bool = False
    early: list[str] = field(default_factory=list)
    asked: bool = False
    forced: bool = False
    trouble: str = ""
    paused_at: float | None = None
    overlapped: bool = False

    @property
    def active(self) -> bool:
        """The user is speaking, or was so lately that they may go on."""
        return self.speaking or self.silence_ms < ACTIVITY_MS

    def resume(self) -> None:
        """The user goes on: what was made of the words so far no longer counts."""
        self.speaking = True
        self.silence_ms = 0
        self.transcribing = self.answering = self.words = None
        self.completeness = Completeness.UNSURE
        self.answered = self.awaits_client = False
        self.trouble = ""
        self.early.clear()


ACTIVITY_MS = 1000
"""In a session whose client ends the turns, the user is taken to be speaking this long after."""
