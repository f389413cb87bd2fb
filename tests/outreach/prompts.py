"""Prompts for the tests of this room."""

import time
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from outreach.caps import Spoken, ask_recent, read_recent
from outreach.claims import Claim
from outreach.ledger import Ledger
from outreach.prompt import Outreach, outreach_id
from outreach.scripts import together
from outreach.states import State

LONG_S = 1000.0
"""A lease that does not run out during a test; 0 is one that has."""


def prompt(key: str = "1", user: str = "u42", *, ttl_s: float = 600, **more: Any) -> Outreach:
    """What one might say to u42; a negative `ttl_s` has passed."""
    now = time.time()
    given: dict[str, Any] = {
        "id": outreach_id("order_ready", user, key),
        "user": user,
        "rule": "order_ready",
        "key": key,
        "purpose": "orders",
        "text": "Your latte is ready at the counter.",
        "born": now,
        "due": now,
        "expires": now + ttl_s,
    }
    return Outreach(**{**given, **more})


async def published(ledger: Ledger, key: str = "1", user: str = "u42", **more: Any) -> Outreach:
    """One that waits in the mailbox."""
    outreach = prompt(key, user, **more)
    assert await ledger.open(outreach, State.PUBLISHED)
    return outreach


async def reserved(
    ledger: Ledger, outreach: Outreach, holder: str = "one/s1", lease_s: float = LONG_S
) -> Claim:
    """The claim of a session that has it in its queue."""
    claim = await ledger.reserve(outreach.user, outreach.id, holder, lease_s)
    assert isinstance(claim, Claim), claim
    return claim


async def spoken(ledger: Ledger, outreach: Outreach, **claim: Any) -> Claim:
    """The claim of a session that says it now."""
    lease_s = claim.get("lease_s", LONG_S)
    held = await reserved(ledger, outreach, **claim)
    assert await ledger.begin(held, lease_s) is None
    return held


async def state(ledger: Ledger, outreach: Outreach) -> State:
    """As the ledger has it."""
    entry = await ledger.get(outreach.id)
    assert entry is not None
    return entry.state


async def an_hour_later(client: Redis) -> None:
    """Whatever the sweeper planned to look at is due now."""
    key = "overture:index:{outreach}:due"
    for member in await client.zrange(key, 0, -1):
        await client.zadd(key, {member: 0})


async def recent(client: Redis, user: str, since: float) -> Sequence[Spoken]:
    """What caps count of them."""
    (found,) = await together(client, ask_recent(user, since))
    return read_recent(found)
