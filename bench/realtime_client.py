"""A client of the OpenAI Realtime protocol with a microphone and an ear, over whatever wire.

It does what stock clients do: sends its microphone in real time from the moment it is connected,
plays audio as it arrives, and throws away what it has not played when the server says that the
user began to speak.
"""

import asyncio
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from bench.ear import Ear
from bench.metronome import Metronome
from bench.microphone import Microphone
from bench.websocket_wire import WebSocketWire
from bench.wire import OpenWire, Target, Wire
from voice.audio import SPEAKING_RATE, Pcm

Event = dict[str, Any]


class NoEventError(TimeoutError):
    """What a client waited for did not come; the message says what, and what came last."""


@dataclass(slots=True)
class Response:
    """One of the server's responses, as far as the client knows. Times: client's clock.

    outreach: the prompt's id where it is one.
    """

    id: str
    created_at: float
    status: str = "in_progress"
    reason: str = ""
    item_id: str = ""
    text: str = ""
    truncated_ms: int | None = None
    done_at: float | None = None
    outreach: str = ""


@dataclass(slots=True)
class Log:
    """What the server has said, in the order of arrival. Times: client's clock."""

    responses: dict[str, Response] = field(default_factory=dict)
    speech_started: list[float] = field(default_factory=list)
    committed: list[float] = field(default_factory=list)
    transcripts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    last_event: str = "nothing"


class RealtimeClient:
    """One session. Use `connect`, then `aclose`. open_wire: how it reaches its server."""

    def __init__(
        self,
        metronome: Metronome,
        *,
        sends_audio: bool = True,
        open_wire: OpenWire = WebSocketWire.open,
    ) -> None:
        self.microphone = Microphone()
        self.ear = Ear()
        self.log = Log()
        self.flushes_on_speech = True
        self._open_wire = open_wire
        self._metronome = metronome
        self._sends_audio = sends_audio
        self._frame = round(metronome.frame_seconds * SPEAKING_RATE)
        self._began: float | None = None
        self._sent_at: list[float] = []
        self._wire: Wire | None = None
        self._changed = asyncio.Event()
        self._handlers: Mapping[str, Callable[[Event, float], None]] = {
            "response.output_audio.delta": self._on_audio,
            "response.created": self._on_response,
            "response.done": self._on_response_done,
            "response.output_item.added": self._on_item,
            "response.output_audio_transcript.delta": self._on_text,
            "input_audio_buffer.speech_started": self._on_speech_started,
            "input_audio_buffer.committed": self._on_committed,
            "conversation.item.truncated": self._on_truncated,
            "conversation.item.input_audio_transcription.completed": self._on_transcript,
            "error": self._on_error,
        }

    async def connect(self, target: Target) -> None:
        """Opens the session and the microphone; raises ConnectionFailedError, NoEventError."""
        self._wire = await self._open_wire(target, self._receive, self._on_track)
        if self._wire.hidden_lateness:
            # A track's listener has a jitter buffer, and does not flush it: silence just comes.
            self.ear = Ear(underrun=self._wire.hidden_lateness)
            self.flushes_on_speech = False
        await self.until(lambda: self.log.last_event != "nothing", 10, "session.created")
        if self._sends_audio:
            self._metronome.join(self._tick)
            await self.until(lambda: self._began is not None, 10, "microphone frame")

    async def aclose(self) -> None:
        """Leaves."""
        self._metronome.leave(self._tick)
        if self._wire is not None:
            await self._wire.aclose()

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up."""
        return self._wire is not None and self._wire.is_open

    def send(self, event: Event) -> None:
        """Sends one client event."""
        if self._wire is not None:
            self._wire.send(orjson.dumps(event))

    def update(self, audio_input: Event) -> None:
        """Changes part of the session's `audio.input`."""
        session = {"type": "realtime", "audio": {"input": audio_input}}
        self.send({"type": "session.update", "session": session})

    def ask(self, text: str) -> None:
        """Types a question; the answer is spoken."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self.send({"type": "conversation.item.create", "item": item})
        self.send({"type": "response.create"})

    def time_of(self, sample: int) -> float:
        """When microphone sample `sample` was spoken, on the client's clock (seconds)."""
        if self._began is None:
            raise RuntimeError("the microphone has not started; wait for its first frame")
        return self._began + sample / SPEAKING_RATE

    def left_at(self, sample: int) -> float:
        """When microphone sample `sample` was handed to the wire: a frame's end at the soonest."""
        return self._sent_at[min(sample // self._frame, len(self._sent_at) - 1)]

    def seconds_of(self, sample: int) -> float:
        """Microphone sample `sample` in seconds of the session's input audio."""
        return sample / SPEAKING_RATE

    async def until(self, met: Callable[[], bool], timeout: float, what: str) -> None:
        """Waits until `met()`, looked at after each event; raises NoEventError."""
        deadline = time.monotonic() + timeout
        while not met():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
            except TimeoutError:
                said = f"last event: {self.log.last_event}; errors: {self.log.errors[-2:]}"
                raise NoEventError(f"no {what} within {timeout:.0f} s; {said}") from None

    async def first_audible(self, after: float, timeout: float) -> float:
        """The moment of the first sample heard at or after `after`; raises NoEventError."""
        found: float | None = None

        def met() -> bool:
            nonlocal found
            if self.ear.end > after:
                found = self.ear.first_audible(after)
            return found is not None

        await self.until(met, timeout, "audible reply")
        assert found is not None
        return found

    async def quiet(self, timeout: float) -> None:
        """Waits until no response is under way and the ear has played everything."""
        deadline = time.monotonic() + timeout
        while True:
            await self.until(
                lambda: not self._speaking(), deadline - time.monotonic(), "end of the answer"
            )
            rest = self.ear.end - time.monotonic()
            if rest <= 0 or self._hears_a_track:  # a track may go on for ever, with silence
                return
            await asyncio.sleep(rest)

    @property
    def _hears_a_track(self) -> bool:
        return self._wire is not None and self._wire.hidden_lateness > 0

    def _speaking(self) -> bool:
        return any(r.done_at is None for r in self.log.responses.values())

    def _tick(self, moment: float) -> None:
        if self._wire is None:
            return
        if self._began is None:
            self._began = moment - self._metronome.frame_seconds
        self._wire.send_audio(self.microphone, self._frame)
        self._sent_at.append(time.monotonic())
        if self.microphone.position == self._frame:
            self._changed.set()  # whoever waits for the microphone to run

    def _receive(self, message: bytes) -> None:
        now = time.monotonic()
        event: Event = orjson.loads(message)
        kind: str = event["type"]
        self.log.last_event = kind
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(event, now)
        self._changed.set()

    def _on_audio(self, event: Event, now: float) -> None:
        samples = np.frombuffer(b64decode(event["delta"]), "<i2")
        self.ear.hear(event["response_id"], samples, now)

    def _on_track(self, samples: Pcm) -> None:
        """Audio beside the events: it is the latest response's."""
        self.ear.hear(next(reversed(self.log.responses), ""), samples, time.monotonic())
        self._changed.set()

    def _on_response(self, event: Event, now: float) -> None:
        name = event["response"]["id"]
        outreach = (event["response"].get("metadata") or {}).get("outreach_id", "")
        self.log.responses[name] = Response(name, now, outreach=outreach)

    def _on_response_done(self, event: Event, now: float) -> None:
        body = event["response"]
        response = self.log.responses.setdefault(body["id"], Response(body["id"], now))
        response.status, response.done_at = body["status"], now
        response.reason = (body.get("status_details") or {}).get("reason") or ""

    def _on_item(self, event: Event, now: float) -> None:
        if response := self.log.responses.get(event["response_id"]):
            response.item_id = event["item"]["id"]

    def _on_text(self, event: Event, now: float) -> None:
        if response := self.log.responses.get(event["response_id"]):
            response.text += event["delta"]

    def _on_speech_started(self, event: Event, now: float) -> None:
        self.log.speech_started.append(now)
        if self.flushes_on_speech:
            self.ear.flush(now)

    def _on_committed(self, event: Event, now: float) -> None:
        self.log.committed.append(now)

    def _on_truncated(self, event: Event, now: float) -> None:
        for response in self.log.responses.values():
            if response.item_id == event["item_id"]:
                response.truncated_ms = event["audio_end_ms"]

    def _on_transcript(self, event: Event, now: float) -> None:
        self.log.transcripts.append(event["transcript"])

    def _on_error(self, event: Event, now: float) -> None:
        self.log.errors.append(event["error"].get("message", "unnamed"))
