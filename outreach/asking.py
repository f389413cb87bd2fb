"""The ledger's questions to its script, and what the answers mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import JsonValue

from outreach import indexes
from outreach.claims import Claim, Refused
from outreach.funnel import Funnel
from outreach.keys import person_key
from outreach.ledger_script import LEDGER
from outreach.prompt import Outreach
from outreach.reading import read_entry
from outreach.scripts import Call, command, together
from outreach.states import OVER, TRANSITIONS, State
from outreach.switch import SWITCH, read_switch

if TYPE_CHECKING:
    from redis.asyncio import Redis

MAX_EVIDENCE = 8 * 1024
"""Bytes of a step's evidence."""
MAX_REASON = 500
AT_ONCE = 50
"""Questions that are sent together: putting them together takes 2 ms of the event loop."""

REFUSALS: Mapping[str, Refused] = {
    refused.value: refused
    for refused in (Refused.GONE, Refused.OVER, Refused.TAKEN, Refused.EXPIRED, Refused.CONSENT)
}


@dataclass(frozen=True, slots=True)
class Reply:
    """Of the script. code: "done", or why not. rest: as the question has it."""

    code: str
    rest: tuple[Any, ...]


class Asking:
    """Sends each question with what goes along with it, in one round trip."""

    def __init__(self, redis: "Redis", by: str, funnel: Funnel) -> None:
        self._redis = redis
        self._by = by
        self._funnel = funnel
        self._stopped = False
        """As last seen: while all is stopped, nothing is reserved only to be given back."""

    async def __call__(
        self,
        user: str,
        id: str,
        what: str,
        *args: str | bytes | float,
        look_s: float | None = None,
        by: str = "",
    ) -> Reply:
        """look_s: when the sweeper looks at the prompt if nothing else comes of it."""
        hints = [] if look_s is None else [indexes.look(user, id, look_s)]
        *_, reply = await together(self._redis, *hints, self._call(user, id, what, *args, by=by))
        return self._read(user, id, reply)

    async def each(self, what: str, asked: Sequence[tuple[str | float, ...]]) -> list[Reply]:
        """The same question about several: (user, id, arguments...). One round trip for AT_ONCE."""
        found: list[Reply] = []
        for start in range(0, len(asked), AT_ONCE):
            some = [(str(user), str(id), args) for user, id, *args in asked[start:][:AT_ONCE]]
            calls = [self._call(user, id, what, *args) for user, id, args in some]
            replies = await together(self._redis, *calls)
            found += [
                self._read(user, id, reply)
                for (user, id, _), reply in zip(some, replies, strict=True)
            ]
        return found

    async def open(
        self,
        outreach: Outreach,
        state: State,
        reason: str,
        evidence: Mapping[str, JsonValue],
        until: float,
        by: str,
    ) -> Reply:
        """See Ledger.open."""
        if state not in TRANSITIONS[State.MATCHED]:
            raise ValueError(f"a prompt cannot begin as {state.value}")
        counted = awaited = b""
        if not outreach.test:
            told = {"id": outreach.id, "rule": outreach.rule, "purpose": outreach.purpose}
            counted = orjson.dumps(told)
        if outreach.cancel_on or outreach.convert_on:
            types = {"cancel": outreach.cancel_on, "convert": outreach.convert_on}
            awaited = orjson.dumps({"id": outreach.id, **types})
        args: tuple[str | bytes | float, ...] = (
            outreach.model_dump_json(),
            state.value,
            reason[:MAX_REASON],
            _evidence(evidence),
            until,
            outreach.due,
            outreach.expires,
            outreach.attempts,
            outreach.purpose,
            outreach.rule,
            int(outreach.test),
            counted,
            awaited,
            int(bool(outreach.convert_on)),
        )
        user, id = outreach.user, outreach.id
        soon = None if state in OVER else 1.0
        owner = orjson.dumps({"user": user})
        reply = (
            await together(
                self._redis,
                indexes.enter(user, id, outreach.rule, owner, soon),
                self._call(user, id, "open", *args, by=by),
            )
        )[1]
        return self._read(user, id, reply, _check(state, reason, evidence))

    async def move(
        self,
        user: str,
        id: str,
        to: State,
        reason: str,
        evidence: Mapping[str, JsonValue],
        until: float,
        from_: Collection[State] | None,
        by: str,
    ) -> Reply:
        """See Ledger.move."""
        args = (to.value, reason[:MAX_REASON], _evidence(evidence), until, _listed(from_))
        hints = [] if to in OVER else [indexes.look(user, id, 1.0)]
        *_, reply = await together(self._redis, *hints, self._call(user, id, "move", *args, by=by))
        return self._read(user, id, reply, _check(to, reason, evidence))

    async def move_all(
        self, user: str, ids: Sequence[str], to: State, reason: str, from_: Collection[State]
    ) -> list[Reply]:
        """Several of a person's prompts, to a state that needs no further look."""
        rest = (to.value, reason[:MAX_REASON], "{}", 0.0, _listed(from_))
        return await self.each("move", [(user, id, *rest) for id in ids])

    async def reserve(self, user: str, id: str, holder: str, lease_s: float) -> Claim | Refused:
        """See Ledger.reserve."""
        if self._stopped and await self._still_stopped():
            return Refused.STOPPED
        _, raw, stopped = await together(
            self._redis,
            indexes.look(user, id, lease_s + 0.05),
            self._call(user, id, "reserve", holder, lease_s),
            command("GET", SWITCH),
        )
        reply = self._read(user, id, raw)
        if reply.code != "done":
            return REFUSALS[reply.code]
        epoch, begun, late, fields = reply.rest
        claim = Claim(user, id, int(epoch), int(begun), read_entry(fields), bool(late))
        return await self._stop(claim) if self._see(stopped) else claim

    async def begin(
        self, claim: Claim, lease_s: float, evidence: Mapping[str, JsonValue]
    ) -> Refused | None:
        """See Ledger.begin."""
        raw, stopped = await together(
            self._redis,
            self._call(claim.user, claim.id, "begin", claim.epoch, lease_s, _evidence(evidence)),
            # After the claim: whoever stops everything meanwhile is obeyed.
            command("GET", SWITCH),
        )
        reply = self._read(claim.user, claim.id, raw)
        if reply.code != "done":
            return REFUSALS[reply.code]
        return await self._stop(claim) if self._see(stopped) else None

    async def report(
        self, claim: Claim, state: State, reason: str, evidence: Mapping[str, JsonValue]
    ) -> bool:
        """See Ledger.report."""
        args = (claim.epoch, state.value, reason[:MAX_REASON], _evidence(evidence))
        return (await self(claim.user, claim.id, "report", *args)).code == "done"

    async def _stop(self, claim: Claim) -> Refused:
        """The switch is in another slot than the prompt, so it is looked at beside the claim, and
        a claim that it forbids is given back. Nothing was said yet."""
        args = (claim.epoch, "all outreach is stopped", 1)
        await self(claim.user, claim.id, "give_back", *args, look_s=1.0)
        return Refused.STOPPED

    async def _still_stopped(self) -> bool:
        (document,) = await together(self._redis, command("GET", SWITCH))
        return self._see(document)

    def _see(self, document: bytes | None) -> bool:
        self._stopped = read_switch(document).stopped
        return self._stopped

    def _call(
        self, user: str, id: str, what: str, *args: str | bytes | float, by: str = ""
    ) -> Call:
        keys = [
            person_key(user, "outreach", id),
            person_key(user, "mailbox"),
            person_key(user, "held"),
            person_key(user, "outreach"),
            person_key(user, "spoken"),
            person_key(user, "awaits"),
            person_key(user, "consent"),
        ]
        return LEDGER(keys, what, id, user, by or self._by, *args)

    def _read(self, user: str, id: str, reply: Sequence[Any], check: str = "") -> Reply:
        code, entered, rule, test, *rest = reply
        for one in entered:
            name, _, first = one.decode().partition(":")
            if first == "1" and test != b"1":
                state = State(name)
                reason = check if state is State.SUPPRESSED else ""
                self._funnel.count(rule.decode(), user, id, state, reason)
        return Reply(code.decode(), tuple(rest))


def _listed(states: Collection[State] | None) -> str:
    return "" if states is None else f",{','.join(state.value for state in states)},"


def _evidence(evidence: Mapping[str, JsonValue]) -> bytes:
    document = orjson.dumps(dict(evidence))
    if len(document) > MAX_EVIDENCE:
        return orjson.dumps({"left_out": f"{len(document)} bytes of evidence"})
    return document


def _check(state: State, reason: str, evidence: Mapping[str, JsonValue]) -> str:
    """What the funnel says of why it was suppressed: the check's name, else the reason."""
    if state is not State.SUPPRESSED:
        return "mailbox full"
    return str(evidence.get("check") or reason)
