"""A prompt's whole story, each step with how long it lasted and, in words, why."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from outreach.entry import Entry, Step
from outreach.states import OVER, State
from server.operations.wire import Told, rfc3339

NOTICEABLE_S = 0.05
"""What is shorter is no wait."""


class ToldStep(Told):
    """A step. n: its place. lasted_s: until the next one, None for the last. words: what happened
    meanwhile, "" if nothing is to be said of it."""

    n: int
    state: str
    at: float
    time: str
    by: str
    reason: str
    evidence: Mapping[str, JsonValue]
    lasted_s: float | None
    words: str


class Head(Told):
    """What is told of a prompt everywhere. born, due, expires: Unix times."""

    id: str
    user: str
    rule: str
    purpose: str
    text: str
    reason: str
    priority: str
    state: str
    over: bool
    test: bool
    born: float
    due: float
    expires: float


class Summary(Head):
    """A prompt in a list. at, time, why: of its last step."""

    at: float
    time: str
    why: str


class Story(Head):
    """A prompt with everything that happened to it. outreach: as the ledger has it."""

    holder: str
    epoch: int
    begun: int
    until: float
    steps: tuple[ToldStep, ...]
    outreach: Mapping[str, JsonValue]


class StreamedStep(Told):
    """A step as a server-sent event. n: None where all prompts are followed."""

    outreach_id: str
    user: str
    rule: str
    n: int | None = None
    state: str
    over: bool
    at: float
    time: str
    by: str
    reason: str
    evidence: Mapping[str, JsonValue]


def story(entry: Entry) -> Story:
    """All of it."""
    return Story(
        **_head(entry),
        holder=entry.holder,
        epoch=entry.epoch,
        begun=entry.begun,
        until=entry.until,
        steps=told_steps(entry),
        outreach=entry.outreach.model_dump(mode="json"),
    )


def summary(entry: Entry) -> Summary:
    """A line of it."""
    last = entry.steps[-1] if entry.steps else None
    at = last.at if last else entry.outreach.born
    return Summary(**_head(entry), at=at, time=rfc3339(at), why=last.reason if last else "")


def _head(entry: Entry) -> dict[str, Any]:
    said = {name: getattr(entry.outreach, name) for name in Head.model_fields if name not in _STATE}
    return said | {"state": entry.state.value, "over": entry.state in OVER}


_STATE = {"state", "over"}
"""What the ledger says of a prompt, not the prompt itself."""


def streamed(step: Step, *, id: str, user: str, rule: str, n: int | None) -> StreamedStep:
    """For those who follow it."""
    return StreamedStep(
        outreach_id=id,
        user=user,
        rule=rule,
        n=n,
        state=step.state.value,
        over=step.state in OVER,
        at=step.at,
        time=rfc3339(step.at),
        by=step.by,
        reason=step.reason,
        evidence=step.evidence,
    )


def told_steps(entry: Entry) -> tuple[ToldStep, ...]:
    """Every step so far."""
    follows: Sequence[Step | None] = [*entry.steps[1:], None]
    return tuple(
        ToldStep(
            n=n,
            state=step.state.value,
            at=step.at,
            time=rfc3339(step.at),
            by=step.by,
            reason=step.reason,
            evidence=step.evidence,
            lasted_s=None if after is None else round(max(0.0, after.at - step.at), 3),
            words=in_words(step, after, entry.until),
        )
        for n, (step, after) in enumerate(zip(entry.steps, follows, strict=True))
    )


def in_words(step: Step, after: Step | None, until: float) -> str:
    """What went on between a step and the one after it. until: of the entry, for the last step."""
    if after is None:
        return _going_on(step, until)
    seconds = after.at - step.at
    if seconds < NOTICEABLE_S:
        return ""
    lasted = f"{seconds:.1f} s"
    match step.state, after.state:
        case State.HELD, _:
            return f"held by {step.reason}, for {lasted}" if step.reason else f"held for {lasted}"
        case State.PUBLISHED, State.RESERVED:
            return f"waited {lasted} for a session of the person"
        case State.PUBLISHED, _:
            return f"waited {lasted} for a session of the person, and none took it"
        case State.RESERVED, State.SPEAKING:
            return f"waited {lasted} for {_waited_for(after)}"
        case State.RESERVED, _:
            return f"waited {lasted} in a session, and was not begun"
        case State.SPEAKING, _:
            return f"spoken for {lasted}"
        case (
            (State.HEARD | State.INTERRUPTED),
            (State.ENGAGED | State.DEFERRED | State.OPTED_OUT),
        ):
            return f"answered after {lasted}"
        case _, State.CONVERTED:
            return f"did what it was for after {lasted}"
        case _:
            return f"took {lasted}"


def _going_on(step: Step, until: float) -> str:
    match step.state:
        case State.HELD:
            by = f"held by {step.reason}" if step.reason else "held"
            if rfc3339(until) and " until " not in by:
                by += f" until {rfc3339(until)}"
            return by
        case State.PUBLISHED:
            return "waits for a session of the person"
        case State.RESERVED:
            return "waits in their session for a moment to be said"
        case State.SPEAKING:
            return "is being spoken"
        case _:
            return ""


def _waited_for(speaking: Step) -> str:
    """Delivery writes what held the floor into the evidence of the step that ended the wait."""
    waited_for = speaking.evidence.get("waited_for")
    if isinstance(waited_for, str) and waited_for:
        return waited_for
    return "a moment when nobody speaks"
