"""What a live session is joined from; one set for the whole process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from intents.engine import IntentEngine
from knowledge.passages import Answerer
from live.prompts_port import Desk, NoDesk
from live.tools import NoTools, Toolbox
from sessions.context import SessionContext
from sessions.journal import Journal, NoJournal
from voice.pacing import OutputClock
from voice.recognition import Recognizer
from voice.synthesis import Synthesizer
from voice.vad import VoiceActivity


class Memory(Protocol):
    """Where contexts live between turns. Saving never waits and never fails the talk."""

    async def load(self, session_id: str) -> SessionContext | None:
        """The stored context, None if there is none or it cannot be had in time."""
        ...

    def save(self, context: SessionContext) -> None:
        """Keeps this as the session's latest, soon."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The engines and stores of the process.

    recognizers: by the name a session may ask for; "" is the one it gets without asking.
    greeting: said when a client wants a response and nobody has said anything.
    toolbox: functions that the agent may call by itself.
    journal: where what happens in sessions is recorded.
    desk: where sessions sign on for what is to be said to their person first.
    time_zone: of people whose client names none, "" for the machine's.
    reminds: whether "remind me to ..." is kept by anybody, so that it may be promised.
    loaded: the machine is short of time now; early work is skipped.
    """

    agent: str
    agent_version: str
    activity: VoiceActivity
    recognizers: Mapping[str, Recognizer]
    synthesizer: Synthesizer
    intents: IntentEngine
    answerer: Answerer
    memory: Memory
    clock: OutputClock
    greeting: str = ""
    follows_instructions: bool = False
    toolbox: Toolbox = field(default_factory=NoTools)
    journal: Journal = field(default_factory=NoJournal)
    desk: Desk = field(default_factory=NoDesk)
    time_zone: str = ""
    reminds: Callable[[], bool] = lambda: False
    loaded: Callable[[], bool] = lambda: False
