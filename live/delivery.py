"""Delivery: this instance's part in bringing prompts to the sessions of their people.

The ledger in Redis is the truth. A message of the bus says only where to look, so one that comes
twice, late or never changes nothing but the time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from live.attendance import Attending
from live.consequences import Consequences
from live.happenings import Happenings
from live.nearby import Nearby
from live.notices import Notice, ToInstance, read_notice
from live.offers import LEASE_S, Offer, Offers, Why
from live.other_sessions import OtherSessions
from live.prompts_port import Addressee, Prompter
from live.seats import Seat
from live.tasks import Tasks
from messaging import bus as messages
from messaging.topics import Topics
from outreach.claims import Refused
from outreach.errors import OutreachUnavailableError
from outreach.ledger import Ledger
from outreach.states import State
from outreach.switch import Switch
from sessions.presence import Presence
from sessions.store import StoreUnavailableError

log = structlog.get_logger(__name__)

OUTREACH, TO_INSTANCE, HAPPENINGS, GROUP = "outreach", "to-instance", "happenings", "delivery"
"""Topics, and the group of all instances."""

RENEW_S = 0.3
SWITCH_S = 0.5
BEAT_S = 1.0
WITHOUT_BUS_S = 1.0
"""How often mailboxes are looked into while messages do not flow."""
RETRY_S = 0.1
"""How soon a prompt whose lease another holds is asked for again, once its person is here."""
PULL_S = 10.0
"""For so long after somebody came; then the sweeper looks after what is left."""
BRINGING = messages.Retries(handling_s=3.0)
"""Nothing here takes long, and what an instance had that was killed holds up all that follows it in
its queue until that time has passed."""
END_S = 2.0
"""Seconds in which what became of prompts is told when the process ends."""

AWAY = (OutreachUnavailableError, StoreUnavailableError)


class Delivery:
    """The desk of all sessions of one process (`live.parts.Parts.desk`)."""

    def __init__(
        self,
        bus: messages.Bus,
        ledger: Ledger,
        presence: Presence,
        switch: Switch,
        consequences: Consequences,
        *,
        instance: str,
        attending: Attending,
        topics: Topics | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._bus = bus
        self._ledger = ledger
        self._presence = presence
        self._switch = switch
        self._instance = instance
        self._topics = topics or Topics()
        self._tasks = Tasks(f"delivery-{instance}")
        self._loops = Tasks(f"delivery-{instance}")
        self._happenings = Happenings(bus, self._topics(HAPPENINGS))
        self._offers = Offers(ledger, instance, self._tasks, lease_s)
        self._others = OtherSessions(presence, attending, self._tasks, instance, self._send)
        self._offers.on_begun = self._others.show
        self._offers.on_returned = self._returned
        self._offers.on_gone = self._others.hide
        self._offers.on_reply = consequences.of
        self._attending = attending
        attending.on_present = self._present
        attending.on_used = self._used
        attending.tasks = self._tasks
        self._pulling: dict[str, asyncio.Task[None]] = {}
        self._subscriptions: list[messages.Subscription] = []
        self._stopped = False
        self._untold = False
        self.nearby = Nearby(self._offers, attending, lambda: self._stopped)

    @property
    def counts(self) -> Mapping[str, int]:
        """What became of prompts here: see `Offers`."""
        return self._offers.counts

    def tell_first(self, observe: Callable[[float], None]) -> None:
        """`observe` is told how many seconds after its reason arose a prompt began."""
        self._offers.on_first = observe

    def open(self, session: Addressee) -> Prompter:
        """A session has begun."""
        seat = Seat(session, self._offers, self._happenings, self._attending)
        self._happenings.tell("session_started", session.user, session.id)
        self._attending.take(seat)
        return seat

    async def start(self) -> None:
        """Takes part from now on. Raises BusError if the bus cannot be subscribed to."""
        group, topics = self._topics(GROUP), self._topics
        once, owner = messages.Delivery.ONCE, messages.Delivery.OWNER
        subscribe = partial(self._bus.subscribe, retries=BRINGING)
        self._subscriptions = [
            await subscribe(topics(OUTREACH), group, self._on_notice, delivery=once),
            await subscribe(topics(TO_INSTANCE), group, self._on_to_instance, delivery=owner),
        ]
        self._loops.start(self._happenings.publish(), "happenings")
        self._loops.start(self._every(RENEW_S, self._offers.renew), "leases")
        self._loops.start(self._every(SWITCH_S, self._look_at_switch), "switch")
        self._loops.start(self._every(BEAT_S, self._attending.beat), "beat")
        self._loops.start(self._every(WITHOUT_BUS_S, self._do_without_bus), "without-bus")

    async def aclose(self) -> None:
        """Ends, once what became of prompts was told; the sessions have ended before."""
        for subscription in self._subscriptions:
            await subscription.aclose()
        for pull in self._pulling.values():
            pull.cancel()
        await self._tasks.settled(END_S)
        await self._tasks.aclose()
        await self._loops.aclose()
        await self._attending.aclose()

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Again and again; Redis being away is waited out."""
        while True:
            try:
                await act()
            except AWAY as error:
                log.info("delivery_waits_for_redis", reason=str(error))
            except Exception:  # the task's edge: without its next round, every lease would lapse
                log.exception("delivery_round_failed")
            await asyncio.sleep(seconds)

    # What the bus says

    async def _on_notice(self, message: messages.Message) -> None:
        notice = read_notice(Notice, message)
        if notice is not None:
            await self._bring(notice.user, notice.id)

    async def _on_to_instance(self, message: messages.Message) -> None:
        told = read_notice(ToInstance, message)
        if told is None:
            return
        match told.kind:
            case "deliver":
                await self._bring(told.user, told.id, passed_on=True)
            case "move":
                self._move_to(told.user, told.session)
            case _:
                self._others.told(told)

    async def _bring(self, user: str, outreach_id: str, *, passed_on: bool = False) -> None:
        """Has the prompt said where its person is; what cannot be done now is found again."""
        try:
            await self._route(user, outreach_id, passed_on=passed_on)
        except AWAY as error:
            log.info("delivery_waits_for_redis", reason=str(error))
        except messages.BusError as error:
            log.info("prompt_not_passed_on", outreach=outreach_id, reason=str(error))

    async def _route(self, user: str, outreach_id: str, *, passed_on: bool) -> None:
        if self._stopped or self._offers.has(outreach_id):
            return
        lives = await self._presence.of(user)
        for live in lives:
            if live.instance != self._instance:
                if passed_on:
                    continue  # it is nobody's football
                body = ToInstance(kind="deliver", user=user, id=outreach_id, session=live.session)
                await self._send(live.instance, body)
                return
            if (seat := self._attending.seat(live.session)) is not None:
                await self._take(seat, outreach_id)
                return
            await self._attending.forget(user, live.session)
        here = self._attending.of(user)
        if here:
            await self._take(here[0], outreach_id)
        elif all(live.instance == self._instance for live in lives):
            await self._nobody_is_there(user, outreach_id)
        # Else they went to another instance while this was passed on: it is found again there.

    async def _nobody_is_there(self, user: str, outreach_id: str) -> None:
        await self._ledger.note_away(user, outreach_id)
        entry = await self._ledger.see(user, outreach_id)
        if entry is not None and entry.outreach.offline == "drop":
            reason = "nobody was there, and its rule does not wait"
            waits = {State.PUBLISHED}
            await self._ledger.move(user, outreach_id, State.EXPIRED, reason=reason, from_=waits)

    async def _take(self, seat: Seat, outreach_id: str) -> Refused | None:
        return await self._offers.take(seat.session, seat.session.user, outreach_id)

    # Who is here

    def _present(self, seat: Seat) -> None:
        """The person has come, or come back: what waits for them is fetched."""
        self._pull(seat.session.user)

    def _pull(self, user: str) -> None:
        running = self._pulling.get(user)
        if running is None or running.done():
            pull = self._tasks.start(self._fetch(user), "pull")
            self._pulling[user] = pull
            pull.add_done_callback(lambda done: self._pulled(user, done))

    def _pulled(self, user: str, done: "asyncio.Task[None]") -> None:
        if self._pulling.get(user) is done:
            del self._pulling[user]

    async def _fetch(self, user: str) -> None:
        """All that waits; what another has a lease on is tried until that has run out."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PULL_S
        while self._attending.of(user) and not self._stopped:
            try:
                if not await self._fetched_some(user):
                    return
            except AWAY as error:
                log.info("delivery_waits_for_redis", reason=str(error))
            if loop.time() >= end:
                return
            await asyncio.sleep(RETRY_S)

    async def _fetched_some(self, user: str) -> bool:
        """Asks once for everything; whether something is to be asked for again."""
        waiting = [
            entry.outreach.id
            for entry in await self._ledger.mailbox(user)
            if not self._offers.has(entry.outreach.id)
        ]
        if not waiting:
            return False
        lives = await self._presence.of(user)
        here = self._attending.of(user)
        if not here or (lives and lives[0].instance != self._instance):
            return False  # they use a session of another instance, which looks after them
        seat = (self._attending.seat(lives[0].session) if lives else None) or here[0]
        return Refused.TAKEN in [await self._take(seat, one) for one in waiting]

    async def _used(self, seat: Seat) -> None:
        """The person uses this session now: what waits in others of theirs comes here."""
        user, session = seat.session.user, seat.session.id
        lives = await self._presence.of(user)
        if len(lives) < 2 or lives[0].session != session:
            return
        self._move_to(user, session)
        for instance in {live.instance for live in lives} - {self._instance}:
            body = ToInstance(kind="move", user=user, id="-", session=session)
            try:
                await self._send(instance, body)
            except messages.BusError as error:
                log.info("move_not_passed_on", reason=str(error))

    def _move_to(self, user: str, session: str) -> None:
        for offer in self._offers.waiting():
            if offer.user == user and offer.session.id != session:
                self._offers.withdraw(offer, Why.MOVED)

    def _returned(self, offer: Offer) -> None:
        """It waits again: for another session at once; for the same one when the sweeper comes by,
        as that gave it back for a reason."""
        gone = self._attending.seat(offer.session.id) is None
        if gone or offer.why is Why.MOVED or offer.refused is Refused.UNAVAILABLE:
            self._tasks.start(self._bring(offer.user, offer.id), "again")

    async def _do_without_bus(self) -> None:
        """While messages do not flow, and once more when they do again, looks for what they would
        have told: the sweeper, which publishes it again, comes by ever more rarely."""
        trouble = bool(self._bus.trouble)
        self._untold = self._untold or trouble
        if not self._untold or self._stopped:
            return
        for user in self._attending.users():
            await self._fetched_some(user)
        self._untold = trouble

    async def _send(self, instance: str, told: ToInstance) -> None:
        body = told.model_dump_json(exclude_defaults=True).encode()
        topic = self._topics(TO_INSTANCE)
        await self._bus.publish(topic, body, key=told.user, tag=told.kind, owner=instance)

    # The switch

    async def _look_at_switch(self) -> None:
        """While somebody is here; whoever reserves a prompt looks at it too."""
        if not self._stopped and not self._attending.users():
            return
        state = await self._switch.state()
        was, self._stopped = self._stopped, state.stopped
        if state.stopped:
            self._offers.cut()
        elif was:
            for user in self._attending.users():
                self._pull(user)
