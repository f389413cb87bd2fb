"""`overture rules replay NAME`: what a rule would have done in the sessions of the journal."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from intents.engine import IntentEngine
from overture.agent_folder import Agent, load_agent
from overture.errors import UserError
from overture.past_talk import PastTalk, event_of, past_talk
from overture.rules_command import find
from scheduler.clocks import zone_of
from scheduler.conditions import Data
from scheduler.content import ContentError
from scheduler.index import occurrence_key
from scheduler.occurrences import firings_between
from scheduler.policy import Decision, Facts, decide
from scheduler.rules import Rule
from scheduler.triggers import (
    AbandonedIntentTrigger,
    CronTrigger,
    EventTrigger,
    IdleTrigger,
    IntentTrigger,
    IntervalTrigger,
    OnceTrigger,
    SessionStartTrigger,
)
from scheduler.variables import variables
from sessions.journal_files import records
from sessions.journal_reading import JournalError, read_record

MOST_EVENTS = 100_000


class PastEvent(BaseModel):
    """A line of the file with events. time: Unix."""

    model_config = ConfigDict(extra="ignore")

    type: str
    user: str = Field(min_length=1)
    time: float
    id: str = ""
    data: Mapping[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a rule's trigger held. talk: the session it was in, None if the person was in none."""

    at: float
    user: str
    key: str
    talk: PastTalk | None
    event: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    at: float
    rule: str
    purpose: str


def replay_rule(
    journal: Path, agent_folder: Path, name: str, *, days: int, events: Path | None, as_json: bool
) -> int:
    """Prints each time that the rule would have matched, and what would have become of it.

    As if it had been live by itself, nobody had refused anything, and every prompt had been heard.
    events: a file of JSON lines, needed by rules that an event starts. Raises UserError.
    """
    agent = load_agent(agent_folder)
    rule = find(agent, name).model_copy(update={"status": "live"})
    engine = IntentEngine(agent.intents)
    talks, unread = _talks(journal, engine, agent.name, since=time() - days * 86400)
    moments = sorted(_moments(rule, talks, agent, events), key=lambda moment: moment.at)
    counts: Counter[str] = Counter()
    said: dict[str, list[_Said]] = defaultdict(list)
    known: set[tuple[str, str]] = set()
    for moment in moments:
        if (moment.user, moment.key) in known:
            continue  # the same occurrence, found once more
        known.add((moment.user, moment.key))
        outcome, reason = _decided(rule, moment, said[moment.user], agent)
        counts[outcome] += 1
        _tell(moment, outcome, reason, as_json=as_json)
    if not as_json:
        print(_summary(rule, talks, counts, unread))
    return 0


def _talks(
    journal: Path, engine: IntentEngine, agent: str, since: float
) -> tuple[list[PastTalk], list[str]]:
    found, unread = [], []
    for path in records(journal):
        try:
            recording = read_record(path)
        except JournalError as error:
            unread.append(str(error))
            continue
        if recording.heading.began >= since and recording.heading.agent == agent:
            found.append(past_talk(recording, engine))
    return found, unread


def _moments(
    rule: Rule, talks: Sequence[PastTalk], agent: Agent, events: Path | None
) -> Iterator[_Moment]:
    if isinstance(rule.trigger, EventTrigger):
        if events is None:
            line = '{"type": "...", "user": "...", "time": 1790000000}'
            raise UserError(
                f"'{rule.name}' is started by {rule.trigger.event}, and the journal keeps no "
                f"events: give --events FILE with lines like {line}"
            )
        for event in _read_events(events):
            if event.type == rule.trigger.event:
                talk = next((t for t in talks if _is_in(t, event)), None)
                key = event.id or str(event.time)
                posted = event_of(event.type, event.time, event.user, event.data)
                yield _Moment(event.time, event.user, key, talk, posted)
        return
    for talk in talks:
        for at, key, seen in _within(rule, talk, agent):
            yield _Moment(at, talk.user, key, talk, seen)


def _is_in(talk: PastTalk, event: PastEvent) -> bool:
    return talk.user == event.user and talk.began <= event.time <= talk.ended


_Found = tuple[float, str, Mapping[str, Any] | None]


def _within(rule: Rule, talk: PastTalk, agent: Agent) -> Iterator[_Found]:
    """When the trigger held in that session: the time, the occurrence, and what had happened."""
    match rule.trigger:
        case SessionStartTrigger():
            yield talk.began, occurrence_key(rule, talk.card(talk.began)), None
        case IntentTrigger(intent=name):
            for turn in talk.turns:
                if turn.meant.intent == name:
                    data = {"intent": name, "slots": dict(turn.meant.slots)}
                    seen = event_of("intent", turn.at, talk.user, data)
                    yield turn.at, f"intent:{talk.session}:{turn.number}", seen
        case IdleTrigger(idle=seconds):
            for begin, end in talk.silences():
                if end - begin >= seconds:
                    at = begin + seconds
                    yield at, occurrence_key(rule, talk.card(at)), None
        case AbandonedIntentTrigger(abandoned_intent=about):
            for begin, end in talk.silences():
                card = talk.card(begin)
                if end - begin >= about.after and card["form"] == about.intent:
                    seen = event_of("abandoned_intent", begin, talk.user, {"intent": about.intent})
                    yield begin + about.after, occurrence_key(rule, card), seen
        case CronTrigger() | IntervalTrigger() | OnceTrigger() as trigger:
            zone = zone_of(agent.settings.time_zone)
            assert zone is not None  # checked with the agent's settings
            for firing in firings_between(trigger, zone, talk.began, talk.ended):
                yield firing.at, firing.key, None
        case _:
            kind = rule.trigger.kind
            raise UserError(f"'{rule.name}' is started by {kind}: the journal keeps nothing of it")


def _decided(rule: Rule, moment: _Moment, said: list[_Said], agent: Agent) -> tuple[str, str]:
    zone = agent.settings.time_zone
    seen = variables(
        user=moment.user,
        now=moment.at,
        zone=zone,
        session=moment.talk.card(moment.at) if moment.talk else None,
        event=moment.event,
    )
    verdict = decide(
        rule,
        Facts(
            user=moment.user,
            now=moment.at,
            born=moment.at,
            stopped=False,
            consent={rule.purpose: True},
            recent=said,
            condition=rule.condition.evaluate(Data(seen)),
            present=moment.talk is not None,
            zone=zone,
            agent_zone=zone,
        ),
    )
    if verdict.decision is not Decision.SPEAK:
        check = f"{verdict.failed.name}: " if verdict.failed else ""
        return verdict.decision.value, f"{check}{verdict.reason}"
    try:
        prompt = rule.to_outreach(user=moment.user, key=moment.key, variables=seen, now=moment.at)
    except ContentError as error:
        return "fail", str(error)
    said.append(_Said(moment.at, rule.name, rule.purpose))
    return "speak", prompt.text


def _tell(moment: _Moment, outcome: str, reason: str, *, as_json: bool) -> None:
    session = moment.talk.session if moment.talk else ""
    if as_json:
        line = {
            "at": moment.at,
            "user": moment.user,
            "session": session,
            "key": moment.key,
            "outcome": outcome,
            "reason": reason,
        }
        print(orjson.dumps(line).decode())
        return
    at = datetime.fromtimestamp(moment.at, UTC)
    print(f"{at:%Y-%m-%d %H:%M:%S}  {moment.user}  {session or '(not there)'}  {outcome}: {reason}")


def _summary(
    rule: Rule, talks: Sequence[PastTalk], counts: Counter[str], unread: Sequence[str]
) -> str:
    people = len({talk.user for talk in talks})
    lines = [f"{rule.name}: {counts.total()} matches in {len(talks)} records of {people} people"]
    lines += [f"  {outcome:8} {count}" for outcome, count in counts.most_common()]
    lines += [f"  not read: {reason}" for reason in unread]
    return "\n".join(lines)


def _read_events(path: Path) -> list[PastEvent]:
    events: list[PastEvent] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if number > MOST_EVENTS:
                    raise UserError(f"{path} has more than {MOST_EVENTS} lines; make it several")
                if line.strip():
                    events.append(_read_event(path, number, line))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    return events


def _read_event(path: Path, number: int, line: bytes) -> PastEvent:
    try:
        return PastEvent.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        raise UserError(f"{path}:{number}: {where}: {first['msg']}") from None
