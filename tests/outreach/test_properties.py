"""Whatever sessions, sweepers and operators do, and whoever dies meanwhile: no two speak at once,
nothing is heard twice, and what was begun once is said again only as such."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from fakeredis import FakeAsyncRedis, FakeServer
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from outreach.claims import Claim
from outreach.ledger import Ledger
from outreach.prompt import Outreach
from outreach.states import OVER, TRANSITIONS, State
from tests.outreach.prompts import LONG_S, prompt
from tests.support.hypothesis_profiles import examples

T = TypeVar("T")
WAITS = {State.PUBLISHED, State.RESERVED, State.SPEAKING}
ENDS = (State.HEARD, State.INTERRUPTED, State.FAILED, State.EXPIRED)
PICKED = st.integers(0, 1000)
LASTS = st.booleans()


@dataclass
class Told:
    """What was said of one prompt, by those who were allowed to."""

    outreach: Outreach
    claims: list[Claim] = field(default_factory=list)
    holder: Claim | None = None
    """Who may have it still."""
    leased: bool = False
    """Whether the holder's lease lasts."""
    speaker: Claim | None = None
    """Who was granted the last beginning."""
    begun: int = 0
    """Beginnings that were granted and not taken back as unsaid."""
    ends: list[State] = field(default_factory=list)


class Sessions(RuleBasedStateMachine):
    """Two instances, two prompts of one person; a lease either runs out at once or never."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        redis = FakeAsyncRedis(server=FakeServer())
        self.ledgers = [Ledger(redis, "one"), Ledger(redis, "two")]
        self.told: list[Told] = []

    def do(self, asked: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asked)

    def teardown(self) -> None:
        self.the_ledger_agrees()
        for ledger in self.ledgers:
            self.do(ledger.aclose())
        self.runner.close()

    def picked(self, number: int) -> tuple[Told, Claim]:
        claims = [(told, claim) for told in self.told for claim in told.claims[-3:]]
        return claims[number % len(claims)]

    def has_claims(self) -> bool:
        return any(told.claims for told in self.told)

    @initialize(attempts=st.sampled_from([1, 2, 10]))
    def prompts_come(self, attempts: int) -> None:
        for key in ("a", "b"):
            outreach = prompt(key, attempts=attempts)
            self.told.append(Told(outreach))
            assert self.do(self.ledgers[0].open(outreach, State.PUBLISHED))

    @rule(which=PICKED, by=st.integers(0, 1), lasts=LASTS, begins=st.booleans())
    def a_session_reserves(self, which: int, by: int, lasts: bool, begins: bool) -> None:
        told = self.told[which % 2]
        lease_s = LONG_S if lasts else 0
        asked = self.ledgers[by].reserve("u42", told.outreach.id, f"{by}/s", lease_s)
        answer = self.do(asked)
        if isinstance(answer, Claim):
            assert not told.ends
            assert not told.leased
            assert answer.begun == told.begun
            assert answer.again == (told.begun > 0)
            assert all(answer.epoch > claim.epoch for claim in told.claims)
            told.claims.append(answer)
            told.holder, told.leased = answer, lasts
            told.speaker = None
            if begins:
                self.begin(told, answer, lease_s)

    @precondition(has_claims)
    @rule(which=PICKED, lasts=LASTS)
    def a_session_begins(self, which: int, lasts: bool) -> None:
        told, claim = self.picked(which)
        self.begin(told, claim, LONG_S if lasts else 0)

    def begin(self, told: Told, claim: Claim, lease_s: float) -> None:
        if self.do(self.ledgers[0].begin(claim, lease_s)) is None:
            assert not told.ends
            assert claim is told.holder
            told.begun += 1
            told.speaker, told.leased = claim, lease_s > 0

    @precondition(has_claims)
    @rule(which=PICKED, unsaid=st.booleans())
    def a_session_gives_back(self, which: int, unsaid: bool) -> None:
        told, claim = self.picked(which)
        if self.do(self.ledgers[1].give_back(claim, unsaid=unsaid)):
            assert claim is told.holder
            if unsaid and told.speaker is claim:
                told.begun -= 1
            told.holder, told.leased = None, False
            told.speaker = None

    @precondition(has_claims)
    @rule(which=PICKED, lasts=LASTS)
    def a_session_renews(self, which: int, lasts: bool) -> None:
        told, claim = self.picked(which)
        if self.do(self.ledgers[0].renew([claim], LONG_S if lasts else 0)) == []:
            assert claim is told.holder
            assert not told.ends
            told.leased = lasts

    @precondition(has_claims)
    @rule(which=PICKED, end=st.sampled_from(ENDS))
    def a_session_reports(self, which: int, end: State) -> None:
        told, claim = self.picked(which)
        if self.do(self.ledgers[1].report(claim, end)) and told.ends != [end]:
            assert claim is told.holder
            assert end in (State.EXPIRED, State.FAILED) or told.speaker is claim
            told.ends.append(end)

    @rule(
        which=PICKED,
        what=st.sampled_from(["give up"] * 4 + ["publish"] * 2 + ["hold", "cancel", "open"]),
    )
    def somebody_else_acts(self, which: int, what: str) -> None:
        told = self.told[which % 2]
        ledger, id = self.ledgers[1], told.outreach.id
        match what:
            case "give up":
                self.do(ledger.give_up_lease("u42", id))
            case "publish":
                self.do(ledger.move("u42", id, State.PUBLISHED))
            case "hold":
                self.do(ledger.move("u42", id, State.HELD, until=time.time()))
            case "open":
                assert not self.do(ledger.open(told.outreach, State.PUBLISHED))
            case "cancel":
                from_ = {State.PUBLISHED, State.RESERVED, State.HELD}
                if self.do(ledger.move("u42", id, State.CANCELLED, from_=from_)):
                    told.ends.append(State.CANCELLED)

    def the_ledger_agrees(self) -> None:
        waiting = set()
        for told in self.told:
            entry = self.do(self.ledgers[0].get(told.outreach.id))
            assert entry is not None
            assert len(told.ends) <= 1
            assert entry.begun == told.begun
            if told.ends:
                assert entry.state is told.ends[0]
            elif entry.state in OVER:  # nobody said so: it was tried often enough
                assert entry.state is State.DEAD
                assert entry.begun >= told.outreach.attempts
            if entry.state in WAITS:
                waiting.add(told.outreach.id)
            states = [step.state for step in entry.steps]
            for before, after in pairwise(states):
                assert before is after or after in TRANSITIONS[before], (before, after)
        mailbox = self.do(self.ledgers[0].mailbox("u42"))
        assert {entry.outreach.id for entry in mailbox} == waiting


Sessions.TestCase.settings = settings(examples(60), stateful_step_count=40)
TestSessions = Sessions.TestCase
