"""`overture rules`: checks the rules of an agent's folder, lists them, and shows when they fire."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from overture.agent_folder import Agent, load_agent, read_rules
from overture.errors import UserError
from scheduler.clocks import moment, zone_of
from scheduler.conditions import Data, Outcome
from scheduler.model_problems import nearest
from scheduler.occurrences import next_firings
from scheduler.policy import Facts, Verdict, decide
from scheduler.rule_files import LoadedRules, load_rules
from scheduler.rules import Rule
from scheduler.triggers import CronTrigger, IntervalTrigger, OnceTrigger, shown
from scheduler.variables import variables

FIRINGS = 10


def check(folder: Path) -> int:
    """Prints every mistake with its file and line; 1 if there is one.

    folder: an agent's, or any folder with rules in it.
    """
    loaded = _loaded(folder)
    for problem in loaded.problems:
        print(problem)
    if loaded.problems:
        print(f"{_rules(len(loaded.rules))} right, {_mistakes(len(loaded.problems))}")
        return 1
    print(f"{_rules(len(loaded.rules))}, nothing wrong")
    return 0


def show(folder: Path) -> int:
    """Prints a line for each rule."""
    loaded = _loaded(folder)
    for rule in loaded.rules:
        print(f"{rule.name:24} {rule.status:7} {rule.purpose:12} {shown(rule.trigger)}")
    for problem in loaded.problems:
        print(f"left out: {problem}")
    return 0


def preview(folder: Path, name: str, *, user: str, time_zone: str, begin: str) -> int:
    """Prints the next ten firings in a zone, and what the policy says at the first of them.

    time_zone: IANA name, "" for the agent's. begin: a date and time there, "" for now. Raises
    UserError.
    """
    agent = load_agent(folder)
    rule = find(agent, name)
    zone = _zone(time_zone or agent.settings.time_zone)
    after = _begin(begin, zone)
    print(f"{rule.name}  {rule.status}  {shown(rule.trigger)}")
    first = after
    match rule.trigger:
        case CronTrigger() | IntervalTrigger() | OnceTrigger():
            firings = next_firings(rule.trigger, zone, after, FIRINGS)
            print(f"next in {zone.key}:" if firings else f"it does not fire after {begin or 'now'}")
            for firing in firings:
                local = datetime.fromtimestamp(firing.at, zone)
                marked = f"   <- {firing.clock_change}" if firing.clock_change else ""
                print(f"  {local:%a %Y-%m-%d %H:%M %Z}{marked}")
            first = firings[0].at if firings else after
        case _:
            print("no clock starts it")
    _print_checks(rule, agent, user or "someone", zone, first)
    return 0


def find(agent: Agent, name: str) -> Rule:
    """The rule of that name; raises UserError with the nearest one."""
    rules = {rule.name: rule for rule in agent.rules}
    if name in rules:
        return rules[name]
    near = nearest(name, sorted(rules))
    hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(rules) or 'none'}"
    wrong = [notice for notice in agent.notices if "/outreach/" in notice]
    also = f"; and {_mistakes(len(wrong))} (overture rules check)" if wrong else ""
    raise UserError(f"there is no rule '{name}'; {hint}{also}")


def verdict_at(rule: Rule, agent: Agent, user: str, zone: ZoneInfo, at: float) -> Verdict:
    """What the policy says at a moment, if nothing was said to them lately and they are there.

    A condition on what only a live conversation knows is taken to hold.
    """
    outcome = Outcome(True)
    if not _needs(rule):
        seen = variables(user=user, now=at, zone=zone.key)
        outcome = rule.condition.evaluate(Data(seen))
    facts = Facts(
        user=user,
        now=at,
        born=at,
        stopped=False,
        consent={rule.purpose: True},
        recent=(),
        condition=outcome,
        present=True,
        zone=zone.key,
        agent_zone=agent.settings.time_zone,
    )
    return decide(rule, facts)


def _needs(rule: Rule) -> frozenset[str]:
    return rule.condition.roots - {"now", "local"}


def _print_checks(rule: Rule, agent: Agent, user: str, zone: ZoneInfo, at: float) -> None:
    local = datetime.fromtimestamp(at, zone)
    print(f"policy for {user} at {local:%Y-%m-%d %H:%M %Z}, if nothing was said to them lately,")
    print("they have refused nothing and are in a conversation:")
    needs = _needs(rule)
    verdict = verdict_at(rule, agent, user, zone, at)
    for each in verdict.checks:
        reason = each.reason
        if each.name == "conditions" and needs:
            reason = f"taken to hold: it asks about {', '.join(sorted(needs))}"
        print(f"  {'ok' if each.passed else 'NO':2}  {each.name:12} {reason}".rstrip())
    print(f"=> {verdict.decision.value}")


def _loaded(folder: Path) -> LoadedRules:
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder")
    if not (folder / "agent.yaml").exists():
        return load_rules(folder)
    return read_rules(folder / "outreach", load_agent(folder).intents)


def _zone(name: str) -> ZoneInfo:
    zone = zone_of(name)
    if zone is None:
        raise UserError(f"there is no time zone '{name}'; use a name such as Europe/Amsterdam")
    return zone


def _begin(given: str, zone: ZoneInfo) -> float:
    if not given:
        return datetime.now(zone).timestamp()
    try:
        begin = datetime.fromisoformat(given)
    except ValueError:
        raise UserError(f"--from {given}: give a date and time such as 2026-10-24T00:00") from None
    return begin.timestamp() if begin.tzinfo else moment(begin, zone)


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count} rules"


def _mistakes(count: int) -> str:
    return "1 mistake" if count == 1 else f"{count} mistakes"
