"""The session cards of live conversations, as far as conditions look at them."""

import asyncio
from collections.abc import Mapping, Sequence

from outreach.errors import OutreachUnavailableError
from outreach.facts import LiveAt
from sessions.presence import Presence, SessionCard
from sessions.store import StoreUnavailableError

FRESH_S = 0.5
"""Cards are written each second; reading them more often tells nothing new."""


class Cards:
    """Reads all cards at once, at most each `fresh_s` seconds; raises OutreachUnavailableError."""

    def __init__(self, presence: Presence, fresh_s: float = FRESH_S) -> None:
        self._presence = presence
        self._fresh_s = fresh_s
        self._read = float("-inf")
        self._by_session: Mapping[str, SessionCard] = {}

    async def all(self) -> Sequence[SessionCard]:
        """Of every live session, on any instance."""
        now = asyncio.get_running_loop().time()
        if now - self._read >= self._fresh_s:
            try:
                cards = await self._presence.sessions()
            except StoreUnavailableError as error:
                raise OutreachUnavailableError(str(error)) from error
            self._by_session = {card.session: card for card in cards}
            self._read = now
        return list(self._by_session.values())

    async def of(self, live: Sequence[LiveAt]) -> SessionCard | None:
        """The card of the session that a person used last; None if they have none.

        One that has just begun has no card yet: then what is known of it stands in.
        """
        if not live:
            return None
        first = live[0]
        await self.all()
        if (card := self._by_session.get(first.session)) is not None:
            return card
        return SessionCard(
            session=first.session,
            user=first.user,
            transport="",
            since=first.active,
            active=first.active,
            floor="",
            turns=0,
            last_intent="",
            form="",
            time_zone="",
            text_only=first.text_only,
        )
