"""Finds what the bus lost and what its time has come for."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from outreach.errors import OutreachUnavailableError
from outreach.glance import glance
from outreach.inbox import Event, Inbox
from outreach.ledger import Ledger
from outreach.states import State
from scheduler.engine import Engine
from scheduler.intake import Intake

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

EVERY_S = 0.25
EVENT_WAITS_S = 1.0
"""An event that no scheduler has dealt with for so long was lost by the bus."""
AT_ONCE = 8
"""Prompts, and people's events, that are worked on together; then others have their turn."""
LIMIT = 200


class Sweeper:
    """counts: "published again", "leases given up", "looked at again", "events found"."""

    def __init__(
        self, redis: "Redis", ledger: Ledger, inbox: Inbox, engine: Engine, intake: Intake
    ) -> None:
        self._redis = redis
        self._ledger = ledger
        self._inbox = inbox
        self._engine = engine
        self._intake = intake
        self.counts: Counter[str] = Counter()

    async def sweep(self) -> None:
        """One round; raises OutreachUnavailableError."""
        due, waiting = await glance(self._redis, EVENT_WAITS_S)
        if due:
            await self._look_at_prompts()
        if waiting:
            await self._look_at_events()

    async def _look_at_prompts(self) -> None:
        lapsed = await self._ledger.lapsed(LIMIT)
        for start in range(0, len(lapsed), AT_ONCE):
            batch = lapsed[start : start + AT_ONCE]
            await asyncio.gather(*(self._one(*each) for each in batch))

    async def _look_at_events(self) -> None:
        lines: dict[str, list[Event]] = {}
        for event in await self._inbox.waiting(EVENT_WAITS_S, LIMIT):
            lines.setdefault(event.user or event.id, []).append(event)
        people = list(lines.values())
        for start in range(0, len(people), AT_ONCE):
            await asyncio.gather(*map(self._in_order, people[start : start + AT_ONCE]))

    async def _one(self, user: str, id: str, state: State) -> None:
        # The outermost edge of one prompt: what is wrong with it must not hold up the others.
        try:
            await self._lapsed(user, id, state)
        except OutreachUnavailableError:
            raise
        except Exception as error:
            log.exception("a prompt cannot be looked at", outreach=id)
            self.counts["failed"] += 1
            reason = f"{type(error).__name__} while it was looked at again"
            await self._ledger.move(user, id, State.FAILED, reason=reason)

    async def _in_order(self, events: Sequence[Event]) -> None:
        """One person's events, as they came."""
        for event in events:
            self.counts["events found"] += 1
            await self._event(event)

    async def _event(self, event: Event) -> None:
        try:
            await self._intake.handle(event)
        except OutreachUnavailableError:
            raise
        except Exception as error:
            log.exception("an event cannot be handled", id=event.id, type=event.type)
            self.counts["failed"] += 1
            await self._inbox.done(event.id, {"failed": f"{type(error).__name__}: {error}"})

    async def _lapsed(self, user: str, id: str, state: State) -> None:
        match state:
            case State.HELD:
                self.counts["looked at again"] += 1
                await self._engine.look_again(user, id)
            case State.RESERVED | State.SPEAKING:
                if await self._ledger.give_up_lease(user, id):
                    self.counts["leases given up"] += 1
                    await self._engine.publish(user, id)
            case _:
                self.counts["published again"] += 1
                await self._engine.publish(user, id)
