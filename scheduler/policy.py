"""May it be said to this person now? One pure function, and every check of it can be shown."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from scheduler.checks import CHECKS, checked
from scheduler.facts import Check, Facts, Spoken
from scheduler.rules import Rule

__all__ = ["CHECKS", "Check", "Decision", "Facts", "Spoken", "Verdict", "decide", "look_back"]


class Decision(Enum):
    """What becomes of it. SHADOW: everything would let it pass, but its rule is only tried."""

    SPEAK = "speak"
    HOLD = "hold"
    SUPPRESS = "suppress"
    HOLDOUT = "holdout"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, the first failing check (None if all passed), and all checks in their order."""

    decision: Decision
    failed: Check | None
    checks: tuple[Check, ...]

    @property
    def reason(self) -> str:
        """Why not, in words; "" if it may be said."""
        return self.failed.reason if self.failed else ""


def decide(rule: Rule, facts: Facts) -> Verdict:
    """The same rule and facts, the same verdict. What could not be read counts as a failed check.

    A check that fails for now (quiet hours) holds the prompt, the hold-out makes it a HOLDOUT,
    every other one suppresses it. Nobody there is no failure for a rule that waits for them, and
    neither is a floor that is taken: the conversation machine itself waits for the gap.
    """
    checks = tuple(checked(name, rule, facts) for name in CHECKS)
    failed = next((check for check in checks if not check.passed), None)
    if failed is None:
        shadow = rule.status == "shadow" and not facts.test
        return Verdict(Decision.SHADOW if shadow else Decision.SPEAK, None, checks)
    if failed.name == "holdout" and not failed.evidence.get("unread"):
        return Verdict(Decision.HOLDOUT, failed, checks)
    return Verdict(Decision.HOLD if failed.until else Decision.SUPPRESS, failed, checks)


def look_back(rules: Collection[Rule]) -> float:
    """Seconds of the past for which `Facts.recent` is needed to decide on these rules."""
    longest = 0.0
    for rule in rules:
        caps = (rule.policy.cap, rule.policy.purpose_cap, rule.policy.overall_cap)
        longest = max(longest, rule.policy.cooldown, *(cap.per_s for cap in caps if cap))
    return longest
