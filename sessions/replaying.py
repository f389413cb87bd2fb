"""A recorded conversation through the machine once more: are the commands the same?

They are, as long as the machine's rules and thresholds are (DESIGN §2). Where one was changed, the
first difference is what it would have done to that conversation; nothing after it can be compared,
because the answers in the record are answers to the recorded commands.
"""

from collections.abc import Callable
from dataclasses import dataclass

from conversation import Conversation, TurnPolicy
from conversation.commands import Command
from conversation.events import Event, PolicyChanged, Tick
from sessions.journal_reading import Recording, Step

CONTEXT = 4
"""Steps before a difference that are shown with it: those that said something, and the last."""

LATE = 0.1
"""Seconds after its deadline that a recorded tick may have come on a busy machine."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the machine said something else.

    line: of the record; of a tick that is not in it, the line it would have come before.
    recorded, now: None where the machine failed, `failure` with what. before: the steps up to it.
    """

    line: int
    at: float
    event: Event
    recorded: tuple[Command, ...] | None
    now: tuple[Command, ...] | None
    before: tuple[Step, ...]
    failure: str = ""


def replay(
    recording: Recording, change: Callable[[TurnPolicy], TurnPolicy] | None = None
) -> Difference | None:
    """The first difference, None if there is none.

    change: what is to be tried, made of each policy that the session had.
    """
    policy = recording.heading.policy
    machine = Conversation(change(policy) if change else policy, recording.heading.clock)
    for index, step in enumerate(recording.steps):
        event = step.event
        if change:
            # Other thresholds have other deadlines, and the record has ticks at the old ones.
            if (early := _tick_before(machine, step, recording.steps[:index])) is not None:
                return early
            if isinstance(event, PolicyChanged):
                event = PolicyChanged(change(event.policy))
        said, failure = _handle(machine, event, step.now)
        if said != step.commands:
            before = _context(recording.steps[:index])
            return Difference(step.line, step.now, event, step.commands, said, before, failure)
    return None


def _tick_before(machine: Conversation, step: Step, before: tuple[Step, ...]) -> Difference | None:
    while (deadline := machine.next_deadline()) is not None and deadline + LATE < step.now:
        said, failure = _handle(machine, Tick(), deadline)
        if said != ():
            context = _context(before)
            return Difference(step.line, deadline, Tick(), (), said, context, failure)
    return None


def _handle(
    machine: Conversation, event: Event, now: float
) -> tuple[tuple[Command, ...] | None, str]:
    try:
        return tuple(machine.handle(event, now)), ""
    except AssertionError as error:  # an illegal transition among them: a bug in the machine
        return None, str(error) or type(error).__name__


def _context(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    told = [step for step in steps[:-1] if step.commands]
    return (*told[-CONTEXT:], *steps[-1:])
