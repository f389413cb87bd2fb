"""Whom a rule is for: people one by one, everybody in a conversation, everybody known."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from outreach.people import People
from scheduler.cards import Cards
from scheduler.rules import Rule

BATCH = 8
"""People who are decided on together: a few ms of work; then others have their turn."""


class Audiences:
    """Raises OutreachUnavailableError."""

    def __init__(self, people: People, cards: Cards) -> None:
        self._people = people
        self._cards = cards

    async def of(self, rule: Rule, user: str = "") -> AsyncIterator[Sequence[str]]:
        """The people, in batches. user: whom the trigger named, "" for nobody.

        A rule that does not say whom it is for is for whom its trigger named, else for everybody
        who is in a conversation.
        """
        audience = rule.audience
        if audience is None and user:
            yield [user]
        elif audience is None or audience.live:
            live = dict.fromkeys(card.user for card in await self._cards.all() if card.user)
            for batch in _batches(list(live)):
                yield batch
                await asyncio.sleep(0)
        elif audience.users:
            for batch in _batches(audience.users):
                yield batch
                await asyncio.sleep(0)
        else:
            users, cursor = await self._people.users(BATCH)
            while users:
                yield users
                await asyncio.sleep(0)
                users, cursor = await self._people.users(BATCH, cursor) if cursor else ((), "")


def _batches(users: Sequence[str]) -> list[Sequence[str]]:
    return [users[start : start + BATCH] for start in range(0, len(users), BATCH)]
