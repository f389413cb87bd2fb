"""Sentences in, paced audio out: what one session says, one response at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from conversation.events import (
    Event,
    PlayoutAdvanced,
    SentenceBegun,
    SentencePlayed,
    SentenceVoiced,
)
from voice.audio import SPEAKING_RATE, Pcm
from voice.pacing import OutputClock, Playout
from voice.synthesis import SpeechChunk, Synthesizer, SynthesizerError, Voice

AHEAD = 2 * SPEAKING_RATE
"""Samples made ahead of the ear: enough for any engine's pause, little lost at an interruption."""
CHUNK_TIMEOUT = 10.0
"""Seconds an engine may take for its next piece of audio before it counts as hung."""
ADVANCE_EVERY = 0.1
"""Seconds between two reports of how far the audio was played."""
PREPARED_AT_ONCE = 2
"""Sentences that may be prepared at a time for a turn that may still go on."""


def _ms(samples: int) -> int:
    return samples * 1000 // SPEAKING_RATE


@dataclass(slots=True)
class _Voicing:
    """A sentence on its way. start, end: samples in the response's audio; end -1: not known yet."""

    text: str
    start: int = -1
    end: int = -1
    marks: tuple[tuple[int, int], ...] = ()
    begun: bool = False
    over: bool = False


@dataclass(slots=True)
class _Speech:
    """One response's audio. lead_in: samples before its first word."""

    response: int
    audio: bool
    voice: Voice
    sentences: list[_Voicing] = field(default_factory=list)
    playout: Playout = field(default_factory=Playout)
    written: int = 0
    stop_after: int | None = None
    reported_at: float = 0.0
    lead_in: int = 0
    client: tuple[int, float] | None = None


class Mouth:
    """Says what it is told and posts what became of it to the machine.

    on_text(response, text): the next sentence begins. on_audio(response, samples, at): a frame
    leaves, to be played at that time.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        clock: OutputClock,
        post: Callable[[Event], None],
        on_text: Callable[[int, str], None],
        on_audio: Callable[[int, Pcm, float], None],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._log = log
        self._synthesizer = synthesizer
        self._clock = clock
        self._post = post
        self._on_text = on_text
        self._on_audio = on_audio
        self._speech: _Speech | None = None
        self._to_voice: asyncio.Event = asyncio.Event()
        self._room: asyncio.Event = asyncio.Event()
        self._idle: asyncio.Event = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._unclock: Callable[[], None] | None = None
        self._preparing: set[asyncio.Task[None]] = set()

    # What the machine commands

    def begin(
        self, response: int, *, audio: bool, voice: Voice, lead_in: Pcm | None = None
    ) -> None:
        """A response will be said. lead_in: a sound before its words."""
        self.stop()
        self._speech = speech = _Speech(response, audio, voice)
        if audio and lead_in is not None:
            speech.playout.write(lead_in)
            speech.lead_in = speech.written = len(lead_in)

    def speak(self, response: int, text: str) -> None:
        """Says this after what was to be said before."""
        speech = self._current(response)
        if speech is None:
            return
        speech.sentences.append(_Voicing(text))
        if not speech.audio:
            self._write_text(speech)
        elif self._task is None:
            self._task = asyncio.create_task(self._voice(speech), name="mouth")
        if speech.audio:
            self._idle.clear()
            self._to_voice.set()
            if speech.lead_in:
                self._flow()  # while the words are being made

    def prepare(self, text: str, voice: Voice) -> None:
        """Has the sentence's audio made, so that it lies in the synthesizer's cache."""
        if len(self._preparing) < PREPARED_AT_ONCE:
            task = asyncio.create_task(self._make(text, voice), name="prepare")
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)

    def pause(self, response: int) -> None:
        """Lets nothing more leave."""
        if speech := self._current(response):
            speech.playout.pause()

    def resume(self, response: int) -> None:
        """Goes on with the next sample."""
        if speech := self._current(response):
            speech.playout.resume()

    def stop_after(self, response: int, sentence: int) -> None:
        """Drops what comes after that sentence."""
        if speech := self._current(response):
            speech.stop_after = sentence
            if speech.sentences[sentence].end >= 0:
                speech.playout.drop_after(speech.sentences[sentence].end)

    def stop(self) -> None:
        """Drops everything that has not left."""
        if self._unclock is not None:
            self._unclock()
            self._unclock = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._speech = None
        self._idle.set()

    async def settled(self) -> None:
        """Returns when no audio is being made, or enough of it lies ahead."""
        await self._idle.wait()

    async def aclose(self) -> None:
        """Ends everything that runs."""
        tasks = [*self._preparing, *([self._task] if self._task else [])]
        self.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Where the listener is

    def marks(self, response: int) -> tuple[tuple[int, int], ...]:
        """(character, ms) pairs over the whole response, its sentences joined by one space."""
        speech = self._current(response)
        found: list[tuple[int, int]] = []
        before = 0
        for voicing in speech.sentences if speech is not None else ():
            start_ms = _ms(max(voicing.start, 0))
            found += [(before + char, start_ms + ms) for char, ms in voicing.marks]
            before += len(voicing.text) + 1
        return tuple(found)

    def client_played(self, response: int, played_ms: int) -> None:
        """The client's own report; it counts from now on, never beyond what was sent."""
        if speech := self._current(response):
            now = self._clock.now()
            speech.client = (played_ms * SPEAKING_RATE // 1000, now)

    def report_position(self) -> None:
        """Posts where the listener is now, so that the machine decides on what is true."""
        speech = self._speech
        if speech is not None and speech.audio and speech.playout.sent:
            self._post_played(speech, self._played(speech, self._clock.now()))

    def _post_played(self, speech: _Speech, played: int) -> None:
        """The machine counts from the first word."""
        self._post(PlayoutAdvanced(speech.response, _ms(max(0, played - speech.lead_in))))

    def lead_in_ms(self, response: int) -> int:
        """How long the response's audio goes before its first word."""
        speech = self._current(response)
        return _ms(speech.lead_in) if speech is not None else 0

    def _played(self, speech: _Speech, now: float) -> int:
        by_clock = speech.playout.played(now)
        if speech.client is None:
            return by_clock
        reported, at = speech.client
        return min(by_clock, reported + int((now - at) * SPEAKING_RATE))

    def _current(self, response: int) -> _Speech | None:
        speech = self._speech
        return speech if speech is not None and speech.response == response else None

    # Voicing

    async def _voice(self, speech: _Speech) -> None:
        index = 0
        while self._speech is speech:
            if index < len(speech.sentences):
                await self._have_room(speech)
                await self._voice_sentence(speech, index)
                index += 1
            else:
                self._to_voice.clear()
                self._idle.set()
                await self._to_voice.wait()

    async def _have_room(self, speech: _Speech) -> None:
        while speech.playout.waiting > AHEAD:
            self._room.clear()
            self._idle.set()
            await self._room.wait()
            self._idle.clear()

    async def _voice_sentence(self, speech: _Speech, index: int) -> None:
        voicing = speech.sentences[index]
        if speech.stop_after is not None and index > speech.stop_after:
            return
        voicing.start = speech.written
        failed = False
        marks: list[tuple[int, int]] = []
        chunks = self._synthesizer.synthesize(voicing.text, speech.voice)
        try:
            while True:
                async with asyncio.timeout(CHUNK_TIMEOUT):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                marks += [(mark.char, _ms(mark.sample)) for mark in chunk.marks]
                self._write(speech, index, chunk, tuple(marks))
        except (SynthesizerError, TimeoutError) as error:
            self._log.warning("synthesis_failed", reason=str(error) or "no audio in time")
            failed = True
        voicing.end = speech.written
        if voicing.end == voicing.start:
            # Nothing audible: its words are shown all the same.
            voicing.over = True
            self._begin_sentence(speech, index)
            self._post(SentencePlayed(speech.response, index, failed))

    def _write(
        self, speech: _Speech, index: int, chunk: SpeechChunk, marks: tuple[tuple[int, int], ...]
    ) -> None:
        speech.playout.write(chunk.samples)
        speech.written += len(chunk.samples)
        speech.sentences[index].marks = marks
        voiced = speech.written - speech.sentences[index].start
        self._post(SentenceVoiced(speech.response, index, _ms(voiced), marks))
        self._flow()

    async def _make(self, text: str, voice: Voice) -> None:
        try:
            async with asyncio.timeout(CHUNK_TIMEOUT):
                async for _ in self._synthesizer.synthesize(text, voice):
                    pass
        except (SynthesizerError, TimeoutError):
            self._log.info("preparing_speech_failed")

    # Playing

    def _flow(self) -> None:
        if self._unclock is None:
            self._unclock = self._clock.add(self._advance)
            self._advance(self._clock.now())

    def _advance(self, now: float) -> bool:
        speech = self._speech
        if speech is None:
            return False
        while (frame := speech.playout.due(now)) is not None:
            self._begin_sentences(speech)
            at = speech.playout.ends_at - len(frame) / SPEAKING_RATE
            self._on_audio(speech.response, frame, at)
        if speech.playout.waiting <= AHEAD:
            self._room.set()
        if now >= speech.reported_at + ADVANCE_EVERY:
            speech.reported_at = now
            self.report_position()
        self._end_sentences(speech, now)
        return self._speech is speech

    def _begin_sentences(self, speech: _Speech) -> None:
        for index, voicing in enumerate(speech.sentences):
            led_in = index == 0 and speech.lead_in > 0
            if not voicing.begun and (led_in or 0 <= voicing.start < speech.playout.sent):
                self._begin_sentence(speech, index)

    def _begin_sentence(self, speech: _Speech, index: int) -> None:
        voicing = speech.sentences[index]
        if not voicing.begun:
            voicing.begun = True
            self._post(SentenceBegun(speech.response, index))
            self._on_text(speech.response, voicing.text)

    def _end_sentences(self, speech: _Speech, now: float) -> None:
        played = self._played(speech, now)
        for index, voicing in enumerate(speech.sentences):
            if self._speech is not speech:
                return
            if not voicing.over and voicing.begun and 0 <= voicing.end <= played:
                voicing.over = True
                self._post_played(speech, played)
                self._post(SentencePlayed(speech.response, index))

    def _write_text(self, speech: _Speech) -> None:
        """A text session hears with the eye: a sentence is over when it has been sent."""
        index = len(speech.sentences) - 1
        text = speech.sentences[index].text
        self._begin_sentence(speech, index)
        self._post(SentenceVoiced(speech.response, index, 1, ((len(text), 1),)))
        self._post(PlayoutAdvanced(speech.response, index + 1))
        self._post(SentencePlayed(speech.response, index))
