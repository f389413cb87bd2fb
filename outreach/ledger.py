"""The ledger: what is to be said to whom, who may say it now, and what came of it.

Redis is the truth. Every change of a prompt is one Lua script in its person's slot (ledger.lua),
and time is Redis' own.
"""

import math
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import orjson
from pydantic import JsonValue

from outreach import indexes
from outreach.asking import AT_ONCE, Asking
from outreach.changes import Changes
from outreach.claims import Claim, Refused
from outreach.entry import Entry, Step
from outreach.errors import OutreachUnavailableError
from outreach.funnel import Funnel
from outreach.keys import person_key
from outreach.prompt import Outreach
from outreach.reading import read_entry, readable
from outreach.scripts import command, together
from outreach.searching import Searching
from outreach.states import OVER, State

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Claim", "Ledger", "OutreachUnavailableError", "Refused"]

PUBLISH_AGAIN_S = 1.0
"""A prompt that nobody reserved so soon was lost by the bus, or its person is away."""
MOST_LOOKS = 2000
"""Prompts that one call of `lapsed` looks at: most are over, or wait for something else."""
TAKEN_S = 2.0
"""How long what a sweeper is looking at is left to it."""


class Ledger:
    """by: the instance, for the steps it writes. Every method raises OutreachUnavailableError when
    Redis is away; then nothing may be spoken that was not granted before."""

    def __init__(self, redis: "Redis", by: str) -> None:
        self._redis = redis
        self._funnel = Funnel(redis)
        self._ask = Asking(redis, by, self._funnel)
        self._searching = Searching(redis)
        self._changes = Changes(redis)

    async def aclose(self) -> None:
        """Ends `changes` and sends the last counts."""
        await self._changes.aclose()
        await self._funnel.aclose()

    async def open(
        self,
        outreach: Outreach,
        state: State,
        *,
        reason: str = "",
        evidence: Mapping[str, JsonValue] | None = None,
        until: float = 0.0,
        by: str = "",
    ) -> bool:
        """Enters a prompt as MATCHED and at once as `state`; False if it is known already, and
        then nothing changes.

        state: what may follow MATCHED. PUBLISHED puts it into the mailbox and counts it for caps;
        where the mailbox is full it is SUPPRESSED instead. until: of HELD, Unix time.
        """
        reply = await self._ask.open(outreach, state, reason, evidence or {}, until, by)
        return reply.code == "done"

    async def move(
        self,
        user: str,
        id: str,
        to: State,
        *,
        reason: str = "",
        evidence: Mapping[str, JsonValue] | None = None,
        until: float = 0.0,
        from_: Collection[State] | None = None,
        by: str = "",
    ) -> bool:
        """A change that needs no claim: HELD to PUBLISHED, to CANCELLED, HEARD to ENGAGED, ...

        False if the table of states, or `from_`, does not allow it.
        """
        reply = await self._ask.move(user, id, to, reason, evidence or {}, until, from_, by)
        return reply.code == "done"

    async def get(self, id: str) -> Entry | None:
        """The prompt and its story, None if it is not known (any more)."""
        (document,) = await together(self._redis, command("GET", indexes.of_key(id)))
        return None if document is None else await self.see(orjson.loads(document)["user"], id)

    async def see(self, user: str, id: str) -> Entry | None:
        """The same, in one round trip, for who knows whose it is."""
        reply = await self._ask(user, id, "see")
        return read_entry(reply.rest[0]) if reply.code == "done" else None

    async def search(
        self,
        *,
        user: str = "",
        rule: str = "",
        state: State | None = None,
        text: str = "",
        before: float = math.inf,
        limit: int = 50,
    ) -> Sequence[Entry]:
        """Newest first; before: entered before that Unix time (of `steps[0]`)."""
        return await self._searching.find(user, rule, state, text, before, limit)

    async def mailbox(self, user: str) -> Sequence[Entry]:
        """What is PUBLISHED, RESERVED or SPEAKING, soonest due first; what is past its time is
        ended meanwhile."""
        return [entry for entry in await self._waiting(user) if entry.state is not State.HELD]

    async def reserve(
        self, user: str, id: str, holder: str, lease_s: float = 1.0
    ) -> Claim | Refused:
        """A lease on a prompt that waits, or whose lease ran out. holder: "INSTANCE/SESSION"."""
        return await self._ask.reserve(user, id, holder, lease_s)

    async def begin(
        self,
        claim: Claim,
        lease_s: float = 1.0,
        *,
        evidence: Mapping[str, JsonValue] | None = None,
    ) -> Refused | None:
        """Right before the first sample: None if it may flow now, else why not.

        TTL, consent and the switch are checked again. It may be asked again for a further attempt
        under the same claim; each grant adds to `begun`.
        """
        return await self._ask.begin(claim, lease_s, evidence or {})

    async def renew(self, claims: Sequence[Claim], lease_s: float = 1.0) -> Sequence[Claim]:
        """Those that are lost: taken by another, given up, or ended. One round trip for all.

        A lease that ran out is taken up again as long as nobody else has the prompt.
        """
        replies = await self._ask.each("renew", [(c.user, c.id, c.epoch, lease_s) for c in claims])
        return [c for c, reply in zip(claims, replies, strict=True) if reply.code != "done"]

    async def give_back(self, claim: Claim, reason: str = "", *, unsaid: bool = False) -> bool:
        """To the mailbox again; False if the claim was lost. unsaid: it was granted, but its first
        sample did not flow.

        What was begun as often as it may be becomes DEAD, what is past its time EXPIRED.
        """
        args = (claim.epoch, reason, int(unsaid))
        reply = await self._ask(claim.user, claim.id, "give_back", *args, look_s=PUBLISH_AGAIN_S)
        return reply.code == "done"

    async def report(
        self,
        claim: Claim,
        state: State,
        *,
        reason: str = "",
        evidence: Mapping[str, JsonValue] | None = None,
    ) -> bool:
        """What came of it. False if the claim was lost meanwhile: that is noted as a step, and the
        state stays."""
        return await self._ask.report(claim, state, reason, evidence or {})

    async def lapsed(self, limit: int = 200) -> Sequence[tuple[str, str, State]]:
        """(user, id, state) of what wants somebody to act: HELD whose time came, RESERVED and
        SPEAKING whose lease ran out, PUBLISHED that nobody reserved for a second, then two, four,
        ... (to publish it again).

        Two that ask at once get different ones. What is past its time is ended here.
        """
        found: list[tuple[str, str, State]] = []
        for _ in range(MOST_LOOKS // AT_ONCE):
            looked = await self._look(min(AT_ONCE, limit - len(found)), found)
            if looked < AT_ONCE or len(found) >= limit:
                break
        return found

    async def give_up_lease(self, user: str, id: str) -> bool:
        """A lease that ran out is ended, and the prompt waits again; False if it did not."""
        reply = await self._ask(user, id, "give_up", look_s=PUBLISH_AGAIN_S)
        return reply.code == "done"

    async def note_away(self, user: str, id: str) -> bool:
        """Nobody was there for a prompt that is due: if that lasts, it is said as missed."""
        return (await self._ask(user, id, "away")).code == "done"

    async def cancel_on(self, user: str, event_type: str) -> int:
        """Withdraws what waits and names this event in `cancel_on`; how many those were."""
        ids = await self._awaiting(user, "cancel", event_type)
        waits = (State.HELD, State.PUBLISHED, State.RESERVED)
        return await self._move_all(user, ids, State.CANCELLED, f"{event_type} happened", waits)

    async def cancel_purpose(self, user: str, purpose: str, reason: str) -> int:
        """Withdraws what waits of a purpose, "*" of all; for who just refused it."""
        waiting = [entry.outreach for entry in await self._waiting(user)]
        ids = [outreach.id for outreach in waiting if purpose in ("*", outreach.purpose)]
        waits = (State.HELD, State.PUBLISHED, State.RESERVED)
        return await self._move_all(user, ids, State.CANCELLED, reason, waits)

    async def converted_by(self, user: str, event_type: str) -> int:
        """What was heard, or held out, in the last days and hoped for this event: CONVERTED."""
        ids = await self._awaiting(user, "convert", event_type)
        hoped = (State.HEARD, State.INTERRUPTED, State.ENGAGED, State.HOLDOUT)
        return await self._move_all(user, ids, State.CONVERTED, f"{event_type} happened", hoped)

    async def funnel(self, rule: str) -> Mapping[str, int]:
        """State, and "suppressed:CHECK" -> how many prompts came to it; tests left out."""
        return await self._funnel.of(rule)

    async def funnels(self) -> Mapping[str, Mapping[str, int]]:
        """The same by rule; "" is what was asked for without a rule."""
        return await self._funnel.all()

    async def recent_outcomes(
        self, rule: str, n: int = 50, *, since: float = 0.0
    ) -> Sequence[State]:
        """What the rule's last prompts that reached a person came to, newest first."""
        return await self._funnel.outcomes(rule, n, since)

    def changes(self) -> AsyncIterator[tuple[str, str, Step]]:
        """(user, id, step) as they happen on any instance; whoever reads too slowly misses the
        oldest. Ends with `aclose`."""
        return self._changes.follow()

    async def _look(self, limit: int, found: list[tuple[str, str, State]]) -> int:
        """Looks at what is due for it, adds to `found`; how many those were."""
        ((time, members),) = await together(self._redis, indexes.take(limit, TAKEN_S))
        named = [indexes.named(name) for name in members]
        replies = await self._ask.each("look", [(user, id) for user, id in named])
        looks: list[str | bytes | float] = []
        for (user, id), name, reply in zip(named, members, replies, strict=True):
            looks += [name, float(reply.rest[0]) if reply.rest else ""]
            if reply.code == "lapsed":
                found.append((user, id, State(reply.rest[1].decode())))
        if looks:
            await together(self._redis, indexes.settle(time, looks))
        return len(members)

    async def _waiting(self, user: str) -> list[Entry]:
        """What has not ended, in the order of due times, held ones by when they are looked at."""
        boxes = [command("ZRANGE", person_key(user, box), 0, -1) for box in ("mailbox", "held")]
        ids = [id.decode() for box in await together(self._redis, *boxes) for id in box]
        replies = await self._ask.each("see", [(user, id) for id in ids])
        entries = readable(reply.rest[0] for reply in replies if reply.code == "done")
        return [entry for entry in entries if entry.state not in OVER]

    async def _awaiting(self, user: str, what: str, event_type: str) -> list[str]:
        key = person_key(user, "awaits")
        (members,) = await together(self._redis, command("ZRANGE", key, 0, -1))
        awaited = [orjson.loads(found) for found in members]
        return [one["id"] for one in awaited if event_type in one[what]]

    async def _move_all(
        self, user: str, ids: Sequence[str], to: State, reason: str, from_: Collection[State]
    ) -> int:
        replies = await self._ask.move_all(user, ids, to, reason, from_)
        return sum(reply.code == "done" for reply in replies)
