"""The right to say a prompt, and why it is refused."""

from dataclasses import dataclass
from enum import Enum

from outreach.entry import Entry
from outreach.states import State


@dataclass(frozen=True, slots=True)
class Claim:
    """A session's lease on a prompt.

    epoch: fencing; what an older one asks is refused. begun: how often its first sample may have
    flowed before. late: they were away when it was due, and did not come back at once; with either
    it is said with "in case you missed it". entry: as reserved; its `until` is the end of the lease
    in Redis' time.
    """

    user: str
    id: str
    epoch: int
    begun: int
    entry: Entry
    late: bool = False

    @property
    def again(self) -> bool:
        """Whether it is said with "in case you missed it"."""
        return self.begun > 0 or self.late

    def age_s(self, now: float) -> float:
        """Seconds at `now`, Redis' time, since its reason arose or since it was held no more."""
        steps = self.entry.steps
        held = any(step.state is State.HELD for step in steps)
        published = [step.at for step in steps if step.state is State.PUBLISHED]
        since = published[0] if held and published else self.entry.outreach.born
        return max(0.0, now - since)


class Refused(Enum):
    """Why a prompt must not be said now."""

    GONE = "gone"
    """There is no such prompt."""
    OVER = "over"
    """It has ended, or does not wait for a session."""
    TAKEN = "taken"
    """The lease is somebody else's."""
    EXPIRED = "expired"
    STOPPED = "stopped"
    """All outreach is stopped; it goes on waiting."""
    CONSENT = "consent"
    """They asked not to hear of its purpose; it was cancelled."""
    UNAVAILABLE = "unavailable"
    """For callers who turn OutreachUnavailableError into an answer."""
