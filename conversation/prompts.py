"""Proactive speech waiting for its moment: the prompt, its priority, and the queue."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Priority(IntEnum):
    """How much a prompt may push; higher goes first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


class OnBargeIn(Enum):
    """What becomes of a prompt that the user interrupted."""

    RESUME = "resume"
    """Go on with what was not heard."""
    AGAIN = "again"
    """Say it again from the start, as a new attempt."""
    YIELD = "yield"
    """Leave it."""


class PromptOutcome(Enum):
    """The one terminal report of a prompt."""

    HEARD = "heard"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """Its claim was not granted: someone else has it, or it may no longer be said."""
    FAILED = "failed"
    RETURNED = "returned"
    """The session ended before it was heard: it goes back to the mailbox."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to say to this person of the agent's own accord.

    due, expires: seconds on the machine's clock; it is not begun outside of them.
    attempts: how often it may be begun in all. quiet: seconds of mutual silence that it waits for,
    where its priority needs less; a critical one waits for none.
    """

    id: str
    sentences: tuple[str, ...]
    priority: Priority = Priority.NORMAL
    due: float = 0.0
    expires: float = float("inf")
    on_barge_in: OnBargeIn = OnBargeIn.RESUME
    attempts: int = 2
    quiet: float = 0.0


@dataclass(slots=True)
class Waiting:
    """A prompt that has not ended. sentences: what is still to be said; attempts: how often more.

    since: when it could first begin but for the user (critical patience counts from it).
    heard_ms, heard_share: of earlier attempts; said_chars: heard of sentences not said again.
    withdrawn: while it was spoken; it is not begun again.
    """

    prompt: Prompt
    order: int
    sentences: tuple[str, ...]
    attempts: int
    heard_ms: int = 0
    heard_share: float = 0.0
    said_chars: float = 0.0
    since: float | None = None
    withdrawn: bool = False

    @property
    def rank(self) -> tuple[int, float, int]:
        """Smaller is sooner: priority, then due time, then arrival."""
        return (-self.prompt.priority, self.prompt.due, self.order)


@dataclass(slots=True)
class PromptQueue:
    """Prompts not yet begun, the one being claimed among them."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    arrivals: int = 0

    def add(self, prompt: Prompt) -> None:
        """Puts it among those that wait."""
        self.arrivals += 1
        self.waiting[prompt.id] = Waiting(prompt, self.arrivals, prompt.sentences, prompt.attempts)

    def due(self, now: float) -> list[Waiting]:
        """Those that may begin as far as time goes, soonest first."""
        ready = [w for w in self.waiting.values() if w.prompt.due <= now < w.prompt.expires]
        return sorted(ready, key=lambda w: w.rank)

    def expired(self, now: float) -> list[Waiting]:
        """Those past their time."""
        return [w for w in self.waiting.values() if w.prompt.expires <= now]
