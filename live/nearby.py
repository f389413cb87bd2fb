"""Prompts that this process decides on, for sessions that it has itself: brought without the bus.

The ledger is asked as always, so nothing is said that it does not grant; what does not work this
way goes by the bus, and what is lost on the way is found by the sweeper.
"""

from collections.abc import Callable

from live.attendance import Attending
from live.offers import Offers
from live.seats import Seat
from outreach.errors import OutreachUnavailableError
from outreach.prompt import Outreach
from voice.sentences import split_sentences


class Nearby:
    """The engine's short way (`scheduler.near.Near`). stopped: whether all outreach is."""

    def __init__(self, offers: Offers, attending: Attending, stopped: Callable[[], bool]) -> None:
        self._offers = offers
        self._attending = attending
        self._stopped = stopped

    def expect(self, outreach: Outreach, session: str) -> None:
        """Has the first sentence's audio made while the ledger is asked."""
        seat = self._seat(outreach, session)
        if seat is not None and not outreach.goal:
            for sentence in split_sentences(outreach.text)[:1]:
                seat.session.prepare(sentence)

    async def bring(self, outreach: Outreach, session: str) -> bool:
        """Offers it to the session, if that is here."""
        seat = self._seat(outreach, session)
        if seat is None:
            return False
        try:
            return await self._offers.take(seat.session, outreach.user, outreach.id) is None
        except OutreachUnavailableError:
            return False

    def _seat(self, outreach: Outreach, session: str) -> Seat | None:
        seat = None if self._stopped() else self._attending.seat(session)
        return seat if seat is not None and seat.session.user == outreach.user else None
