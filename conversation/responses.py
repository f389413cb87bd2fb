"""What the agent is saying: sentences, how far they were voiced and played."""

from dataclasses import dataclass, field
from typing import TypeAlias

from conversation.prompts import Waiting


@dataclass(frozen=True, slots=True)
class ToTurn:
    """The answer to a user's turn."""

    turn: int


@dataclass(frozen=True, slots=True)
class ToRequest:
    """What a client asked for with `response.create`; the number is the driver's."""

    request: int


@dataclass(frozen=True, slots=True)
class OfPrompt:
    """The agent speaks first."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class OfSilence:
    """Nobody has said anything for the session's idle time-out, so the agent does."""


Origin: TypeAlias = ToTurn | ToRequest | OfPrompt | OfSilence


@dataclass(slots=True)
class Sentence:
    """marks: rising (character, ms) pairs, both from the sentence's start; ms: voiced so far."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()
    ms: int = 0
    over: bool = False
    """Played to its end, or could not be voiced."""

    @property
    def length_ms(self) -> int:
        """Length of all its audio; while that is being made, guessed from how far the text is."""
        char, ms = self.marks[-1] if self.marks else (0, 0)
        if self.over or char <= 0:
            return self.ms
        return max(self.ms, ms * len(self.text) // char)

    def heard(self, played_ms: int) -> str:
        """The text up to the last word that was played whole."""
        if self.over:
            return self.text
        chars = [char for char, ms in self.marks if ms <= played_ms]
        return self.text[: max(chars, default=0)]

    def heard_chars(self, played_ms: int) -> float:
        """The share of its audio that was played, in characters."""
        if not self.ms or played_ms <= 0:
            return 0.0
        share = 1.0 if self.over else min(1.0, played_ms / self.length_ms)
        return share * len(self.text)


@dataclass(slots=True)
class Response:
    """One response. work: the answer that feeds it, None once no more sentences will come.

    answer: that answer's work id, for good; None for a prompt.
    begun: index of the sentence whose audio flows, -1 before the first.
    played_ms: audio that reached the listener, from the first sentence's first sample.
    stop_after: the last sentence that will be played, when something more pressing waits.
    progress_at: when anything last happened to it.
    """

    id: int
    origin: Origin
    work: int | None
    sentences: list[Sentence] = field(default_factory=list)
    begun: int = -1
    played_ms: int = 0
    stop_after: int | None = None
    prompt: Waiting | None = None
    answer: int | None = None
    progress_at: float = 0.0

    @property
    def over(self) -> bool:
        """Everything it will ever say was played."""
        if self.stop_after is not None:
            return self.sentences[self.stop_after].over
        return self.work is None and all(s.over for s in self.sentences)

    @property
    def voiced_ms(self) -> int:
        """Length of the audio made so far."""
        return sum(s.ms for s in self.sentences)

    def heard_text(self) -> str:
        """The words that reached the listener; a prefix of what was spoken."""
        heard: list[str] = []
        before = 0
        for sentence in self.sentences:
            part = sentence.heard(self.played_ms - before)
            if part:
                heard.append(part)
            if part != sentence.text:
                break
            before += sentence.ms
        return " ".join(heard)

    def heard_chars(self) -> list[float]:
        """For each sentence how much of it was heard, in characters by the share of its audio."""
        heard: list[float] = []
        before = 0
        for sentence in self.sentences:
            heard.append(sentence.heard_chars(self.played_ms - before))
            before += sentence.ms
        return heard

    def unheard(self) -> tuple[str, ...]:
        """The sentences from the first on that was not played to its end."""
        before = 0
        for index, sentence in enumerate(self.sentences):
            before += sentence.length_ms
            if not sentence.over and (not sentence.ms or self.played_ms < before):
                return tuple(s.text for s in self.sentences[index:])
        return ()
