"""Writes what happens in a session into its record: the machine's events, and what else counts."""

from collections.abc import AsyncIterator, Callable
from time import time
from typing import Any

from conversation import Conversation, TurnPolicy
from conversation import commands as c
from conversation import events as e
from knowledge.passages import Answerer, AnswerPart, Question
from live import events as told
from live.events import LiveEvent
from sessions.context import SessionContext
from sessions.journal import Heading, Journal, Record, noting, software
from voice.pacing import OutputClock

NOTED = (
    told.Transcribed,
    told.TranscriptionFailed,
    told.SourcesFound,
    told.FunctionCalled,
    told.ToolCalled,
    told.ResponseEnded,
    told.TurnMeasured,
    told.Warned,
    told.CardShown,
    told.Replied,
)
"""What of a session's own events is noted: what the machine's do not say already."""


class Recorder:
    """One session's. Nothing is kept before `begin`, and nothing where there is no journal."""

    def __init__(self, machine: Conversation, clock: OutputClock) -> None:
        self._machine = machine
        self._clock = clock
        self._made_at = clock.now()
        self._record: Record | None = None

    def begin(self, journal: Journal, context: SessionContext, policy: TurnPolicy) -> None:
        """From here on. policy: the machine's, which has not been told of anything else yet."""
        self._record = journal.begin(
            Heading(
                session=context.id,
                user=context.user,
                agent=context.agent,
                agent_version=context.agent_version,
                software=software(),
                began=time(),
                clock=self._made_at,
                policy=policy,
            )
        )

    def handle(self, event: e.Event) -> list[c.Command]:
        """Tells the machine, and records it together with what it said."""
        now = self._clock.now()
        if self._record is None:
            return self._machine.handle(event, now)
        commands = None
        try:
            commands = self._machine.handle(event, now)
        finally:
            self._record.happened(event, now, commands)
        return commands

    def told(self, event: LiveEvent) -> None:
        """Notes one of the session's events, if it is of those that count."""
        if isinstance(event, NOTED):
            self.note(type(event).__name__, event)

    def note(self, kind: str, content: object) -> None:
        """Notes something else."""
        if self._record is not None:
            self._record.note(kind, self._clock.now(), content)


class RecordedAnswerer:
    """An answerer whose questions and answers are noted; what engines note goes there too."""

    def __init__(self, answerer: Answerer, note: Callable[[str, object], None]) -> None:
        self._answerer = answerer
        self._note = note
        self._last: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """See the port."""
        return self._answerer.name

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        """See the port."""
        noting(self._note)
        self._note("asked", self._changed(question))
        parts: list[tuple[str, AnswerPart]] = []
        try:
            async for part in self._answerer.answer(question):
                parts.append((type(part).__name__, part))
                yield part
        finally:
            self._note("answered", parts)

    async def aclose(self) -> None:
        """See the port; the engine is everybody's and stays open."""

    def _changed(self, question: Question) -> dict[str, Any]:
        """The question; instructions and tools, which may be long, only when they are others."""
        asked = {"text": question.text, "history": question.history}
        settings = {name: getattr(question, name) for name in _SETTINGS}
        changed = {name: each for name, each in settings.items() if each != self._last.get(name)}
        self._last = settings
        return asked | changed


_SETTINGS = ("instructions", "tools", "tool_choice", "max_output_tokens")
