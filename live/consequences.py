"""What follows from an answer to a prompt: for the ledger, for consent, for later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from intents.replies import Reply
from live.replying import LATER_S, about, later_s
from outreach.entry import Entry
from outreach.ledger import Ledger
from outreach.people import Consent, TooManyPurposesError
from outreach.prompt import Expected
from outreach.states import State

Defer: TypeAlias = Callable[[Entry, float], Awaitable[object]]
"""Opens the same prompt for so many seconds later, and moves this one to DEFERRED."""
PublishEvent: TypeAlias = Callable[[str, Entry], Awaitable[object]]
"""An event of this type has happened, to the person of the prompt."""

SAID_WITHIN = 30
"""Seconds for which a prompt may still be spoken elsewhere when its button is pressed here."""
PERSON = "the person"


class Consequences:
    """defer, publish_event: None where nobody schedules; then only the ledger is told."""

    def __init__(
        self,
        ledger: Ledger,
        consent: Consent,
        defer: Defer | None = None,
        publish_event: PublishEvent | None = None,
    ) -> None:
        self._ledger = ledger
        self._consent = consent
        self._defer = defer
        self._publish_event = publish_event

    async def of(self, user: str, outreach_id: str, reply: Reply) -> None:
        """Acts on it; doing so twice changes nothing. Raises OutreachUnavailableError."""
        if reply.kind in ("repeat", "why", "enough", "other"):
            return
        entry = await self._ledger.see(user, outreach_id)
        if entry is None:
            return
        match reply.kind:
            case "yes" | "no":
                await self._move(entry, State.ENGAGED, reply.kind)
            case "not_now":
                await self._later(entry, later_s(reply))
            case "stop":
                await self._stop(entry)
            case "expected":
                await self._expected(entry, reply.name)
            case _:
                pass

    async def _expected(self, entry: Entry, name: str) -> None:
        found = next((each for each in entry.outreach.expects if each.name == name), None)
        match found:
            case None:
                pass
            case Expected(does="convert"):
                await self._move(entry, State.CONVERTED, name)
            case Expected(does="defer"):
                await self._later(entry, LATER_S)
            case Expected(does="opt_out"):
                await self._stop(entry)
            case Expected(does="event", event=event):
                await self._move(entry, State.ENGAGED, name)
                if self._publish_event is not None and event:
                    await self._publish_event(event, entry)
            case _:
                await self._move(entry, State.ENGAGED, name)

    async def _later(self, entry: Entry, delay_s: float) -> None:
        if self._defer is not None:
            await self._defer(entry, delay_s)
        else:
            await self._move(entry, State.DEFERRED, f"in {round(delay_s)} s")

    async def _stop(self, entry: Entry) -> None:
        outreach = entry.outreach
        why = f"they said so when they were told: {outreach.rule or 'a direct request'}"
        try:
            await self._consent.refuse(outreach.user, outreach.purpose, PERSON, why)
        except TooManyPurposesError:
            # Nothing may be said that was refused, so rather nothing at all.
            await self._consent.refuse(outreach.user, "*", PERSON, why)
        reason = f"they asked not to hear of {about(outreach)}"
        await self._ledger.cancel_purpose(outreach.user, outreach.purpose, reason)
        for _ in range(SAID_WITHIN):
            if await self._move(entry, State.OPTED_OUT, "stop"):
                return
            now = await self._ledger.see(outreach.user, outreach.id)
            if now is None or now.state is not State.SPEAKING:
                return
            await asyncio.sleep(1.0)

    async def _move(self, entry: Entry, state: State, answer: str) -> bool:
        outreach = entry.outreach
        return await self._ledger.move(
            outreach.user,
            outreach.id,
            state,
            reason="they answered",
            evidence={"answer": answer},
            by=PERSON,
        )
