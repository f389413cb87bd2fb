"""Instances that bring prompts to sessions, in one process: real Redis, a bus in memory."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from intents.replies import Reply
from live import events as told
from live.attendance import Attending
from live.config import SessionConfig
from live.consequences import Consequences
from live.delivery import Delivery
from live.prompts_port import Client
from messaging.memory import MemoryBroker, MemoryBus
from outreach.entry import Entry
from outreach.ledger import Ledger
from outreach.people import Consent, People
from outreach.prompt import Outreach
from outreach.states import State
from outreach.switch import Switch
from sessions.presence import Presence
from tests.support.talking import KeptInMind, Talk, scripted_parts

if TYPE_CHECKING:
    from redis.asyncio import Redis

PATIENCE = 30.0
"""Seconds that anything may take on the slowest machine; when all is well nothing waits so long."""


class Instance:
    """A server process's delivery, without the server."""

    def __init__(self, name: str, redis: "Redis", broker: MemoryBroker) -> None:
        self.name = name
        self.redis = redis
        self.bus = MemoryBus(name, broker)
        self.ledger = Ledger(redis, name)
        self.switch = Switch(redis)
        self.presence = Presence(redis, name)
        self.consent = Consent(redis)
        self.deferred: list[tuple[str, float]] = []
        self.events: list[str] = []
        self.delivery = Delivery(
            self.bus,
            self.ledger,
            self.presence,
            self.switch,
            Consequences(self.ledger, self.consent, self._defer, self._publish_event),
            instance=name,
            attending=Attending(self.presence, People(redis), instance=name),
        )
        self.talks: list[Talk] = []

    async def start(self) -> None:
        await self.bus.start()
        await self.delivery.start()

    async def talk(
        self,
        session: str,
        user: str = "u42",
        config: SessionConfig | None = None,
        client: Client | None = None,
        memory: KeptInMind | None = None,
    ) -> Talk:
        """A session of this instance, begun, with a second of silence behind it."""
        parts = replace(scripted_parts(memory), desk=self.delivery)
        for recognizer in parts.recognizers.values():
            await recognizer.start()
        talk = Talk(parts, config or SessionConfig(), session, user)
        talk.session.prompts.client = client or Client()
        await talk.session.start()
        self.talks.append(talk)
        await talk.silence(1.0)
        return talk

    async def present(self, session: str, user: str = "u42") -> None:
        """Returns once everybody knows of the session."""
        async with asyncio.timeout(PATIENCE):
            while session not in [live.session for live in await self.presence.of(user)]:
                await asyncio.sleep(0.01)

    async def publish(self, outreach: Outreach) -> None:
        """As the scheduler does."""
        assert await self.ledger.open(outreach, State.PUBLISHED)
        body = f'{{"user":"{outreach.user}","id":"{outreach.id}"}}'.encode()
        await self.bus.publish("outreach", body, key=outreach.user, tag="published")

    async def entry(self, outreach: Outreach) -> Entry:
        entry = await self.ledger.get(outreach.id)
        assert entry is not None
        return entry

    async def becomes(self, outreach: Outreach, state: State, *talks: Talk) -> Entry:
        """Waits until the ledger says so, while those who talk are silent."""
        entry = await self.entry(outreach)
        try:
            async with asyncio.timeout(PATIENCE):
                while entry.state is not state:
                    for talk in talks:
                        await talk.silence(0.04)
                    await asyncio.sleep(0.002)
                    entry = await self.entry(outreach)
        except TimeoutError:
            raise AssertionError(f"still {entry.state}: {entry.steps}") from None
        return entry

    async def aclose(self) -> None:
        """In order."""
        for talk in self.talks:
            await talk.session.aclose()
        await self.delivery.aclose()
        await self.ledger.aclose()
        await self.bus.aclose()

    async def dies(self) -> None:
        """As after kill -9: nothing of it runs any more, and nobody is told."""
        mine = [
            task
            for task in asyncio.all_tasks()
            if task.get_name().startswith(f"delivery-{self.name}-")
        ]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        await self.bus.aclose()
        for talk in self.talks:
            # What a dead process would have said goes nowhere.
            talk.session.prompts.prompter = _Nobody()
            await talk.session.aclose()
        self.talks.clear()

    async def _defer(self, entry: Entry, delay_s: float) -> None:
        self.deferred.append((entry.outreach.id, delay_s))
        await self.ledger.move(entry.outreach.user, entry.outreach.id, State.DEFERRED)

    async def _publish_event(self, kind: str, entry: Entry) -> None:
        self.events.append(kind)


class _Nobody:
    async def begin(self, outreach_id: str) -> bool:
        return False

    def release(self, outreach_id: str) -> None: ...

    def report(self, *args: object) -> None: ...

    def replied(self, outreach_id: str, reply: Reply) -> None: ...

    def used(self) -> None: ...

    def turned(self, intent: str | None, slots: object) -> None: ...

    def left(self) -> None: ...


async def until(true: Callable[[], bool], *talks: Talk) -> None:
    """Waits for it, while those who talk are silent."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            for talk in talks:
                await talk.silence(0.04)
            await asyncio.sleep(0.002)


def prompts_said(talk: Talk) -> list[str]:
    """The words of every prompt as they began to be said in this session."""
    prompts = {e.response_id for e in talk.all(told.ResponseBegun) if "outreach_id" in e.metadata}
    return [e.text for e in talk.all(told.TextSent) if e.response_id in prompts]
