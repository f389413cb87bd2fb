"""The circuit breaker: a rule that people turn away from is paused, and somebody is told why."""

import structlog

from outreach.ledger import Ledger
from outreach.states import State
from scheduler.rulebook import KeptRule, Rulebook

log = structlog.get_logger(__name__)

EVERY_S = 5.0
BY = "breaker"
TURNED_AWAY = frozenset({State.OPTED_OUT, State.INTERRUPTED})


class Breaker:
    """paused: how many rules it has paused."""

    def __init__(self, ledger: Ledger, rulebook: Rulebook) -> None:
        self._ledger = ledger
        self._rulebook = rulebook
        self.paused = 0

    async def look(self) -> None:
        """Pauses the live rules that are over their share; raises OutreachUnavailableError."""
        for kept in self._rulebook.kept():
            if kept.rule.status == "live" and kept.rule.breaker is not None:
                await self._judge(kept)

    async def _judge(self, kept: KeptRule) -> None:
        breaker = kept.rule.breaker
        assert breaker is not None
        # What came before somebody put it live again was known to them.
        since = max(kept.saved.at, kept.changed.at if kept.changed is not None else 0.0)
        outcomes = await self._ledger.recent_outcomes(kept.rule.name, breaker.of, since=since)
        away = sum(outcome in TURNED_AWAY for outcome in outcomes)
        if len(outcomes) < breaker.of or away <= breaker.share * len(outcomes):
            return
        why = (
            f"{away} of the last {len(outcomes)} people opted out or interrupted, "
            f"more than {breaker.share:.0%}"
        )
        if await self._rulebook.set_status(kept.rule.name, "paused", BY, why):
            self.paused += 1
            log.warning("a rule was paused", rule=kept.rule.name, why=why)
