"""A person's other sessions, here and at other instances: they see what is said in one of them."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from live.attendance import Attending
from live.notices import ToInstance
from live.offers import Offer
from live.tasks import Tasks
from messaging.bus import BusError
from outreach.errors import OutreachUnavailableError
from sessions.presence import Presence
from sessions.store import StoreUnavailableError

log = structlog.get_logger(__name__)

Send: TypeAlias = Callable[[str, ToInstance], Awaitable[None]]
"""(instance, body); raises BusError."""


class OtherSessions:
    """One process's way to show cards in them. instance: this process."""

    def __init__(
        self, presence: Presence, attending: Attending, tasks: Tasks, instance: str, send: Send
    ) -> None:
        self._presence = presence
        self._attending = attending
        self._tasks = tasks
        self._instance = instance
        self._send = send

    def show(self, offer: Offer) -> None:
        """Its words may flow now."""
        if offer.claim is not None:
            card = ToInstance(
                kind="card",
                user=offer.user,
                id=offer.id,
                session=offer.session.id,
                outreach=offer.claim.entry.outreach,
            )
            self._tasks.start(self._tell(card), "card")

    def hide(self, offer: Offer) -> None:
        """It will not be said."""
        gone = ToInstance(kind="gone", user=offer.user, id=offer.id, session=offer.session.id)
        self._tasks.start(self._tell(gone), "gone")

    def told(self, told: ToInstance) -> None:
        """For those that are here: a card, or that it is gone."""
        for seat in self._attending.of(told.user):
            if seat.session.id == told.session:
                continue
            if told.outreach is not None:
                seat.session.show(told.outreach)
            else:
                seat.session.hide(told.id)

    async def _tell(self, told: ToInstance) -> None:
        self.told(told)
        try:
            lives = await self._presence.of(told.user)
            for instance in {live.instance for live in lives} - {self._instance}:
                await self._send(instance, told)
        except (OutreachUnavailableError, StoreUnavailableError, BusError) as error:
            log.info("card_not_passed_on", reason=str(error))
