"""Many instances at once, some of which die in the middle: every prompt is heard, once."""

import asyncio
import random
import subprocess
import sys
from collections import Counter

from redis.asyncio import Redis

from outreach.claims import Claim
from outreach.ledger import Ledger
from outreach.states import State
from tests.outreach.prompts import an_hour_later, published

PATIENCE = 60
PROMPTS, INSTANCES = 40, 6


class Instance:
    """Takes what waits, says it, and now and then dies between two steps, leaving its lease."""

    def __init__(self, redis: Redis, name: str, users: list[str]) -> None:
        self.ledger = Ledger(redis, name)
        self.name = name
        self.users = users
        self.random = random.Random(name)
        self.granted: list[Claim] = []
        self.heard: list[str] = []

    async def talk(self) -> None:
        """Until nothing waits any more."""
        while waiting := [
            (user, entry.outreach.id)
            for user in self.users
            for entry in await self.ledger.mailbox(user)
        ]:
            self.random.shuffle(waiting)
            for user, id in waiting:
                await self.say(user, id)

    async def say(self, user: str, id: str) -> None:
        # A lease of 0 is one whose holder is taken for dead, whether it is or not.
        lease_s = self.random.choice([0, 0.2])
        claim = await self.ledger.reserve(user, id, self.name, lease_s)
        if not isinstance(claim, Claim) or self.random.random() < 0.2:
            return
        if await self.ledger.begin(claim, lease_s) is not None:
            return
        self.granted.append(claim)
        if self.random.random() < 0.2:
            return
        if await self.ledger.report(claim, State.HEARD):
            self.heard.append(id)


async def test_prompts_survive_instances_that_die_and_are_heard_once(real: Redis) -> None:
    users = [f"u{{{number}}}" for number in range(4)]
    instances = [Instance(real, f"i{number}", users) for number in range(INSTANCES)]
    prompts = [
        await published(instances[0].ledger, str(number), users[number % 4], attempts=10)
        for number in range(PROMPTS)
    ]

    async def sweep(ledger: Ledger) -> None:
        while True:
            await an_hour_later(real)
            for user, id, state in await ledger.lapsed():
                if state is not State.PUBLISHED:
                    await ledger.give_up_lease(user, id)
            await asyncio.sleep(0.05)

    sweepers = [asyncio.create_task(sweep(instance.ledger)) for instance in instances[:2]]
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for instance in instances:
            group.create_task(instance.talk())
    for sweeper in sweepers:
        while not sweeper.done():  # redis-py may swallow a cancellation
            sweeper.cancel()
            await asyncio.wait({sweeper}, timeout=0.1)
    heard = Counter(id for instance in instances for id in instance.heard)
    granted = [claim for instance in instances for claim in instance.granted]
    for outreach in prompts:
        entry = await instances[0].ledger.get(outreach.id)
        assert entry is not None
        assert entry.state in (State.HEARD, State.DEAD)
        assert heard[outreach.id] == (entry.state is State.HEARD)
        grants = [claim for claim in granted if claim.id == outreach.id]
        assert len(grants) == entry.begun
        assert len({claim.epoch for claim in grants}) == len(grants)
        # Whoever was granted it after another knew that it may have been heard.
        in_order = sorted(grants, key=lambda claim: claim.epoch)
        assert [claim.begun for claim in in_order] == list(range(len(grants)))
    assert sum(heard.values()) > PROMPTS * 0.9
    assert any(claim.again for claim in granted)
    for instance in instances:
        await instance.ledger.aclose()


def test_importing_the_ledger_does_not_import_redis() -> None:
    """Which takes half a second, and a server starts in two."""
    modules = "outreach.ledger, outreach.inbox, outreach.facts, sessions.presence, sessions.lease"
    check = f"import sys, {modules}; sys.exit('redis' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
