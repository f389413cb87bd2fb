"""What the machine remembers, shared by its three sides: listening, speaking, prompting."""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from conversation.commands import Command
from conversation.floor import Floor
from conversation.policy import OWED_LIMIT, STIR, STIRRING_LIMIT, TurnPolicy
from conversation.responses import OfSilence, Response, ToRequest, ToTurn
from conversation.turns import Mode, Turn


@dataclass(frozen=True, slots=True)
class Owed:
    """An answer that could not begin yet."""

    origin: ToTurn | ToRequest | OfSilence
    text: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """What a response had still to say when something more pressing took the floor."""

    of: Response
    sentences: tuple[str, ...]


Pending: TypeAlias = Owed | Rest


@dataclass(slots=True)
class State:
    """One conversation's memory. Times are seconds on the caller's monotonic clock.

    quiet_since: when the floor last became idle.
    speech_until: the user is known to speak until then, even if their turn was just committed.
    stirring_since, stirred_at: the first and the last of the latest frames in a row that may be the
    first of an utterance.
    awaiting: recognition of turns already committed: work -> (turn, deadline).
    client_until: until when prompts wait for the client's own response.
    unanswered: idle reports and low prompts since the user last said anything.
    idle_reported: the next thing the client asks for is its reply to an idle report.
    """

    policy: TurnPolicy
    now: float
    quiet_since: float
    floor: Floor = Floor.IDLE
    turn: Turn | None = None
    response: Response | None = None
    pending: deque[Pending] = field(default_factory=deque)
    awaiting: dict[int, tuple[int, float]] = field(default_factory=dict)
    client_until: float = 0.0
    speech_until: float = 0.0
    stirring_since: float = float("-inf")
    stirred_at: float = float("-inf")
    unanswered: int = 0
    idle_armed: bool = False
    idle_reported: bool = False
    loaded: bool = False
    closed: bool = False
    commands: list[Command] = field(default_factory=list)
    ids: int = 0

    def emit(self, *commands: Command) -> None:
        """Adds to what `handle` will return."""
        self.commands.extend(commands)

    def owe(self, owed: Owed) -> None:
        """Notes an answer for later. Beyond `OWED_LIMIT` the oldest is given up."""
        waiting = [item for item in self.pending if isinstance(item, Owed)]
        if len(waiting) >= OWED_LIMIT:
            self.pending.remove(waiting[0])
        self.pending.append(owed)

    def new_id(self) -> int:
        """The next id; turns, works and responses share one count."""
        self.ids += 1
        return self.ids

    @property
    def user_holds_floor(self) -> bool:
        """The user speaks, or may go on speaking, and the agent has not been let in beside."""
        turn = self.turn
        if turn is None or turn.mode is not Mode.NORMAL:
            return False
        return turn.active if self.policy.manual else True

    @property
    def user_active(self) -> bool:
        """Anything at all is coming from the user."""
        if self.turn is None:
            return self.now < self.speech_until
        return self.turn.active if self.policy.manual else True

    @property
    def stirring_until(self) -> float:
        """Until then the user may just be beginning to speak; then what stirred was a noise."""
        return min(self.stirred_at + STIR, self.stirring_since + STIRRING_LIMIT)
