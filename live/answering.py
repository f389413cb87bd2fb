"""The agent's side: answers are found, kept or dropped, and become responses that are spoken."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from conversation import commands as c
from conversation import events as e
from conversation.responses import OfPrompt, Origin, ToRequest, ToTurn
from knowledge.passages import AnswerSentence, Passage
from live import events as told
from live.config import ResponseRequest
from live.core import Core
from live.history import Item, new_item_id
from live.mind import CANNOT_ANSWER, CANNOT_HEAR, Mind, Thinking, form_to_json
from live.mouth import Mouth
from live.stages import Stopwatch
from live.work import Work
from sessions import context as stored
from voice.audio import SPEAKING_RATE, Pcm

AnswerCommand: TypeAlias = c.Answer | c.AdoptAnswer | c.DropWork | c.PrepareSpeech
SpeechCommand: TypeAlias = (
    c.BeginResponse
    | c.Speak
    | c.PauseSpeech
    | c.ResumeSpeech
    | c.StopAfter
    | c.StopSpeech
    | c.Truncate
    | c.EndResponse
)

ENDINGS: dict[c.Ending, tuple[told.Status, str]] = {
    c.Ending.COMPLETED: ("completed", ""),
    c.Ending.PARKED: ("completed", ""),
    c.Ending.INTERRUPTED: ("cancelled", "turn_detected"),
    c.Ending.CANCELLED: ("cancelled", "client_cancelled"),
    c.Ending.FAILED: ("failed", "nothing came of it in time"),
}
"""How the wire names what the machine knows."""


@dataclass(slots=True)
class Said:
    """A response of the agent's. samples: audio that has left."""

    response_id: str
    item_id: str
    origin: Origin
    audio: bool
    work: int | None = None
    watch: Stopwatch | None = None
    sources: list[Passage] = field(default_factory=list)
    begun: bool = False
    samples: int = 0
    truncated_ms: int | None = None


class Answering:
    """Owns the mind's running work, the mouth, and what is being said.

    watch_of: hands over the times of a turn, for the answer to it to complete.
    """

    def __init__(
        self, core: Core, mind: Mind, work: Work, watch_of: Callable[[int], Stopwatch | None]
    ) -> None:
        self._core = core
        self._mind = mind
        self._work = work
        self._watch_of = watch_of
        self._thinking: dict[int, tuple[Thinking, Stopwatch]] = {}
        self._said: dict[int, Said] = {}
        self._requests: dict[int, ResponseRequest] = {}
        self._request_count = 0
        self.mouth = Mouth(
            core.parts.synthesizer,
            core.parts.clock,
            core.post,
            self._on_text,
            self._on_audio,
            core.log,
        )

    # From outside

    def request(self, request: ResponseRequest) -> int:
        """Notes what a client asked for; the number is the machine's name for it."""
        self._request_count += 1
        self._requests[self._request_count] = request
        return self._request_count

    def active(self, response_id: str | None) -> bool:
        """Whether this response (None: any) is being made or spoken."""
        return any(response_id in (None, said.response_id) for said in self._said.values())

    def active_item(self, item_id: str) -> bool:
        """Whether this item is being spoken."""
        return any(said.item_id == item_id for said in self._said.values())

    def client_played(self, item_id: str, played_ms: int) -> None:
        """The client's report of how far it has played an item."""
        for response, said in self._said.items():
            if said.item_id == item_id:
                self.mouth.client_played(response, played_ms)

    # Answers

    def think(self, command: AnswerCommand) -> None:
        """Carries out one of the machine's commands about answers."""
        match command:
            case c.Answer():
                self._answer(command)
            case c.AdoptAnswer(work):
                self._adopt(work)
            case c.DropWork(work):
                self._work.drop(work)
                self._thinking.pop(work, None)
            case c.PrepareSpeech(text):
                if self._core.config.audio:
                    self.mouth.prepare(text, self._core.config.voice)
            case _:
                assert_never(command)

    def _answer(self, command: c.Answer) -> None:
        core, work = self._core, command.work
        if command.trouble:
            self._give(work, (AnswerSentence(CANNOT_HEAR, known=False),))
            return
        text = command.text
        instructions = core.config.instructions
        if isinstance(command.origin, ToRequest):
            request = self._requests.get(command.origin.request, ResponseRequest())
            instructions = request.instructions or instructions
            text = core.last_text("user")
            if not text:
                greeting = core.parts.greeting
                self._give(work, (AnswerSentence(greeting),) if greeting else ())
                return
        thinking = self._mind.consider(text, core.last_text("assistant"))
        watch = Stopwatch()
        self._thinking[work] = (thinking, watch)
        if thinking.known is not None:
            thinking.said.extend(thinking.known)
            self._give(work, thinking.known)
        else:
            self._work.start(work, self._look_up(work, thinking, watch, instructions))
        if not command.early:
            self._adopt(work)

    def _give(self, work: int, sentences: tuple[AnswerSentence, ...]) -> None:
        for sentence in sentences:
            self._core.post(e.SentenceReady(work, sentence.text))
        self._core.post(e.AnswerFinished(work))

    async def _look_up(
        self, work: int, thinking: Thinking, watch: Stopwatch, instructions: str
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        history = self._core.messages()
        try:
            async for sentence in self._mind.sentences(thinking, history, instructions):
                watch.durations.setdefault("retrieval", loop.time() - began)
                self._core.post(e.SentenceReady(work, sentence.text))
        except Exception:
            self._core.log.exception("answer_failed")
            self._core.post(e.SentenceReady(work, CANNOT_ANSWER))
        watch.durations["answer"] = loop.time() - began
        self._core.post(e.AnswerFinished(work))

    def _adopt(self, work: int) -> None:
        """The turn has ended: what it meant counts from now on."""
        if work in self._thinking:
            thinking, _ = self._thinking[work]
            self._mind.keep(thinking)
            core = self._core
            core.keep(core.context.with_form(form_to_json(thinking.form)))

    # Speech

    def say(self, command: SpeechCommand) -> None:
        """Carries out one of the machine's commands about speech."""
        core = self._core
        match command:
            case c.BeginResponse(response, origin, work, _):
                self._begin(response, origin, work)
            case c.Speak(response, _, text):
                self.mouth.speak(response, text)
            case c.PauseSpeech(response):
                self.mouth.pause(response)
                core.tell(told.PlayoutPaused(self._said[response].item_id))
            case c.ResumeSpeech(response):
                self.mouth.resume(response)
                core.tell(told.PlayoutResumed(self._said[response].item_id))
            case c.StopAfter(response, sentence):
                self.mouth.stop_after(response, sentence)
            case c.StopSpeech():
                self.mouth.stop()
            case c.Truncate(response, played_ms, text):
                self._truncate(self._said[response], played_ms, text)
            case c.EndResponse(response, ending, text):
                self._end(response, ending, text)
            case _:
                assert_never(command)

    def _begin(self, response: int, origin: Origin, work: int | None) -> None:
        config = self._core.config
        audio = config.audio
        metadata: dict[str, str] = {}
        watch: Stopwatch | None = None
        match origin:
            case ToTurn(turn):
                watch = self._watch_of(turn)
            case ToRequest(number):
                request = self._requests.get(number, ResponseRequest())
                audio = config.audio if request.audio is None else request.audio
                metadata = dict(request.metadata)
            case OfPrompt(prompt_id):
                metadata = {"outreach_id": prompt_id}
            case _:
                assert_never(origin)
        said = Said(f"resp_{secrets.token_hex(10)}", new_item_id(), origin, audio, work, watch)
        self._said[response] = said
        self.mouth.begin(response, audio=audio, voice=config.voice)
        self._core.tell(told.ResponseBegun(said.response_id, audio, metadata))

    def _on_text(self, response: int, text: str) -> None:
        """A sentence begins: its words are shown now."""
        core, said = self._core, self._said[response]
        if not said.begun:
            said.begun = True
            item = Item(said.item_id, "assistant", "", spoken=said.audio, status="in_progress")
            previous = core.history.add(item)
            core.tell(told.AgentItemBegun(said.response_id, item, previous))
        else:
            text = " " + text
        core.tell(told.TextSent(said.response_id, said.item_id, text))
        self._tell_sources(said)

    def _on_audio(self, response: int, samples: Pcm, at: float) -> None:
        core, said = self._core, self._said[response]
        core.played(samples, at)
        if said.samples == 0 and said.watch is not None:
            stages = said.watch.stages_ms(asyncio.get_running_loop().time())
            core.tell(told.TurnMeasured(said.item_id, stages))
        said.samples += len(samples)
        core.tell(told.AudioSent(said.response_id, said.item_id, samples))

    def _tell_sources(self, said: Said) -> None:
        """What the answer so far rests on, each document's place once."""
        if said.work is None or said.work not in self._thinking:
            return
        thinking, watch = self._thinking[said.work]
        if said.watch is not None:
            said.watch.durations.update(watch.durations)
        new = [
            passage
            for sentence in thinking.said
            for passage in sentence.sources
            if passage not in said.sources
        ]
        if new:
            said.sources.extend(dict.fromkeys(new))
            found = told.SourcesFound(said.response_id, said.item_id, tuple(said.sources))
            self._core.tell(found)

    def _truncate(self, said: Said, played_ms: int, text: str) -> None:
        if said.begun and said.audio:
            said.truncated_ms = played_ms
            self._core.tell(told.ItemTruncated(said.item_id, played_ms, text))

    def _end(self, response: int, ending: c.Ending, text: str) -> None:
        core, said = self._core, self._said.pop(response)
        marks = self.mouth.marks(response)
        self.mouth.stop()
        self._forget_work(said, ending)
        status, reason = ENDINGS[ending]
        if ending is c.Ending.PARKED and said.truncated_ms is not None:
            status, reason = "cancelled", "turn_detected"
        item = None
        if said.begun and text:
            item = core.history.replace(
                said.item_id,
                text=text,
                status="completed" if status == "completed" else "incomplete",
                audio_ms=said.samples * 1000 // SPEAKING_RATE,
                marks=tuple(mark for mark in marks if mark[0] <= len(text)),
            )
            sources = tuple(
                stored.Source(document=p.document, title=p.title, line=p.line) for p in said.sources
            )
            core.remember(item, sources)
        elif said.begun:
            item = core.history.get(said.item_id)
            core.history.delete(said.item_id)
        core.tell(told.ResponseEnded(said.response_id, item, status, reason))

    def _forget_work(self, said: Said, ending: c.Ending) -> None:
        if isinstance(said.origin, ToRequest) and ending is not c.Ending.PARKED:
            self._requests.pop(said.origin.request, None)
        if said.work is not None and ending is not c.Ending.PARKED:
            self._thinking.pop(said.work, None)
