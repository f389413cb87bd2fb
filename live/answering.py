"""The agent's speech: answers become responses, which are spoken, cut short, and remembered."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from conversation import commands as c
from conversation.responses import OfPrompt, OfSilence, Origin, ToRequest, ToTurn
from knowledge.passages import Passage, TokenUsage
from live import events as told
from live.answers import Answers
from live.config import ResponseRequest
from live.core import Core
from live.earcon import earcon
from live.history import Item, function_call_item, new_item_id
from live.mind import Mind
from live.mouth import Mouth
from live.stages import Stopwatch
from live.work import Work
from sessions import context as stored
from voice.audio import SPEAKING_RATE, Pcm

SpeechCommand: TypeAlias = (
    c.PrepareSpeech
    | c.BeginResponse
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
    """A response of the agent's. samples: audio that has left. kept: it is in the conversation.

    called: functions that the client is to run were told in it.
    client_reported: the client has told how much of it was played.
    """

    response_id: str
    item_id: str
    origin: Origin
    audio: bool
    kept: bool = True
    work: int | None = None
    watch: Stopwatch | None = None
    sources: list[Passage] = field(default_factory=list)
    begun: bool = False
    called: bool = False
    lead_in_ms: int = 0
    samples: int = 0
    truncated_ms: int | None = None
    client_reported: bool = False

    @property
    def outreach_id(self) -> str:
        """The prompt that it is of, "" if of none."""
        return self.origin.prompt_id if isinstance(self.origin, OfPrompt) else ""


class Answering:
    """Owns the mouth and what is being said.

    watch_of: hands over the times of a turn, for the answer to it to complete.
    """

    def __init__(
        self, core: Core, mind: Mind, work: Work, watch_of: Callable[[int], Stopwatch | None]
    ) -> None:
        self._core = core
        self._watch_of = watch_of
        self._said: dict[int, Said] = {}
        self.ended: Said | None = None
        """The response that ended last."""
        self.announced: set[str] = set()
        """Prompts that begin with a sound."""
        self.answers = Answers(core, mind, work, self._on_answer_finished)
        self.mouth = Mouth(
            core.parts.synthesizer,
            core.parts.clock,
            core.post,
            self._on_text,
            self._on_audio,
            core.log,
        )

    # From outside

    def active(self, response_id: str | None) -> bool:
        """Whether this response (None: any) is being made or spoken."""
        return any(response_id in (None, said.response_id) for said in self._said.values())

    def active_item(self, item_id: str) -> bool:
        """Whether this item is being spoken."""
        return any(said.item_id == item_id for said in self._said.values())

    def item_of(self, response: int) -> str | None:
        """The item of an answer that is spoken and remembered; None of a prompt or a text."""
        said = self._said.get(response)
        if said is None or not (said.audio and said.kept) or isinstance(said.origin, OfPrompt):
            return None
        return said.item_id

    @property
    def has_called(self) -> bool:
        """What is being spoken has told the client to run a function, so that the client may ask
        for what follows already."""
        return any(said.called for said in self._said.values())

    def client_played(self, item_id: str, played_ms: int) -> None:
        """The client's report of how far it has played an item."""
        for response, said in self._said.items():
            if said.item_id == item_id:
                said.client_reported = True
                self.mouth.client_played(response, played_ms)

    # Speech

    def say(self, command: SpeechCommand) -> None:
        """Carries out one of the machine's commands about speech."""
        core = self._core
        match command:
            case c.PrepareSpeech(text):
                if core.config.audio:
                    self.mouth.prepare(text, core.config.voice)
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
        core, config = self._core, self._core.config
        request = self.answers.request_of(origin) or ResponseRequest()
        metadata, watch = dict(request.metadata), None
        match origin:
            case ToTurn(turn):
                watch = self._watch_of(turn)
            case OfPrompt(prompt_id):
                metadata = {"outreach_id": prompt_id}
            case ToRequest() | OfSilence():
                pass
            case _:
                assert_never(origin)
        audio = config.audio if request.audio is None else request.audio
        voice = request.voice or config.voice
        said = Said(
            f"resp_{secrets.token_hex(10)}",
            new_item_id(),
            origin,
            audio,
            request.in_conversation,
            work,
            watch,
        )
        self._said[response] = said
        lead_in = earcon() if said.outreach_id in self.announced else None
        self.announced.discard(said.outreach_id)
        self.mouth.begin(response, audio=audio, voice=voice, lead_in=lead_in)
        said.lead_in_ms = self.mouth.lead_in_ms(response)
        core.tell(told.response_begun(said.response_id, config, request, metadata))

    def _on_answer_finished(self, work: int) -> None:
        answer = self.answers.of(work)
        if answer is None:
            return
        for said in self._said.values():
            # A message comes before the calls that its answer ends in.
            if said.work == work and (said.begun or not answer[0].said):
                self._tell_calls(said)

    def _tell_calls(self, said: Said) -> None:
        """The functions that the client is to run, once the answer has them all."""
        answer = self.answers.of(said.work)
        if answer is None or not answer[0].finished:
            return
        calls = answer[0].calls
        while calls:
            item = function_call_item(calls.pop(0))
            previous = self._core.history.add(item) if said.kept else None
            if said.kept:
                self._core.remember(item)
            said.called = True
            self._core.tell(told.FunctionCalled(said.response_id, item, previous))

    def _on_text(self, response: int, text: str) -> None:
        """A sentence begins: its words are shown now."""
        core, said = self._core, self._said[response]
        first = not said.begun
        if first:
            said.begun = True
            item = Item(said.item_id, "assistant", "", spoken=said.audio, status="in_progress")
            previous = core.history.add(item) if said.kept else None
            core.tell(told.AgentItemBegun(said.response_id, item, previous))
        else:
            text = " " + text
        core.tell(told.TextSent(said.response_id, said.item_id, text))
        self._tell_sources(said)
        if first:
            self._tell_calls(said)

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
        answer = self.answers.of(said.work)
        if answer is None:
            return
        thinking, watch = answer
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
            said.truncated_ms = played_ms = played_ms + said.lead_in_ms
            if said.kept:
                self._core.tell(told.ItemTruncated(said.item_id, played_ms, text))

    def _end(self, response: int, ending: c.Ending, text: str) -> None:
        said = self._said[response]
        marks = self.mouth.marks(response)
        self.mouth.stop()
        if ending in (c.Ending.COMPLETED, c.Ending.PARKED):
            self._tell_calls(said)
        del self._said[response]
        self.ended = said
        status, reason = ENDINGS[ending]
        if ending is c.Ending.PARKED and said.truncated_ms is not None:
            status, reason = "cancelled", "turn_detected"
        usage = TokenUsage()
        if (answer := self.answers.of(said.work)) is not None:
            usage = answer[0].take_usage()
            if answer[0].cut and ending is c.Ending.COMPLETED:
                status, reason = "incomplete", answer[0].cut
        if ending is not c.Ending.PARKED:
            self.answers.forget(said.origin, said.work)
        item = self._item_at_end(said, status, text, marks)
        self._core.tell(told.ResponseEnded(said.response_id, item, status, reason, usage))

    def _item_at_end(
        self, said: Said, status: told.Status, text: str, marks: tuple[tuple[int, int], ...]
    ) -> Item | None:
        """What is remembered of it, and what the client is told of what is not."""
        core = self._core
        if not said.begun:
            return None
        item_status: told.ItemStatus = "completed" if status == "completed" else "incomplete"
        audio_ms = said.samples * 1000 // SPEAKING_RATE
        kept_marks = tuple(mark for mark in marks if mark[0] <= len(text))
        if said.item_id not in core.history:  # the client deleted it meanwhile
            return Item(said.item_id, "assistant", text, said.audio, item_status, audio_ms)
        # One of which nothing was heard stays too, without words: clients truncate what they were
        # interrupted in, and some give up on the error that a missing item would be.
        item = core.history.replace(
            said.item_id, text=text, status=item_status, audio_ms=audio_ms, marks=kept_marks
        )
        sources = tuple(
            stored.Source(document=p.document, title=p.title, line=p.line) for p in said.sources
        )
        core.remember(item, sources)
        return item
