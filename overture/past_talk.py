"""A recorded session as a rule would have seen it: what was done when, and what was meant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conversation.commands import CommitTurn, KeepWords
from conversation.events import Tick
from intents.engine import IntentEngine
from intents.understanding import Form, Understanding
from sessions.journal_reading import Recording


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that the person said. at: Unix time. form: which is open afterwards, or ""."""

    at: float
    number: int
    meant: Understanding
    form: str


@dataclass(frozen=True, slots=True)
class PastTalk:
    """One record. began, ended: Unix times. used: when anything was said or done, in order."""

    session: str
    user: str
    began: float
    ended: float
    used: tuple[float, ...]
    turns: tuple[Turn, ...]

    def card(self, at: float) -> dict[str, Any]:
        """The session's card as it was then, as plain values; see sessions.presence."""
        turns = [turn for turn in self.turns if turn.at <= at]
        return {
            "session": self.session,
            "user": self.user,
            "since": self.began,
            "active": max((used for used in self.used if used <= at), default=self.began),
            "turns": len(turns),
            "last_intent": next((t.meant.intent for t in reversed(turns) if t.meant.intent), ""),
            "form": turns[-1].form if turns else "",
        }

    def silences(self) -> Iterator[tuple[float, float]]:
        """Each silence: from when something was done until the next, or until the end."""
        yield from zip((self.began, *self.used), (*self.used, self.ended), strict=True)


def past_talk(recording: Recording, intents: IntentEngine) -> PastTalk:
    """Reads the words of the record by the agent's intents as they are now."""
    heading = recording.heading
    shift = heading.began - heading.clock
    steps = [step for step in recording.steps if not isinstance(step.event, Tick)]
    turns: list[Turn] = []
    form: Form | None = None
    for step in steps:
        for command in step.commands or ():
            text = command.text if isinstance(command, CommitTurn | KeepWords) else None
            if text is None:
                continue
            reply = intents.respond(text, form)
            form = reply.form
            meant = reply.understanding
            name = form.intent if form else ""
            turns.append(Turn(step.now + shift, len(turns) + 1, meant, name))
    last = recording.steps[-1].now if recording.steps else heading.clock
    return PastTalk(
        session=heading.session,
        user=heading.user,
        began=heading.began,
        ended=last + shift,
        used=tuple(step.now + shift for step in steps),
        turns=tuple(turns),
    )


def event_of(kind: str, at: float, user: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """An event as conditions see it, of something that no one posted."""
    return {"type": kind, "user": user, "time": at, "data": dict(data)}
