"""Turns through the whole loop without a browser or a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from live import events as told
from live.config import ResponseRequest
from live.history import Item, new_item_id
from live.session import LiveSession
from overture.compose import Assembly
from overture.errors import UserError
from sessions.journal import NoJournal
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm
from voice.pacing import SteppedClock

FRAME = HEARING_RATE // 50
"""Samples fed at a time: 20 ms, as a microphone would."""
SILENCE_AFTER = 4 * HEARING_RATE
"""Samples of silence after a recording: longer than any turn waits for its end."""
LONGEST_ANSWER = 300 * HEARING_RATE
"""Samples of silence fed while the answer is said: five minutes of it."""


@dataclass(slots=True)
class Outcome:
    """What came of one question. audio: the spoken answer, 24 kHz."""

    file: str = ""
    heard: str = ""
    intent: str | None = None
    slots: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    sources: list[dict[str, Any]] = field(default_factory=list)
    stages_ms: dict[str, float] = field(default_factory=dict)
    audio: Pcm = field(default_factory=lambda: np.zeros(0, np.int16))

    def as_json(self) -> dict[str, Any]:
        """Everything but the audio."""
        return {
            "file": self.file,
            "heard": self.heard,
            "intent": self.intent,
            "slots": self.slots,
            "answer": self.answer,
            "sources": self.sources,
            "stages_ms": self.stages_ms,
        }


def read_recording(path: Path) -> Pcm:
    """A recording as 16 kHz mono PCM, its channels mixed; raises UserError."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: not a recording that can be read: {error}") from None
    mono = soxr.resample(samples.mean(axis=1), rate, HEARING_RATE)
    pcm: Pcm = np.clip(np.round(mono * 32767), -32768, 32767).astype(np.int16)
    return pcm


class _Listener:
    """Gathers what a session tells."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.said: dict[str, str] = {}
        self.sources: dict[str, tuple[int, str, str]] = {}
        self.stages: dict[str, float] = {}
        self.audio: list[Pcm] = []
        self.running = 0

    def __call__(self, event: told.LiveEvent) -> None:
        match event:
            case told.Transcribed(_, text, _):
                self.heard.append(text)
            case told.ResponseBegun():
                self.running += 1
            case told.TextSent(_, item_id, text):
                self.said[item_id] = self.said.get(item_id, "") + text
            case told.AudioSent(_, _, samples):
                self.audio.append(samples)
            case told.TurnMeasured(_, stages):
                self.stages = dict(stages)
            case told.SourcesFound(_, _, sources):
                for source in sources:
                    key = f"{source.document}:{source.line}"
                    self.sources[key] = (source.line, source.document, source.title)
            case told.ResponseEnded():
                self.running -= 1
            case _:
                pass


class _Asking:
    """A session in a time of its own: it passes as audio is fed, as fast as that can be heard."""

    def __init__(self, assembly: Assembly) -> None:
        self._clock = SteppedClock()
        self.listener = _Listener()
        self.session = LiveSession(
            replace(assembly.parts, clock=self._clock, journal=NoJournal()),
            self.listener,
            session_id=new_item_id(),
            user="ask",
            config=assembly.config,
        )

    async def feed(self, samples: Pcm) -> None:
        """Lets the session hear this, and the time pass that it takes."""
        for start in range(0, len(samples), FRAME):
            self.session.hear(samples[start : start + FRAME])
            await self.session.settled()
            self._clock.step(FRAME / HEARING_RATE)

    async def hear_out(self) -> None:
        """Stays silent until the agent has said everything; raises UserError if it never has."""
        silence = np.zeros(FRAME, np.int16)
        for _ in range(0, LONGEST_ANSWER, FRAME):
            if not self.listener.running:
                return
            await self.feed(silence)
        raise UserError("the answer does not end; is an engine stuck?")


@asynccontextmanager
async def _asking(assembly: Assembly) -> AsyncIterator[_Asking]:
    asking = _Asking(assembly)
    await asking.session.start()
    try:
        yield asking
    finally:
        await asking.session.aclose()


async def ask_recording(assembly: Assembly, path: Path) -> Outcome:
    """Plays a recording to a new session and waits for what comes of it."""
    recording = await asyncio.to_thread(read_recording, path)
    async with _asking(assembly) as asking:
        await asking.feed(np.concatenate([recording, np.zeros(SILENCE_AFTER, np.int16)]))
        await asking.hear_out()
        return _outcome(asking, str(path))


async def ask_text(assembly: Assembly, text: str) -> Outcome:
    """Types a question into a new session and waits for what comes of it."""
    async with _asking(assembly) as asking:
        asking.listener.heard.append(text)
        asking.session.add_item(Item(new_item_id(), "user", text), None)
        asking.session.respond(ResponseRequest())
        await asking.hear_out()
        return _outcome(asking, "")


def _outcome(asking: _Asking, name: str) -> Outcome:
    listener, mind = asking.listener, asking.session.mind
    understood = mind.understanding
    form = mind.form if mind.form is not None and understood.intent == mind.form.intent else None
    return Outcome(
        file=name,
        heard=" ".join(listener.heard),
        intent=understood.intent,
        slots=dict(form.slots if form is not None else understood.slots),
        answer=" ".join(listener.said.values()),
        sources=[
            {"document": document, "title": title, "line": line}
            for line, document, title in listener.sources.values()
        ],
        stages_ms=listener.stages,
        audio=np.concatenate(listener.audio) if listener.audio else np.zeros(0, np.int16),
    )


def save_audio(outcome: Outcome, path: Path) -> None:
    """Writes the spoken answer as 24 kHz mono; raises UserError."""
    try:
        soundfile.write(path, outcome.audio, SPEAKING_RATE, subtype="PCM_16")
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot write the answer there: {error}") from None
