"""The checks of the policy, each a pure function of a rule and the facts, in their order."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from scheduler.clocks import zone_of
from scheduler.facts import Check, Facts, Spoken
from scheduler.rule_values import Cap, write_duration
from scheduler.rules import Rule


class _UnreadError(Exception):
    """A check lacks a fact. Its argument: the fact's name."""


_Check = Callable[[Rule, Facts], Check]


def checked(name: str, rule: Rule, facts: Facts) -> Check:
    """The check of that name; one that lacks a fact has failed, and says which."""
    try:
        return CHECKS[name](rule, facts)
    except _UnreadError as error:
        fact = str(error)
        why = facts.unread.get(fact, "")
        reason = f"{_FACTS[fact]} could not be read" + (f": {why}" if why else "")
        return Check(name, False, reason, evidence={"unread": fact})


_FACTS = {
    "now": "the time",
    "born": "when its reason arose",
    "stopped": "the switch for all outreach",
    "consent": "consent",
    "recent": "what was said lately",
    "condition": "the condition",
    "present": "who is there",
    "attempts": "how often it was begun",
}


def _now(facts: Facts) -> float:
    if facts.now is None:
        raise _UnreadError("now")
    return facts.now


def _switch(rule: Rule, facts: Facts) -> Check:
    if facts.stopped is None:
        raise _UnreadError("stopped")
    if facts.stopped:
        why = f" ({facts.stopped_why})" if facts.stopped_why else ""
        return Check("switch", False, f"all outreach is stopped{why}")
    return Check("switch", True)


def _status(rule: Rule, facts: Facts) -> Check:
    if facts.test:
        return Check("status", True, "a test is sent whatever the rule's status")
    passed = rule.status in ("live", "shadow")
    return Check("status", passed, f"the rule is {rule.status}", evidence={"status": rule.status})


def _consent(rule: Rule, facts: Facts) -> Check:
    if rule.policy.consent == "none":
        return Check("consent", True, "the rule asks for none")
    if facts.consent is None:
        raise _UnreadError("consent")
    agreed = facts.consent.get(rule.purpose)
    evidence: dict[str, JsonValue] = {"purpose": rule.purpose, "agreed": agreed}
    if facts.consent.get("*") is False:
        return Check("consent", False, "they want to be told nothing", evidence=evidence)
    if agreed is False:
        reason = f"they want to be told nothing about {rule.purpose}"
        return Check("consent", False, reason, evidence=evidence)
    if rule.policy.consent == "opt_in" and agreed is None and not facts.consent.get("*"):
        reason = f"they have not agreed to be told about {rule.purpose}"
        return Check("consent", False, reason, evidence=evidence)
    return Check("consent", True, evidence=evidence)


def _holdout(rule: Rule, facts: Facts) -> Check:
    if facts.test or not rule.held_out(facts.user):
        return Check("holdout", True)
    return Check(
        "holdout", False, f"one of the {rule.holdout:g} % who hear nothing, to compare with"
    )


def _conditions(rule: Rule, facts: Facts) -> Check:
    if not rule.when:
        return Check("conditions", True, "the rule has none")
    if facts.condition is None:
        raise _UnreadError("condition")
    evidence: dict[str, JsonValue] = {"when": rule.when}
    if facts.condition.value is None:
        reason = f"the condition could not be told: {facts.condition.error}"
        return Check("conditions", False, reason, evidence=evidence)
    if not facts.condition.value:
        return Check("conditions", False, "the condition does not hold", evidence=evidence)
    return Check("conditions", True, evidence=evidence)


def _ttl(rule: Rule, facts: Facts) -> Check:
    if facts.born is None:
        raise _UnreadError("born")
    age = _now(facts) - facts.born
    ttl = write_duration(rule.policy.ttl)
    evidence: dict[str, JsonValue] = {"age_s": round(age, 3), "ttl_s": rule.policy.ttl}
    if age >= rule.policy.ttl:
        reason = f"its reason is {_about(age)} old, and it is good for {ttl}"
        return Check("ttl", False, reason, evidence=evidence)
    return Check("ttl", True, evidence=evidence)


def _quiet_hours(rule: Rule, facts: Facts) -> Check:
    quiet = rule.policy.quiet_hours
    if quiet is None or facts.test:
        return Check("quiet_hours", True)
    now = _now(facts)
    if facts.born is None:
        raise _UnreadError("born")
    zone = zone_of(facts.zone) or zone_of(facts.agent_zone)
    if zone is None:
        reason = f"there is no time zone {facts.zone or facts.agent_zone!r} to tell quiet hours in"
        return Check("quiet_hours", False, reason)
    evidence: dict[str, JsonValue] = {"zone": zone.key, "quiet_hours": str(quiet)}
    until = quiet.over_at(now, zone)
    if until is None:
        return Check("quiet_hours", True, evidence=evidence)
    shown = f"{datetime.fromtimestamp(until, zone):%H:%M} in {zone.key}"
    evidence["until"] = until
    if until >= facts.born + rule.policy.ttl:
        reason = f"quiet hours last until {shown}, and it is of no use so late"
        return Check("quiet_hours", False, reason, evidence=evidence)
    return Check("quiet_hours", False, f"quiet hours until {shown}", until, evidence)


def _recent(facts: Facts) -> Sequence[Spoken]:
    if facts.recent is None:
        raise _UnreadError("recent")
    return facts.recent


def _cooldown(rule: Rule, facts: Facts) -> Check:
    if not rule.policy.cooldown or facts.test:
        return Check("cooldown", True)
    now = _now(facts)
    last = max((said.at for said in _recent(facts) if said.rule == rule.name), default=None)
    if last is None or now - last >= rule.policy.cooldown:
        return Check("cooldown", True, evidence={"last": last})
    cooldown = write_duration(rule.policy.cooldown)
    reason = f"this rule spoke {_about(now - last)} ago, and rests for {cooldown}"
    return Check("cooldown", False, reason, evidence={"last": last})


def _rule_cap(rule: Rule, facts: Facts) -> Check:
    of = f"of rule {rule.name}"
    return _within("rule_cap", rule.policy.cap, of, facts, lambda said: said.rule == rule.name)


def _purpose_cap(rule: Rule, facts: Facts) -> Check:
    cap, of = rule.policy.purpose_cap, f"about {rule.purpose}"
    return _within("purpose_cap", cap, of, facts, lambda said: said.purpose == rule.purpose)


def _overall_cap(rule: Rule, facts: Facts) -> Check:
    return _within("overall_cap", rule.policy.overall_cap, "in all", facts, lambda _: True)


def _within(
    name: str, cap: Cap | None, of: str, facts: Facts, counts: Callable[[Spoken], bool]
) -> Check:
    if cap is None or facts.test:
        return Check(name, True)
    since = _now(facts) - cap.per_s
    said = sum(1 for each in _recent(facts) if each.at > since and counts(each))
    evidence: dict[str, JsonValue] = {"said": said, "cap": str(cap)}
    if said >= cap.count:
        return Check(name, False, f"they were told {said} {of}; the cap is {cap}", None, evidence)
    return Check(name, True, evidence=evidence)


def _attempts(rule: Rule, facts: Facts) -> Check:
    if facts.attempts is None:
        raise _UnreadError("attempts")
    evidence: dict[str, JsonValue] = {"attempts": facts.attempts}
    if facts.attempts >= rule.policy.attempts:
        reason = f"it was begun {facts.attempts} times, which is as often as it may be"
        return Check("attempts", False, reason, evidence=evidence)
    return Check("attempts", True, evidence=evidence)


def _session(rule: Rule, facts: Facts) -> Check:
    if facts.present is None:
        raise _UnreadError("present")
    evidence: dict[str, JsonValue] = {"present": facts.present, "offline": rule.delivery.offline}
    if facts.present:
        return Check("session", True, "they are there", evidence=evidence)
    if rule.delivery.offline == "wait":
        return Check("session", True, "nobody is there; it waits for them", evidence=evidence)
    return Check("session", False, "nobody is there, and it is not to wait", evidence=evidence)


def _floor(rule: Rule, facts: Facts) -> Check:
    reason = f"the floor is {facts.floor}; " if facts.floor and facts.present else ""
    reason += "the conversation waits for a gap" if facts.present else "to be seen when they come"
    return Check("floor", True, reason, evidence={"floor": facts.floor})


def _about(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


CHECKS: Mapping[str, _Check] = {
    "switch": _switch,
    "status": _status,
    "consent": _consent,
    "holdout": _holdout,
    "conditions": _conditions,
    "ttl": _ttl,
    "quiet_hours": _quiet_hours,
    "cooldown": _cooldown,
    "rule_cap": _rule_cap,
    "purpose_cap": _purpose_cap,
    "overall_cap": _overall_cap,
    "attempts": _attempts,
    "session": _session,
    "floor": _floor,
}
"""In the order in which they count."""
