"""Who is here: the sessions of this instance, told to the others."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from live.seats import Seat
from live.tasks import Tasks
from outreach.errors import OutreachUnavailableError
from outreach.people import People
from sessions.presence import InstanceCard, LiveAt, Presence
from sessions.store import StoreUnavailableError

log = structlog.get_logger(__name__)

AWAY = (OutreachUnavailableError, StoreUnavailableError)


class Attending:
    """One process's. on_present: others know of the session now. on_used: the person uses it.

    capacity: sessions that there is room for. draining: no new ones come. bus_trouble: why
    messages do not flow, "" when they do.
    """

    def __init__(
        self,
        presence: Presence,
        people: People | None,
        *,
        instance: str,
        address: str = "",
        capacity: int = 100,
        draining: Callable[[], bool] = lambda: False,
        bus_trouble: Callable[[], str] = lambda: "",
    ) -> None:
        self._presence = presence
        self._people = people
        self._instance = instance
        self._address = address
        self._capacity = capacity
        self._draining = draining
        self._bus_trouble = bus_trouble
        self._started = time.time()
        self._seats: dict[str, Seat] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self.tasks = Tasks("attendance")
        self.on_present: Callable[[Seat], None] = lambda seat: None
        self.on_used: Callable[[Seat], Awaitable[None]]

    def seat(self, session: str) -> Seat | None:
        """The session's, None if it is not here."""
        return self._seats.get(session)

    def of(self, user: str) -> Sequence[Seat]:
        """The person's sessions here; the one used last comes first."""
        mine = [seat for seat in self._seats.values() if seat.session.user == user]
        return sorted(mine, key=lambda seat: (seat.session.standing.text_only, -seat.active))

    def users(self) -> set[str]:
        """Who is here."""
        return {seat.session.user for seat in self._seats.values()}

    def take(self, seat: Seat) -> None:
        """A session has begun."""
        self._seats[seat.session.id] = seat
        self.tasks.start(self._enter(seat), "enter")

    async def _enter(self, seat: Seat) -> None:
        session = seat.session
        if (leaving := self._leaving.get(session.id)) is not None:
            await asyncio.wait({leaving})
        seat.text_only = session.standing.text_only
        try:
            if self._people is not None:
                await self._people.seen(session.user, session.client.time_zone)
            await self._presence.enter(
                LiveAt(session.id, session.user, self._instance, 0.0, seat.text_only)
            )
        except AWAY as error:
            log.info("presence_waits_for_redis", reason=str(error))
            return  # the next beat tries again
        if seat.gone:  # meanwhile, and its leaving came first
            await self._leave(seat)
        elif not seat.entered:
            seat.entered = True
            self.on_present(seat)

    def used(self, seat: Seat) -> None:
        """See `live.seats.Attendance`; one after the other, and not more often."""
        if seat.entered and not seat.gone and (seat.touching is None or seat.touching.done()):
            seat.touching = self.tasks.start(self._touch(seat), "touch")

    async def _touch(self, seat: Seat) -> None:
        try:
            await self._presence.touch(seat.session.user, seat.session.id)
            if not seat.gone:
                await self.on_used(seat)
        except AWAY as error:
            log.info("presence_waits_for_redis", reason=str(error))

    def left(self, seat: Seat) -> None:
        """See `live.seats.Attendance`."""
        session = seat.session
        if self._seats.get(session.id) is seat:
            del self._seats[session.id]
        task = self.tasks.start(self._leave(seat), "leave")
        self._leaving[session.id] = task
        task.add_done_callback(lambda done: self._has_left(session.id, done))

    async def _leave(self, seat: Seat) -> None:
        await self.forget(seat.session.user, seat.session.id)

    async def forget(self, user: str, session: str) -> None:
        """The session is not here, whatever was written; when Redis is away, another time."""
        if session not in self._seats:
            with contextlib.suppress(*AWAY):
                await self._presence.leave(user, session)

    def _has_left(self, session: str, done: "asyncio.Task[None]") -> None:
        if self._leaving.get(session) is done:
            del self._leaving[session]

    async def beat(self) -> None:
        """Says that this instance lives, and how its sessions stand; raises when Redis is away."""
        seats = list(self._seats.values())
        known = await self._presence.beat(
            InstanceCard(
                instance=self._instance,
                address=self._address,
                started=self._started,
                draining=self._draining(),
                sessions=tuple(seat.card for seat in seats),
                load=min(1.0, len(seats) / self._capacity),
                bus_trouble=self._bus_trouble(),
            )
        )
        for seat in seats:
            seat.entered = seat.entered and known  # a Redis that lost what it had is told anew
            if not seat.entered or seat.text_only is not seat.session.standing.text_only:
                await self._enter(seat)

    async def aclose(self) -> None:
        """This instance ends."""
        with contextlib.suppress(*AWAY):
            await self._presence.gone()
