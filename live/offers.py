"""Prompts that this instance holds: leased from the ledger, offered to a session, accounted for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import structlog
from pydantic import JsonValue

from conversation import Floor
from conversation.prompts import PromptOutcome
from intents.replies import Reply
from live.missed import to_say
from live.prompts_port import Addressee, KnownBy
from live.tasks import Tasks
from outreach.claims import Claim, Refused
from outreach.errors import OutreachUnavailableError
from outreach.ledger import Ledger
from outreach.states import State

log = structlog.get_logger(__name__)

LEASE_S = 0.8
"""Seconds for which a prompt is ours; the person waits so long at most if we die."""
BEGIN_S = 1.5
"""Seconds that a claim may take; the machine itself waits for two."""
AT_ONCE_S = 0.1
"""What begins so soon has not waited for anything."""
INSIST_S = 60.0
"""Seconds for which what came of a prompt is told to a Redis that does not answer."""
AGAIN_S = 0.2
KEPT = 512
"""Offers that are over and may still be answered."""

T = TypeVar("T")


class Why(Enum):
    """Why a session was asked to give up a prompt."""

    LOST = "the lease was lost"
    MOVED = "the person uses another session now"
    STOPPED = "all outreach is stopped"
    CUT = "all outreach was stopped while it was said"


@dataclass(slots=True, eq=False)
class Offer:
    """A prompt that one session here has. lock: what is asked of the ledger goes in order.

    claim: None while there is none. granted: its first sample may have flowed here.
    reply: what the person answered, to be acted on when it is over.
    waits_for: what kept it from beginning when it was offered. age_s: how long ago its reason arose
    when it was taken; None once it has begun.
    """

    user: str
    id: str
    session: Addressee
    claim: Claim | None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    granted: bool = False
    refused: Refused | None = None
    why: Why | None = None
    reply: Reply | None = None
    over: bool = False
    taken_at: float = 0.0
    age_s: float | None = None
    waits_for: str = ""

    def evidence(self, now: float) -> dict[str, JsonValue]:
        """What it waited for in its session, if it had to."""
        if now - self.taken_at < AT_ONCE_S:
            return {}
        return {"waited_for": self.waits_for, "waited_s": round(now - self.taken_at, 3)}


_FOR = {
    Floor.IDLE: "a pause that is long enough",
    Floor.LISTENING: "the person to finish speaking",
    Floor.THINKING: "the agent to answer",
    Floor.SPEAKING: "the agent to finish",
}


class Offers:
    """on_begun: its words may flow now. on_returned: it waits again, and may go to another session.
    on_reply: an answer is to be acted on, now that it is over. on_gone: it will not be said.
    on_first: the first words of one may flow, so many seconds after its reason arose; not of one
    that its person had missed. counts: "reserved", "begun", "lost", "refused:WHY", and outcomes."""

    def __init__(self, ledger: Ledger, instance: str, tasks: Tasks, lease_s: float) -> None:
        self._ledger = ledger
        self._instance = instance
        self._tasks = tasks
        self._lease_s = lease_s
        self._open: dict[str, Offer] = {}
        self._taking: set[str] = set()
        self._over: dict[str, Offer] = {}
        self.on_begun: Callable[[Offer], None] = lambda offer: None
        self.on_returned: Callable[[Offer], None] = lambda offer: None
        self.on_reply: Callable[[str, str, Reply], Awaitable[None]]
        self.on_gone: Callable[[Offer], None] = lambda offer: None
        self.on_first: Callable[[float], None] = lambda seconds: None
        self.counts: Counter[str] = Counter()

    def has(self, outreach_id: str) -> bool:
        """Whether it is in a session here, or on its way there."""
        return outreach_id in self._open or outreach_id in self._taking

    def waiting(self, session: Addressee | None = None) -> Iterator[Offer]:
        """Those that have not begun, of one session or of all."""
        for offer in list(self._open.values()):
            if not offer.granted and not offer.over and session in (None, offer.session):
                yield offer

    async def take(self, session: Addressee, user: str, outreach_id: str) -> Refused | None:
        """Reserves a prompt and offers it to the session; None if it has it now.

        Raises OutreachUnavailableError.
        """
        if self.has(outreach_id):
            return None
        self._taking.add(outreach_id)
        try:
            holder = f"{self._instance}/{session.id}"
            claim = await self._ledger.reserve(user, outreach_id, holder, self._lease_s)
        finally:
            self._taking.discard(outreach_id)
        if isinstance(claim, Refused):
            self.counts[f"refused:{claim.value}"] += 1
            return claim
        self.counts["reserved"] += 1
        offer = Offer(user, outreach_id, session, claim)
        offer.taken_at = asyncio.get_running_loop().time()
        offer.age_s = claim.age_s(claim.entry.until - self._lease_s)
        offer.waits_for = _FOR[session.standing.floor]
        self._open[outreach_id] = offer
        session.offer(to_say(claim, self._lease_s))
        return None

    def withdraw(self, offer: Offer, why: Why) -> None:
        """The session is not to begin it (again)."""
        if offer.why is None and not offer.over:
            offer.why = why
            offer.session.withdraw(offer.id)

    def cut(self) -> None:
        """Nothing more is said, of any prompt: what is being said breaks off."""
        for offer in list(self._open.values()):
            if not offer.over:
                offer.why = Why.CUT if offer.granted else offer.why or Why.STOPPED
                offer.session.withdraw(offer.id, cut=offer.granted)

    async def renew(self) -> None:
        """Keeps all leases, in one round trip; raises OutreachUnavailableError."""
        held = [(offer, offer.claim) for offer in self._open.values() if offer.claim is not None]
        if not held:
            return
        claims = [claim for _, claim in held]
        lost = {
            (claim.id, claim.epoch) for claim in await self._ledger.renew(claims, self._lease_s)
        }
        for offer, claim in held:
            # It may have been given back, or have ended, while that was asked.
            if (claim.id, claim.epoch) in lost and offer.claim is claim and not offer.over:
                self.counts["lost"] += 1
                self.withdraw(offer, Why.LOST)

    # What the session says

    async def begin(self, outreach_id: str) -> bool:
        """Right before the first sample."""
        offer = self._open.get(outreach_id)
        if offer is None:
            return False
        async with offer.lock:
            if offer.claim is None or offer.why is not None or offer.over:
                return False
            evidence = offer.evidence(asyncio.get_running_loop().time())
            try:
                async with asyncio.timeout(BEGIN_S):
                    offer.refused = await self._ledger.begin(
                        offer.claim, self._lease_s, evidence=evidence
                    )
            except (OutreachUnavailableError, TimeoutError):
                offer.refused = Refused.UNAVAILABLE
            if offer.refused is not None:
                self.counts[f"refused:{offer.refused.value}"] += 1
                return False
            offer.granted = True
        self.counts["begun"] += 1
        self._first(offer)
        self.on_begun(offer)
        return True

    def _first(self, offer: Offer) -> None:
        """Tells how long it took; once, so that an attempt after an interruption counts no more."""
        waited_s = asyncio.get_running_loop().time() - offer.taken_at
        if offer.age_s is not None and offer.claim is not None and not offer.claim.again:
            self.on_first(offer.age_s + waited_s)
        offer.age_s = None

    def release(self, outreach_id: str) -> None:
        """Granted, and not begun after all: nothing flowed."""
        offer = self._open.get(outreach_id)
        if offer is not None and offer.granted:
            offer.granted = False
            self._tasks.start(self._reserve_again(offer), "release")

    async def _reserve_again(self, offer: Offer) -> None:
        """As if the claim had never been asked for."""
        async with offer.lock:
            claim, offer.claim = offer.claim, None
            if claim is None or offer.over:
                offer.claim = claim
                return
            await self._insist(
                lambda: self._ledger.give_back(claim, "the moment had passed", unsaid=True)
            )
            holder = f"{self._instance}/{offer.session.id}"
            again = await self._insist(
                lambda: self._ledger.reserve(offer.user, offer.id, holder, self._lease_s)
            )
            if isinstance(again, Claim):
                offer.claim = again
            else:
                self.withdraw(offer, Why.LOST)

    def report(
        self,
        outreach_id: str,
        outcome: PromptOutcome,
        heard_ms: int,
        heard_share: float,
        by: KnownBy,
    ) -> None:
        """It is over in its session; told to the ledger as soon as that answers."""
        offer = self._open.get(outreach_id)
        if offer is None or offer.over:
            return
        offer.over = True
        self.counts[outcome.value] += 1
        evidence: dict[str, JsonValue] = {
            "heard_ms": heard_ms,
            "heard_share": round(heard_share, 3),
            "by": by,
        }
        self._tasks.start(self._settle(offer, outcome, evidence), "report")

    def replied(self, user: str, outreach_id: str, reply: Reply) -> None:
        """The person has answered it; acted on when it is over."""
        offer = self._open.get(outreach_id) or self._over.get(outreach_id)
        if offer is not None:
            offer.reply = reply
        if offer is None or outreach_id in self._over:
            self._tasks.start(self._act(user, outreach_id, reply, offer), "reply")

    # What became of it

    async def _settle(
        self, offer: Offer, outcome: PromptOutcome, evidence: dict[str, JsonValue]
    ) -> None:
        async with offer.lock:
            claim = offer.claim
            returned = False
            if claim is not None and (offer.granted or offer.why is not Why.LOST):
                returned = await self._account(offer, claim, outcome, evidence)
            offer.claim = None
            self._open.pop(offer.id, None)
            self._remember(offer)
        if returned:
            self.on_returned(offer)
        elif outcome in (PromptOutcome.CANCELLED, PromptOutcome.EXPIRED, PromptOutcome.REFUSED):
            self.on_gone(offer)
        if offer.reply is not None:
            await self._act(offer.user, offer.id, offer.reply, offer)

    async def _account(
        self,
        offer: Offer,
        claim: Claim,
        outcome: PromptOutcome,
        evidence: dict[str, JsonValue],
    ) -> bool:
        """Tells the ledger; True if the prompt waits again."""
        match outcome:
            case PromptOutcome.HEARD:
                await self._report(claim, State.HEARD, "", evidence)
            case PromptOutcome.INTERRUPTED:
                await self._report(claim, State.INTERRUPTED, "they interrupted it", evidence)
            case PromptOutcome.EXPIRED:
                await self._report(claim, State.EXPIRED, "its time had passed", evidence)
            case PromptOutcome.FAILED if offer.granted:
                await self._report(claim, State.FAILED, "it could not be voiced", evidence)
            case PromptOutcome.CANCELLED if offer.why is Why.CUT:
                await self._report(claim, State.INTERRUPTED, offer.why.value, evidence)
            case PromptOutcome.CANCELLED if offer.why is None and offer.granted:
                await self._report(claim, State.INTERRUPTED, "they answered it", evidence)
            case PromptOutcome.CANCELLED if offer.why is None:
                await self._report(claim, State.CANCELLED, "it was withdrawn", evidence)
            case PromptOutcome.REFUSED if offer.refused not in (
                None,
                Refused.STOPPED,
                Refused.UNAVAILABLE,
            ):
                return False  # the ledger itself knows why
            case _:
                reason = offer.why.value if offer.why is not None else _REASONS[outcome]
                unsaid = not offer.granted
                give_back = self._ledger.give_back
                await self._insist(lambda: give_back(claim, reason, unsaid=unsaid))
                return True
        return False

    async def _report(
        self, claim: Claim, state: State, reason: str, evidence: dict[str, JsonValue]
    ) -> None:
        report = self._ledger.report
        told = await self._insist(lambda: report(claim, state, reason=reason, evidence=evidence))
        if not told:
            log.warning("prompt_report_late", outreach=claim.id, state=state.value)

    async def _act(self, user: str, outreach_id: str, reply: Reply, offer: Offer | None) -> None:
        if offer is not None:
            async with offer.lock:
                offer.reply = None
                await self._insist(lambda: self.on_reply(user, outreach_id, reply))
        else:
            await self._insist(lambda: self.on_reply(user, outreach_id, reply))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Asks until Redis answers; None if it does not for a minute."""
        loop = asyncio.get_running_loop()
        end = loop.time() + INSIST_S
        while True:
            try:
                return await ask()
            except OutreachUnavailableError as error:
                if loop.time() >= end:
                    log.warning("prompt_not_accounted_for", reason=str(error))
                    return None
                await asyncio.sleep(AGAIN_S)

    def _remember(self, offer: Offer) -> None:
        self._over[offer.id] = offer
        if len(self._over) > KEPT:
            del self._over[next(iter(self._over))]


_REASONS = {
    PromptOutcome.RETURNED: "the session ended before it was heard",
    PromptOutcome.REFUSED: "its claim could not be granted now",
    PromptOutcome.FAILED: "its claim was not answered in time",
    PromptOutcome.CANCELLED: "it was withdrawn",
}
