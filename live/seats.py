"""A session's seat at the desk: what it says about prompts, passed on to whoever keeps them."""

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from conversation.prompts import PromptOutcome
from intents.replies import Reply
from live.happenings import Happenings
from live.offers import Offers
from live.prompts_port import Addressee, KnownBy
from sessions.presence import SessionCard


class Attendance(Protocol):
    """Who notices that sessions are used and left."""

    def used(self, seat: "Seat") -> None:
        """The person did something in it."""
        ...

    def left(self, seat: "Seat") -> None:
        """It has ended."""
        ...


class Seat:
    """One session's `Prompter`. since, active: Unix time. entered: others know of it."""

    def __init__(
        self, session: Addressee, offers: Offers, happenings: Happenings, attendance: Attendance
    ) -> None:
        self.session = session
        self._offers = offers
        self._happenings = happenings
        self._attendance = attendance
        self.since = self.active = time.time()
        self.entered = False
        self.text_only = session.standing.text_only
        self.gone = False
        self.touching: asyncio.Task[None] | None = None

    @property
    def card(self) -> SessionCard:
        """What others may know of it."""
        session, standing = self.session, self.session.standing
        return SessionCard(
            session=session.id,
            user=session.user,
            transport=session.client.transport,
            since=self.since,
            active=self.active,
            floor=standing.floor.value,
            turns=standing.turns,
            last_intent=standing.intent,
            form=standing.form,
            time_zone=session.client.time_zone,
            text_only=standing.text_only,
        )

    async def begin(self, outreach_id: str) -> bool:
        """See `Prompter`."""
        return await self._offers.begin(outreach_id)

    def release(self, outreach_id: str) -> None:
        """See `Prompter`."""
        self._offers.release(outreach_id)

    def report(
        self,
        outreach_id: str,
        outcome: PromptOutcome,
        heard_ms: int,
        heard_share: float,
        by: KnownBy,
    ) -> None:
        """See `Prompter`."""
        self._offers.report(outreach_id, outcome, heard_ms, heard_share, by)

    def replied(self, outreach_id: str, reply: Reply) -> None:
        """See `Prompter`."""
        self._offers.replied(self.session.user, outreach_id, reply)

    def used(self) -> None:
        """See `Prompter`."""
        self.active = time.time()
        self._attendance.used(self)

    def turned(self, intent: str | None, slots: Mapping[str, str]) -> None:
        """See `Prompter`."""
        kind, session = "intent" if intent else "turn", self.session
        self._happenings.tell(
            kind,
            session.user,
            session.id,
            intent=intent or "",
            slots=slots,
            form=session.standing.form,
        )

    def left(self) -> None:
        """See `Prompter`."""
        if not self.gone:
            self.gone = True
            form = self.session.standing.form
            self._happenings.tell("session_ended", self.session.user, self.session.id, form=form)
            self._attendance.left(self)
