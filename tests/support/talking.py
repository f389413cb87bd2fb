"""A person who talks with a live session, in a time that passes as they speak.

Speech is flite's through the real voice activity detector; the words are those of the script, so
that a test knows what was understood. Voices are tones, so nothing depends on an engine.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import soxr

from conversation import Floor
from intents.engine import IntentEngine
from knowledge.documents import read_documents
from knowledge.extractive import ExtractiveAnswerer
from knowledge.index import KnowledgeIndex
from live import events as told
from live.config import SessionConfig
from live.parts import Parts
from live.session import LiveSession
from overture.agent_folder import load_agent
from sessions.context import SessionContext
from sessions.resuming import Return
from tests.support.recordings import speak
from voice.audio import HEARING_RATE, Pcm
from voice.pacing import SteppedClock
from voice.recognizers.scripted import ScriptedRecognizer
from voice.silero import SileroVoiceActivity
from voice.synthesizers.cached import CachedSynthesizer
from voice.synthesizers.scripted import ScriptedSynthesizer

FRAME = HEARING_RATE // 50
CAFE = Path(__file__).parents[2] / "agents" / "cafe"
LOUD = 500
"""Samples beyond this are speech: flite's pauses are digital silence."""

Told = TypeVar("Told", bound=told.LiveEvent)


class KeptInMind:
    """Contexts of one test."""

    def __init__(self) -> None:
        self.contexts: dict[str, SessionContext] = {}

    async def load(self, session_id: str) -> SessionContext | None:
        return self.contexts.get(session_id)

    def save(self, context: SessionContext) -> None:
        self.contexts[context.id] = context


class Talk:
    """One conversation. events: everything the session told, in order."""

    def __init__(self, parts: Parts, config: SessionConfig, session_id: str, user: str) -> None:
        self._clock = SteppedClock()
        self._script: list[tuple[str, float, float]] = []
        self._position = 0
        self._room = np.zeros(0, np.int16)
        self.events: list[told.LiveEvent] = []
        self.session = LiveSession(
            replace(parts, clock=self._clock),
            self._listen,
            session_id=session_id,
            user=user,
            config=config,
        )

    async def hears(self, samples: Pcm) -> None:
        """Lets the session hear this, frame by frame, and the time pass that it takes."""
        for start in range(0, len(samples), FRAME):
            frame = samples[start : start + FRAME]
            self.session.hear(frame)
            self._position += len(frame)
            await self.session.settled()
            self._clock.step(len(frame) / HEARING_RATE)
            await self.session.settled()

    async def silence(self, seconds: float) -> None:
        """Nobody says anything."""
        await self.hears(np.zeros(int(seconds * HEARING_RATE), np.int16))

    async def waits(self, seconds: float) -> None:
        """Time passes and no audio comes."""
        for _ in range(int(seconds * 50)):
            self._clock.step(0.02)
            await self.session.settled()

    async def until(self, true: Callable[[], bool]) -> None:
        """Listens until it is, without waiting for work that may never end."""
        for _ in range(5000):
            if true():
                return
            self.session.hear(np.zeros(FRAME, np.int16))
            await self.session.heard_all()
            self._clock.step(0.02)
            await asyncio.sleep(0)  # the recognizer's turn
        raise AssertionError("it never came about")

    async def says(self, text: str, voice: str = "slt") -> None:
        """Speaks, and is silent for 150 ms."""
        await self.hears(self.script(text, voice))

    def script(self, text: str, voice: str = "slt") -> Pcm:
        """What `says` would play next, its words announced to the recognizer."""
        samples = speak(text, voice)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
        begin = (self._position + loud[0]) / HEARING_RATE
        words = text.split()
        each = (loud[-1] - loud[0]) / HEARING_RATE / len(words)
        for index, word in enumerate(words):
            at = begin + index * each
            self._script.append((word.strip(".,?!"), at, at + each * 0.9))
        prompt = json.dumps(self._script)
        self.session.update(replace(self.session.config, transcription_prompt=prompt))
        return samples

    def echo(self, delay_s: float, gain: float) -> Pcm:
        """The next frame of the agent's voice as the microphone hears it that much later."""
        start = self._position - int(delay_s * HEARING_RATE)
        if start < 0:
            return np.zeros(FRAME, np.int16)
        frame = self._room[start : start + FRAME]
        return (np.pad(frame, (0, FRAME - len(frame))) * gain).astype(np.int16)

    def _listen(self, event: told.LiveEvent) -> None:
        """Notes the event; audio is played in the room after what is still being played."""
        self.events.append(event)
        if isinstance(event, told.AudioSent):
            start = max(len(self._room), int(self._clock.now() * HEARING_RATE))
            gap = np.zeros(start - len(self._room), np.int16)
            heard = soxr.resample(event.samples, 24_000, HEARING_RATE)
            self._room = np.concatenate([self._room, gap, heard])

    async def until_quiet(self, seconds: float = 30.0) -> None:
        """Listens until nobody has the floor."""
        for _ in range(int(seconds * 5)):
            await self.silence(0.2)
            floors = self.all(told.FloorChanged)
            if not floors or floors[-1].floor is Floor.IDLE:
                return
        raise AssertionError(f"the agent still speaks after {seconds} s")

    def all(self, kind: type[Told]) -> list[Told]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def heard(self) -> list[str]:
        """What the user was understood to say, turn by turn."""
        return [event.text for event in self.all(told.Transcribed)]

    @property
    def answers(self) -> list[str]:
        """What is remembered of each answer."""
        ended = self.all(told.ResponseEnded)
        return [event.item.text for event in ended if event.item is not None]

    @property
    def played_s(self) -> float:
        """Seconds of audio that left."""
        return sum(len(event.samples) for event in self.all(told.AudioSent)) / 24_000


def scripted_parts(memory: KeptInMind | None = None) -> Parts:
    """The café with a scripted recognizer and tones for a voice."""
    agent = load_agent(CAFE)
    index = KnowledgeIndex(read_documents(agent.knowledge_folder))
    recognizer = ScriptedRecognizer()
    return Parts(
        agent="cafe",
        agent_version=agent.version,
        activity=SileroVoiceActivity(),
        recognizers={"": recognizer},
        synthesizer=CachedSynthesizer(ScriptedSynthesizer()),
        intents=IntentEngine(agent.intents),
        answerer=ExtractiveAnswerer(index, agent.settings.unknown_answer),
        memory=memory or KeptInMind(),
        clock=SteppedClock(),
        greeting=agent.settings.greeting,
    )


@asynccontextmanager
async def talking(
    parts: Parts | None = None,
    config: SessionConfig | None = None,
    session_id: str = "test",
    user: str = "u42",
    back: Return | None = None,
) -> AsyncIterator[Talk]:
    """A conversation that has begun. back: what its client shows to go on with an earlier one."""
    parts = parts or scripted_parts()
    for recognizer in parts.recognizers.values():
        await recognizer.start()
    talk = Talk(parts, config or SessionConfig(), session_id, user)
    await talk.session.start(back)
    try:
        yield talk
    finally:
        await talk.session.aclose()
        await parts.activity.aclose()
        await parts.synthesizer.aclose()
