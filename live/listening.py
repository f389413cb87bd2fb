"""The user's side: marks of speech to the machine, turns recognized and committed."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from conversation import commands as c
from conversation import events as e
from live import events as told
from live.core import Core
from live.ears import Ears
from live.history import Item, new_item_id
from live.mind import Mind
from live.stages import Stopwatch
from live.work import Work
from voice.audio import HEARING_RATE
from voice.recognition import Recognizer, RecognizerError
from voice.turn_detection import Continued, Mark, Paused, Silent, Started

RECOGNITION_TIMEOUT = 15.0
"""Seconds a recognizer may take before it counts as hung; under the machine's own limit."""

KEPT_TURNS = 16
"""Turns whose times wait for an answer to begin; the machine itself owes eight answers at most."""

TurnCommand: TypeAlias = (
    c.Transcribe
    | c.ReportSpeechStarted
    | c.ReportSpeechStopped
    | c.CommitTurn
    | c.KeepWords
    | c.DropTurn
)


@dataclass(slots=True)
class Heard:
    """A turn of the user's: its item, where its audio begins in the input, and its times.

    trouble: why its words are not known, "" while they may be.
    """

    item_id: str
    start_sample: int
    watch: Stopwatch = field(default_factory=Stopwatch)
    seconds: float = 0.0
    trouble: str = ""


class Listening:
    """Owns the ears and what is known of the turns that are open."""

    def __init__(self, core: Core, mind: Mind, work: Work) -> None:
        self._core = core
        self._mind = mind
        self._work = work
        self._turns: dict[int, Heard] = {}
        self._loaded = False
        self._speech_ended = 0.0
        self._silence = 0.0
        self._committed_to = 0
        self.ears = Ears(
            core.parts.activity, self._on_mark, lambda: core.post(e.Stirred()), core.is_echo
        )
        self.rest()

    def rest(self) -> None:
        """Nobody speaks: keep a little audio, or all of it where the client ends the turns."""
        self.ears.keep_from = self._committed_to if self._core.config.policy.manual else None

    @property
    def uncommitted_samples(self) -> int:
        """How much audio came since the last commit or clear."""
        return self.ears.recording.end - self._committed_to

    def watch(self, turn: int) -> Stopwatch | None:
        """The times of a committed turn, handed over once."""
        heard = self._turns.pop(turn, None)
        return heard.watch if heard is not None else None

    def clear(self) -> None:
        """Forgets audio that was not committed."""
        self._committed_to = self.ears.recording.end
        self._core.post(e.InputCleared())
        self.rest()

    def do(self, command: TurnCommand) -> None:
        """Carries out one of the machine's commands."""
        match command:
            case c.Transcribe(work, turn):
                self._work.start(work, self._transcribe(work, self._turn(turn)))
            case c.ReportSpeechStarted(turn, at_ms):
                self._core.tell(told.SpeechStarted(self._turn(turn).item_id, at_ms))
            case c.ReportSpeechStopped(turn, at_ms):
                self._core.tell(told.SpeechStopped(self._turn(turn).item_id, at_ms))
            case c.CommitTurn(turn, text):
                self._commit(turn, text)
            case c.KeepWords(turn, text):
                self._keep_words(turn, text)
            case c.DropTurn(turn):
                self._turns.pop(turn, None)
                self.rest()
            case _:
                assert_never(command)

    def _on_mark(self, mark: Mark) -> None:
        core = self._core
        match mark:
            case Started(at_sample):
                if self.ears.keep_from is None:
                    padding = core.config.prefix_padding_ms * HEARING_RATE // 1000
                    self.ears.keep_from = max(self._committed_to, at_sample - padding, 0)
                core.post(e.SpeechStarted(_ms(at_sample)))
            case Continued(samples):
                core.post(e.SpeechContinued(_ms(samples)))
            case Paused(at_sample, silence):
                now = asyncio.get_running_loop().time()
                self._speech_ended = now - silence / HEARING_RATE
                self._silence = silence / HEARING_RATE
                self._tell_load()
                core.post(e.SpeechPaused(_ms(at_sample), _ms(silence)))
            case Silent(silence):
                self._silence = silence / HEARING_RATE
                core.post(e.SilenceGrew(_ms(silence)))
            case _:
                assert_never(mark)

    def _tell_load(self) -> None:
        loaded = self._core.parts.loaded()
        if loaded is not self._loaded:
            self._loaded = loaded
            self._core.post(e.LoadChanged(loaded))

    def _turn(self, turn: int) -> Heard:
        if turn not in self._turns:
            start = self.ears.keep_from
            begins = self._committed_to if start is None else start
            self._turns[turn] = Heard(new_item_id(), begins)
            if len(self._turns) > KEPT_TURNS:  # turns that nobody answered
                del self._turns[next(iter(self._turns))]
        return self._turns[turn]

    def _recognizer(self) -> Recognizer:
        recognizers = self._core.parts.recognizers
        return recognizers.get(self._core.config.transcription_model, recognizers[""])

    async def _transcribe(self, work: int, heard: Heard) -> None:
        core, loop = self._core, asyncio.get_running_loop()
        began = loop.time()
        heard.watch.speech_ended = self._speech_ended
        config = core.config
        utterance = self.ears.utterance(
            heard.start_sample, config.transcription_prompt, config.language
        )
        heard.seconds = len(utterance.samples) / HEARING_RATE
        heard.trouble = ""
        try:
            async with asyncio.timeout(RECOGNITION_TIMEOUT):
                recognition = await self._recognizer().recognize(utterance)
        except (RecognizerError, TimeoutError) as error:
            reason = str(error) or "the recognizer did not answer in time"
            core.log.warning("recognition_failed", item=heard.item_id, reason=reason)
            self._failed(work, heard, reason)
            return
        except Exception:
            core.log.exception("recognition_failed", item=heard.item_id)
            self._failed(work, heard, "the recognizer is broken")
            return
        heard.watch.durations["recognition"] = loop.time() - began
        text = recognition.text
        if text:
            core.tell(told.InterimWords(heard.item_id, text))
        complete = self._mind.completeness(text)
        backchannel = not self._mind.wants_the_floor(text)
        core.post(e.WordsHeard(work, text, complete, backchannel))

    def _failed(self, work: int, heard: Heard, reason: str) -> None:
        heard.trouble = reason
        self._core.post(e.RecognitionFailed(work, reason))

    def _commit(self, turn: int, text: str | None) -> None:
        core, heard = self._core, self._turn(turn)
        heard.watch.turn_ended = asyncio.get_running_loop().time()
        heard.watch.silence = self._silence
        item = Item(
            heard.item_id,
            "user",
            text or "",
            spoken=True,
            audio_ms=round(heard.seconds * 1000),
        )
        previous = core.history.add(item)
        core.tell(told.TurnCommitted(item, previous))
        self._committed_to = self.ears.recording.end
        self.rest()
        if text is not None:
            core.remember(item)
            self._tell_words(heard, text)

    def _keep_words(self, turn: int, text: str) -> None:
        core, heard = self._core, self._turn(turn)
        item = core.history.replace(heard.item_id, text=text)
        core.remember(item)
        self._tell_words(heard, text)
        self._turns.pop(turn, None)

    def _tell_words(self, heard: Heard, text: str) -> None:
        if heard.trouble:
            self._core.tell(told.TranscriptionFailed(heard.item_id, heard.trouble))
        else:
            self._core.tell(told.Transcribed(heard.item_id, text, heard.seconds))

    def commit_silence(self) -> None:
        """Nobody has spoken for the idle time-out: the silence becomes an item, as the protocol
        has it."""
        item = Item(new_item_id(), "user", spoken=True)
        previous = self._core.history.add(item)
        self._committed_to = self.ears.recording.end
        self.rest()
        self._core.tell(told.IdleTimedOut(item, previous))


def _ms(samples: int) -> int:
    return samples * 1000 // HEARING_RATE
