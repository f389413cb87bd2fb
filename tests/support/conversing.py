"""A person, a recognizer, a mind, a mouth and prompt claims around the bare machine.

All in virtual time: hours in milliseconds, the same every time. Microphone frames go through the
real `TurnDetector`; everything else is played here, as plainly as it can be.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from conversation import Completeness, Conversation, Floor, TurnPolicy
from conversation import commands as c
from conversation import events as e
from conversation.policy import CLIENT_STOPPED_SENDING
from conversation.prompts import OnBargeIn, Priority, Prompt
from conversation.responses import OfPrompt, OfSilence, ToRequest, ToTurn
from live.driving import MAY_STOP_SPEECH
from tests.support.floor_rules import FloorRules
from voice.audio import HEARING_RATE
from voice.turn_detection import Continued, Mark, Paused, Silent, Started, TurnDetector
from voice.vad import FRAME_SAMPLES

FRAME_MS = FRAME_SAMPLES * 1000 // HEARING_RATE
CHAR_MS = 60
"""How long a character of a sentence sounds."""
STEP_MS = 20
LEAD_MS = 80

BACKCHANNELS = {"mm-hm", "right"}
Kind = TypeVar("Kind", bound=c.Command)


@dataclass
class Utterance:
    """What the user says, and from when to when, in ms of microphone audio."""

    text: str
    begin: int
    end: int
    completeness: Completeness

    def words_until(self, ms: int) -> str:
        """Those said by then."""
        words = self.text.split()
        share = min(1.0, max(0, ms - self.begin) / max(1, self.end - self.begin))
        return " ".join(words[: int(share * len(words) + 0.01)])


@dataclass
class Speech:
    """A response in the mouth. Times in ms of its own audio."""

    id: int
    prompt: str | None
    sentences: list[str] = field(default_factory=list)
    sent: int = 0
    played: int = 0
    begun: int = 0
    over: int = 0
    paused: bool = False
    stop_after: int | None = None

    def end(self, sentence: int) -> int:
        return sum(len(text) * CHAR_MS for text in self.sentences[: sentence + 1])

    @property
    def heard(self) -> str:
        """The words the listener has heard whole."""
        heard: list[str] = []
        at = 0
        for text in self.sentences:
            for word in text.split(" "):
                at += (len(word) + 1) * CHAR_MS
                if at - CHAR_MS > self.played:
                    return " ".join(heard)
                heard.append(word)
            at -= CHAR_MS
        return " ".join(heard)


class Conversing:
    """One conversation. Delays of the parts are in ms; a part set to None never replies.

    answers: sentences by what the user said; else it is repeated.
    heard: the user's turns as committed. said: what is remembered of each response, with how it
    ended. floors: whose the floor was, from the start. spoken_over: prompts that began while the
    user spoke. prompts_begun: when each was begun, or begun again.
    """

    def __init__(
        self,
        policy: TurnPolicy | None = None,
        *,
        recognition_ms: int | None = 40,
        answer_ms: int | None = 80,
        claim_ms: int | None = 5,
    ) -> None:
        self.policy = policy or TurnPolicy()
        self.now = 0.0
        self.machine = Conversation(self.policy, 0.0)
        self.rules = FloorRules()
        self.recognition_ms, self.answer_ms, self.claim_ms = recognition_ms, answer_ms, claim_ms
        self.recognizer_fails = self.mind_fails = self.awaits_client = False
        self.refuses: set[str] = set()
        self.answers: dict[str, list[str]] = {}
        self.events: list[tuple[float, e.Event]] = []
        self.log: list[tuple[float, c.Command]] = []
        self.steps: list[tuple[float, e.Event, list[c.Command]]] = []
        self.heard: list[str] = []
        self.said: list[tuple[str, c.Ending]] = []
        self.spoken_over: dict[str, Priority] = {}
        self.prompts_begun: list[tuple[float, str]] = []
        self.floors: list[Floor] = [Floor.IDLE]
        self.ticks = 0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._detector = TurnDetector()
        self._mic_ms = 0
        self._heard_at = 0.0
        self._buffer_from = 0
        self._turn_from: dict[int, int] = {}
        self._utterances: list[Utterance] = []
        self._speech: Speech | None = None
        self._reported_at = 0.0
        self._requests = 0
        self._closed = False
        self._at(STEP_MS, self._play)

    # The user

    def user_says(
        self, text: str, ms: int = 900, then: Completeness = Completeness.COMPLETE
    ) -> None:
        """Speaks for so long; nothing follows by itself."""
        begin = self._mic_ms
        self._utterances.append(Utterance(text, begin, begin + ms, then))
        self._mic(ms, speech=True)

    def user_coughs(self, ms: int = 200) -> None:
        """Makes a sound without words."""
        self._mic(ms, speech=True)

    def silence(self, ms: int) -> None:
        """The microphone hears nothing."""
        self._mic(ms, speech=False)

    def no_audio(self, ms: int) -> None:
        """The client sends nothing."""
        self._run_until(self.now + ms / 1000)

    @property
    def user_is_speaking(self) -> bool:
        """As far as the ears can tell."""
        return self._detector.speaking

    @property
    def _hears_now(self) -> bool:
        return self.now < self._heard_at + CLIENT_STOPPED_SENDING

    # The client

    def requests_response(self) -> int:
        """`response.create`."""
        self._requests += 1
        self.post(e.ResponseRequested(self._requests))
        return self._requests

    def changes_policy(self, policy: TurnPolicy) -> None:
        """`session.update`."""
        self.policy = policy
        self.post(e.PolicyChanged(policy))

    def later(self, in_ms: float, act: Callable[[], None]) -> None:
        """Something happens then, whatever the user does."""
        self._at(in_ms, act)

    def closes(self) -> None:
        """The session ends."""
        self.post(e.SessionClosed())
        self._closed = True

    def offer(
        self,
        prompt_id: str,
        *sentences: str,
        priority: Priority = Priority.NORMAL,
        due_in: float = 0.0,
        expires_in: float = float("inf"),
        on_barge_in: OnBargeIn = OnBargeIn.RESUME,
        attempts: int = 2,
        quiet: float = 0.0,
    ) -> None:
        """Something is to be said first. Times in seconds from now."""
        due, expires = self.now + due_in, self.now + expires_in
        sentences = sentences or (f"This is prompt {prompt_id}.",)
        prompt = Prompt(prompt_id, sentences, priority, due, expires, on_barge_in, attempts, quiet)
        self.post(e.PromptOffered(prompt))

    # What can be looked at afterwards

    @property
    def floor(self) -> Floor:
        return self.machine.floor

    @property
    def texts(self) -> list[str]:
        """What is remembered of what the agent said."""
        return [text for text, _ in self.said]

    @property
    def reports(self) -> dict[str, str]:
        """Each prompt's end."""
        return {report.prompt_id: report.outcome.value for report in self.rules.reports}

    def all(self, kind: type[Kind]) -> list[Kind]:
        """The commands of one kind."""
        return [command for _, command in self.log if isinstance(command, kind)]

    def time_of(self, kind: type[c.Command], index: int = -1) -> float:
        """When the first (0) or last (-1) command of that kind was given, in seconds."""
        return [at for at, command in self.log if isinstance(command, kind)][index]

    def until_said(self, characters: int, limit_ms: int = 20_000) -> None:
        """Silence until so many characters of the current response were heard."""
        for _ in range(limit_ms // FRAME_MS):
            if self._speech is not None and self._speech.played >= characters * CHAR_MS:
                return
            self.silence(FRAME_MS)
        raise AssertionError("the agent never said so much")

    def until_quiet(self, limit_ms: int = 60_000) -> None:
        """Silence until nobody has the floor."""
        for _ in range(limit_ms // FRAME_MS):
            self.silence(FRAME_MS)
            if self.floor is Floor.IDLE and not self.machine.responding:
                return
        raise AssertionError(f"still {self.floor}")

    # Time

    def post(self, event: e.Event) -> None:
        """An event reaches the machine, and its commands are carried out."""
        if isinstance(event, MAY_STOP_SPEECH):
            self._report_position()
        self._handle(event)

    def _handle(self, event: e.Event) -> None:
        self.events.append((self.now, event))
        commands = self.machine.handle(event, self.now)
        self.steps.append((self.now, event, commands))
        self.rules.check(self.machine, event, self.now, commands)
        for command in commands:
            self.log.append((self.now, command))
            self._do(command)

    def _at(self, in_ms: float, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._agenda, (self.now + in_ms / 1000, self._order, act))

    def _run_until(self, end: float) -> None:
        while True:
            deadline = self.machine.next_deadline()
            first = self._agenda[0][0] if self._agenda else float("inf")
            if deadline is not None and deadline < min(first, end):
                self.now = deadline
                self.ticks += 1
                self.post(e.Tick())
            elif first <= end:
                at, _, act = heapq.heappop(self._agenda)
                self.now = max(self.now, at)
                act()
            else:
                self.now = end
                return

    def _mic(self, ms: int, *, speech: bool) -> None:
        for _ in range(round(ms / FRAME_MS)):
            self._run_until(self.now + FRAME_MS / 1000)
            self._mic_ms += FRAME_MS
            self._heard_at = self.now
            mark = self._detector.feed(0.95 if speech else 0.02, threshold=0.5)
            if mark is not None:
                self.post(_event_of(mark))

    # The recognizer and the mind

    def _transcribe(self, work: int, turn: int) -> None:
        begin = self._turn_from.setdefault(turn, self._buffer_from)
        said = [
            (u, words)
            for u in self._utterances
            if u.end > begin and (words := u.words_until(self._mic_ms))
        ]
        text = " ".join(words for _, words in said)
        completeness = said[-1][0].completeness if said else Completeness.UNSURE
        if self.recognition_ms is None:
            return
        result: e.Event = e.WordsHeard(work, text, completeness, text in BACKCHANNELS)
        if self.recognizer_fails:
            result = e.RecognitionFailed(work, "out of order")
        self._at(self.recognition_ms, lambda: self.post(result))

    def _answer(self, command: c.Answer) -> None:
        if self.answer_ms is None:
            return
        match command.origin:
            case ToTurn():
                default = f"You said: {command.text}."
            case ToRequest(request):
                default = f"This is response {request}."
            case OfSilence():
                default = f"Are you still there, {command.work}?"
            case OfPrompt():
                raise AssertionError("prompts have their words")
            case _:
                assert_never(command.origin)
        sentences = self.answers.get(command.text, [default])
        if command.trouble:
            sentences = ["I could not hear you."]
        if self.mind_fails:
            sentences = []
        work, awaits = command.work, self.awaits_client
        for index, text in enumerate(sentences):
            ready = e.SentenceReady(work, text)
            self._at(self.answer_ms * (index + 1), lambda ready=ready: self.post(ready))
        last_ms = self.answer_ms * max(1, len(sentences))
        self._at(last_ms, lambda: self.post(e.AnswerFinished(work, awaits)))

    # The mouth

    def _speak(self, text: str) -> None:
        speech = self._speech
        assert speech is not None
        index = len(speech.sentences)
        speech.sentences.append(text)
        marks, at = [], 0
        for word in text.split(" "):
            at += len(word)
            marks.append((at, at * CHAR_MS))
            at += 1
        voiced = e.SentenceVoiced(speech.id, index, len(text) * CHAR_MS, tuple(marks))
        self._at(0, lambda: self.post(voiced))

    def _play(self) -> None:
        self._at(STEP_MS, self._play)
        speech = self._speech
        if speech is None:
            return
        last = len(speech.sentences) - 1 if speech.stop_after is None else speech.stop_after
        speech.played = min(speech.played + STEP_MS, speech.sent)
        if not speech.paused:
            speech.sent = max(speech.sent, min(speech.end(last), speech.played + LEAD_MS))
        while speech.begun < len(speech.sentences) and speech.sent > speech.end(speech.begun - 1):
            speech.begun += 1
            self._handle(e.SentenceBegun(speech.id, speech.begun - 1))
        while speech.over < speech.begun and speech.played >= speech.end(speech.over):
            speech.over += 1
            self._report_position()
            self._handle(e.SentencePlayed(speech.id, speech.over - 1))
            if self._speech is not speech:
                return
        if self.now >= self._reported_at + 0.1:
            self._reported_at = self.now
            self._report_position()

    def _report_position(self) -> None:
        if self._speech is not None and self._speech.sent:
            self._handle(e.PlayoutAdvanced(self._speech.id, self._speech.played))

    # Commands

    def _do(self, command: c.Command) -> None:
        match command:
            case c.Transcribe(work, turn):
                self._transcribe(work, turn)
            case c.Answer():
                self._answer(command)
            case c.CommitTurn(turn, text):
                self._turn_from.setdefault(turn, self._buffer_from)
                self._buffer_from = self._mic_ms
                if text is not None:
                    self.heard.append(text)
            case c.KeepWords(_, text):
                self.heard.append(text)
            case c.DropTurn():
                self._buffer_from = self._mic_ms
            case c.ClaimPrompt(prompt_id):
                self._claim(prompt_id)
            case c.ReportFloor(floor):
                self.floors.append(floor)
            case _:
                self._do_speech(command)

    def _do_speech(self, command: c.Command) -> None:
        speech = self._speech
        match command:
            case c.BeginResponse(response, origin):
                prompt = origin.prompt_id if isinstance(origin, OfPrompt) else None
                self._speech = Speech(response, prompt)
                if prompt is not None:
                    self.prompts_begun.append((self.now, prompt))
                if prompt is not None and self.user_is_speaking and self._hears_now:
                    self.spoken_over[prompt] = self.rules.priorities[prompt]
            case c.Speak(_, _, text):
                self._speak(text)
            case c.PauseSpeech() if speech is not None:
                speech.paused = True
            case c.ResumeSpeech() if speech is not None:
                speech.paused = False
            case c.StopAfter(_, sentence) if speech is not None:
                speech.stop_after = sentence
            case c.Truncate(_, played_ms, text) if speech is not None:
                assert played_ms == speech.played
                off = abs(len(text.split()) - len(speech.heard.split()))
                assert off <= 2, f"kept {text!r}, heard {speech.heard!r}"
            case c.EndResponse(_, ending, text):
                self.said.append((text, ending))
                self._speech = None

    def _claim(self, prompt_id: str) -> None:
        if self.claim_ms is not None:
            refused = prompt_id in self.refuses
            reply = e.PromptRefused(prompt_id) if refused else e.PromptGranted(prompt_id)
            self._at(self.claim_ms, lambda: self.post(reply))


def _event_of(mark: Mark) -> e.Event:
    match mark:
        case Started(at_sample):
            return e.SpeechStarted(_ms(at_sample))
        case Continued(samples):
            return e.SpeechContinued(_ms(samples))
        case Paused(at_sample, silence):
            return e.SpeechPaused(_ms(at_sample), _ms(silence))
        case Silent(silence):
            return e.SilenceGrew(_ms(silence))
        case _:
            assert_never(mark)


def _ms(samples: int) -> int:
    return samples * 1000 // HEARING_RATE


def replay(policy: TurnPolicy, events: list[tuple[float, e.Event]]) -> list[c.Command]:
    """The commands a fresh machine gives for the same events at the same times."""
    machine = Conversation(policy, 0.0)
    return [command for now, event in events for command in machine.handle(event, now)]
