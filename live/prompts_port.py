"""Where a live session's prompts come from, and who is told what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from conversation import Floor
from conversation.prompts import PromptOutcome
from intents.replies import Reply
from outreach.prompt import Outreach

KnownBy: TypeAlias = Literal["client", "clock", "acknowledged", "sent"]
"""How it is known how much was heard: the client's playout reports, the paced clock, a text
session's client that says it has shown it, or one that cannot say so."""


@dataclass(frozen=True, slots=True)
class ToSay:
    """A prompt as it is to be said.

    again: its words say that it may have been missed, or heard before.
    attempts: how often it may be begun in this session. expires_in: seconds; it is not begun later.
    """

    outreach: Outreach
    sentences: tuple[str, ...]
    again: bool = False
    attempts: int = 2
    expires_in: float = float("inf")


@dataclass(frozen=True, slots=True)
class Client:
    """What a session's client is besides its settings.

    transport: "websocket", "webrtc" or "". time_zone: IANA name, "" if it did not say.
    acknowledges: it says which prompts it has shown, so in text nothing else counts as heard.
    """

    transport: str = ""
    time_zone: str = ""
    acknowledges: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands, for those who look on: no words of people's.

    turns: of the person's that were understood. intent: of the last; form: the open one's intent.
    """

    floor: Floor
    turns: int = 0
    intent: str = ""
    form: str = ""
    text_only: bool = False


class Addressee(Protocol):
    """A live session, as whoever sends it prompts sees it."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def user(self) -> str:
        """Whose it is."""
        ...

    @property
    def client(self) -> Client:
        """What is on the other side."""
        ...

    @property
    def standing(self) -> Standing:
        """How it stands now."""
        ...

    def offer(self, to_say: ToSay) -> None:
        """Has it said when the floor allows it; one report to the prompter follows."""
        ...

    def withdraw(self, outreach_id: str, *, cut: bool = False) -> None:
        """It is not begun any more; what is being said is finished, unless cut."""
        ...

    def prepare(self, sentence: str) -> None:
        """This is likely to be said soon."""
        ...

    def show(self, outreach: Outreach) -> None:
        """Shows what is said to the person in another session of theirs."""
        ...

    def hide(self, outreach_id: str) -> None:
        """Takes its card away."""
        ...


class Prompter(Protocol):
    """One session's way to the prompts of its person. Nothing here ever raises or waits."""

    async def begin(self, outreach_id: str) -> bool:
        """Right before its first sample: whether it may be said. The one method that waits."""
        ...

    def release(self, outreach_id: str) -> None:
        """It was granted and did not begin after all; it waits in the session."""
        ...

    def report(
        self,
        outreach_id: str,
        outcome: PromptOutcome,
        heard_ms: int,
        heard_share: float,
        by: KnownBy,
    ) -> None:
        """It is over in this session."""
        ...

    def replied(self, outreach_id: str, reply: Reply) -> None:
        """The person has answered it."""
        ...

    def used(self) -> None:
        """The person has spoken, typed, or asked for something."""
        ...

    def turned(self, intent: str | None, slots: Mapping[str, str]) -> None:
        """A turn has ended and was understood; no words of the person's."""
        ...

    def left(self) -> None:
        """The session is over."""
        ...


class Desk(Protocol):
    """Where sessions sign on for the prompts of their person."""

    def open(self, session: Addressee) -> Prompter:
        """The session has begun."""
        ...


class NoDesk:
    """Where nobody speaks first."""

    def open(self, session: Addressee) -> Prompter:
        """See the port."""
        return NoPrompter()


class NoPrompter:
    """For sessions to which nobody sends prompts."""

    async def begin(self, outreach_id: str) -> bool:
        """See the port: nothing may be said that nobody answers for."""
        return False

    def release(self, outreach_id: str) -> None:
        """See the port."""

    def report(
        self,
        outreach_id: str,
        outcome: PromptOutcome,
        heard_ms: int,
        heard_share: float,
        by: KnownBy,
    ) -> None:
        """See the port."""

    def replied(self, outreach_id: str, reply: Reply) -> None:
        """See the port."""

    def used(self) -> None:
        """See the port."""

    def turned(self, intent: str | None, slots: Mapping[str, str]) -> None:
        """See the port."""

    def left(self) -> None:
        """See the port."""
