"""What must hold of the conversation machine after every event, whoever drives it.

Watches commands from outside and remembers by itself; asks the machine only for its floor and its
next deadline. Sentences and words must be unique texts, so that what was said can be traced to
the work it came from.
"""

from dataclasses import dataclass, field

from conversation import Conversation, Floor
from conversation import commands as c
from conversation import events as e
from conversation.floor import TRANSITIONS
from conversation.policy import UNANSWERED_LIMIT
from conversation.prompts import Priority
from conversation.responses import OfPrompt, OfSilence


@dataclass
class Said:
    """A response as commanded."""

    id: int
    spoken: list[str] = field(default_factory=list)
    paused: bool = False
    stop_after: int | None = None
    truncated: str | None = None


class FloorRules:
    """Call `check` with everything that goes in and comes out."""

    def __init__(self) -> None:
        self.floor = Floor.IDLE
        self.current: Said | None = None
        self.begun_prompts: list[str] = []
        self.priorities: dict[str, Priority] = {}
        self.open_prompts: set[str] = set()
        self.reports: list[c.ReportPrompt] = []
        self.dropped: set[int] = set()
        self.works: set[int] = set()
        self.ended: set[int] = set()
        self.early: dict[int, int] = {}
        self.came_from: dict[str, set[int]] = {}
        self.committed: dict[int, str | None] = {}
        self.forgotten: set[int] = set()
        self.sounding: set[int] = set()
        self.manual = False
        self.reminders = 0

    def check(
        self, machine: Conversation, event: e.Event, now: float, commands: list[c.Command]
    ) -> None:
        """Raises AssertionError for the first rule that is broken."""
        self._note(event)
        for command in commands:
            self._speech(command)
            self._prompt(command)
            self._work(command)
            self._turn(command)
            self._silence(command)
            if isinstance(command, c.ReportFloor):
                assert (self.floor, command.floor) in TRANSITIONS
                self.floor = command.floor
        assert machine.floor is self.floor
        deadline = machine.next_deadline()
        assert deadline is None or deadline > now, f"deadline {deadline} at {now}"
        if self.current is None:
            assert self.floor is not Floor.SPEAKING
        else:
            assert self.floor in (Floor.SPEAKING, Floor.THINKING)

    @property
    def running(self) -> set[int]:
        """Work that has neither ended nor been dropped; none when the session is closed."""
        return self.works - self.dropped - self.ended

    def _note(self, event: e.Event) -> None:
        match event:
            case e.AnswerFinished(work) | e.RecognitionFailed(work):
                self.ended.add(work)
            case e.PromptOffered(prompt):
                if prompt.id not in self.open_prompts:
                    self.open_prompts.add(prompt.id)
                    self.priorities[prompt.id] = prompt.priority
            case e.PolicyChanged(policy):
                self.manual = policy.manual
            case e.ResponseRequested():
                self.reminders = 0
            case e.SentenceReady(work, text) | e.WordsHeard(work, text):
                self.came_from.setdefault(text, set()).add(work)
                if isinstance(event, e.WordsHeard):
                    self.ended.add(work)

    def _speech(self, command: c.Command) -> None:
        said = self.current
        match command:
            case c.BeginResponse(response, origin):
                assert said is None, f"{response} begins while {said} is being said"
                self.current = Said(response)
                if isinstance(origin, OfPrompt):
                    self._prompt_begins(origin.prompt_id)
            case c.Speak(response, sentence, text):
                assert said is not None
                assert said.id == response
                assert sentence == len(said.spoken)
                assert said.stop_after is None
                self._wanted(text)
                said.spoken.append(text)
            case c.PauseSpeech(response):
                assert said is not None
                assert (said.id, said.paused) == (response, False)
                said.paused = True
            case c.ResumeSpeech(response):
                assert said is not None
                assert (said.id, said.paused) == (response, True)
                said.paused = False
            case c.StopAfter(response, sentence):
                assert said is not None
                assert said.id == response
                assert 0 <= sentence < len(said.spoken)
                said.stop_after = sentence
            case c.StopSpeech(response):
                assert said is not None
                assert said.id == response
            case c.Truncate(response, _, text):
                assert said is not None
                assert said.id == response
                said.truncated = text
            case c.EndResponse(response, _, text):
                assert said is not None
                assert said.id == response
                assert " ".join(said.spoken).startswith(text)
                assert said.truncated in (None, text)
                self.current = None

    def _prompt_begins(self, prompt_id: str) -> None:
        assert prompt_id in self.open_prompts
        self.begun_prompts.append(prompt_id)
        if self.priorities[prompt_id] is not Priority.CRITICAL:
            assert self.floor is not Floor.LISTENING, f"{prompt_id} begins over the user"
            if not self.manual:
                assert not self.sounding, f"{prompt_id} begins while a turn is open"

    def _prompt(self, command: c.Command) -> None:
        match command:
            case c.ReportPrompt(prompt_id):
                assert prompt_id in self.open_prompts, f"{prompt_id} is reported twice"
                self.open_prompts.discard(prompt_id)
                self.reports.append(command)
            case c.ClaimPrompt(prompt_id):
                assert prompt_id in self.open_prompts

    def _work(self, command: c.Command) -> None:
        match command:
            case c.Answer(work, _, _, early):
                self._new_work(work)
                if early:
                    turn = getattr(command.origin, "turn")  # noqa: B009 - only turns are early
                    self.early[work] = turn
            case c.Transcribe(work):
                self._new_work(work)
            case c.DropWork(work):
                assert work in self.works
                self.dropped.add(work)
            case c.AdoptAnswer(work):
                assert work not in self.dropped
                assert self.early[work] in self.committed, "adopted before its turn has ended"
            case c.BeginResponse(_, _, work):
                assert work not in self.dropped

    def _new_work(self, work: int) -> None:
        assert work not in self.works
        self.works.add(work)

    def _turn(self, command: c.Command) -> None:
        match command:
            case c.ReportSpeechStarted(turn):
                assert turn not in self.committed
                assert turn not in self.sounding, "started twice"
                self.sounding.add(turn)
            case c.ReportSpeechStopped(turn):
                assert turn in self.sounding, "stopped, but never started"
                self.sounding.discard(turn)
            case c.CommitTurn(turn, text):
                assert turn not in self.committed
                assert turn not in self.forgotten
                self.committed[turn] = text
                self._kept(text)
            case c.KeepWords(turn, text):
                assert self.committed[turn] is None
                self.committed[turn] = text
                self._kept(text)
            case c.DropTurn(turn):
                assert turn not in self.committed
                self.forgotten.add(turn)

    def _silence(self, command: c.Command) -> None:
        """Rule 8: nobody is reminded over somebody's words, nor a third time."""
        match command:
            case c.CommitTurn():
                self.reminders = 0
            case c.ReportIdle():
                assert self.floor is Floor.IDLE
                assert self.manual or not self.sounding
                self.reminders += 1
                assert self.reminders <= UNANSWERED_LIMIT
            case c.BeginResponse(_, OfSilence()):
                assert self.reminders

    def _kept(self, text: str | None) -> None:
        if text:
            self._wanted(text)

    def _wanted(self, text: str) -> None:
        """Prompts apart, every text came from work; one that was not dropped must be among it."""
        works = self.came_from.get(text)
        assert works is None or not works <= self.dropped, f"{text} was dropped"
