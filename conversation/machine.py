"""The conversation machine: events and their times in, commands out.

Pure: no I/O, no clock, no randomness. The same events at the same times give the same commands,
so a recorded conversation replays exactly (DESIGN §2).
"""

from collections.abc import Callable
from typing import assert_never

from conversation import events as e
from conversation.commands import Command, Ending, ReportFloor, ReportIdle
from conversation.floor import TRANSITIONS, Floor, IllegalTransitionError
from conversation.listening import Listening
from conversation.policy import UNANSWERED_LIMIT, TurnPolicy
from conversation.prompting import Prompting
from conversation.prompts import Priority, Waiting
from conversation.responses import OfSilence, ToRequest
from conversation.speaking import Speaking
from conversation.state import Owed, State


class Conversation:
    """One conversation. Times are seconds on the caller's monotonic clock.

    >>> conversation = Conversation(TurnPolicy(), now=0.0)
    >>> conversation.handle(e.SpeechStarted(at_ms=0), now=0.1)
    [ReportSpeechStarted(turn=1, at_ms=0), ReportFloor(floor=<Floor.LISTENING: 'listening'>)]
    """

    def __init__(
        self,
        policy: TurnPolicy,
        now: float,
        on_floor: Callable[[Floor, Floor], None] | None = None,
    ) -> None:
        self._state = State(policy, now, quiet_since=now)
        self._prompting = Prompting(self._state)
        self._speaking = Speaking(self._state, self._prompting)
        self._listening = Listening(self._state, self._speaking)
        self._on_floor = on_floor

    @property
    def floor(self) -> Floor:
        """Who has the floor."""
        return self._state.floor

    @property
    def responding(self) -> bool:
        """An answer or a requested response is being made or spoken, or a requested one waits for
        the floor; prompts do not count."""
        response = self._state.response
        return (response is not None and response.prompt is None) or self.requested

    @property
    def requested(self) -> bool:
        """A response that the client asked for waits for the floor."""
        return any(
            isinstance(item, Owed) and isinstance(item.origin, ToRequest)
            for item in self._state.pending
        )

    def handle(self, event: e.Event, now: float) -> list[Command]:
        """Takes in what happened at `now` and returns what is to be done, in order."""
        state = self._state
        state.now = max(state.now, now)
        if not state.closed:
            self._dispatch(event)
            self._settle()
        elif isinstance(event, e.PromptOffered | e.PromptGranted):
            self._dispatch(event)  # nothing is lost silently, even if it comes too late
        commands, state.commands = state.commands, []
        return commands

    def next_deadline(self) -> float | None:
        """When to send a `Tick` if nothing else happens; None for never."""
        if self._state.closed:
            return None
        times = self._listening.deadlines() + self._speaking.deadlines()
        times += self._prompting.deadlines()
        idle_at = self._idle_at()
        if idle_at is not None:
            times.append(idle_at)
        return min((t for t in times if t > self._state.now and t != float("inf")), default=None)

    def _dispatch(self, event: e.Event) -> None:
        if not (self._from_ears(event) or self._from_work(event)):
            self._from_outside(event)

    def _from_ears(self, event: e.Event) -> bool:
        listening = self._listening
        match event:
            case e.SpeechStarted(at_ms):
                listening.speech_started(at_ms)
            case e.SpeechContinued(speech_ms):
                listening.speech_continued(speech_ms)
            case e.SpeechPaused(at_ms, silence_ms):
                listening.speech_paused(at_ms, silence_ms)
            case e.SilenceGrew(silence_ms):
                listening.silence_grew(silence_ms)
            case e.Stirred():
                listening.stirred()
            case e.WordsHeard(work, text, completeness, backchannel):
                listening.words_heard(work, text, completeness, backchannel)
            case e.RecognitionFailed(work, reason):
                listening.recognition_failed(work, reason)
            case _:
                return False
        return True

    def _from_work(self, event: e.Event) -> bool:
        listening, speaking = self._listening, self._speaking
        match event:
            case e.SentenceReady(work, text):
                if not listening.early_sentence(work, text):
                    speaking.sentence_ready(work, text)
            case e.AnswerFinished(work, awaits_client):
                if not listening.early_finished(work, awaits_client):
                    speaking.answer_finished(work, awaits_client)
            case e.AnswerWentOn(work):
                speaking.answer_went_on(work)
            case e.SentenceVoiced(response, sentence, ms, marks):
                speaking.voiced(response, sentence, ms, marks)
            case e.SentenceBegun(response, sentence):
                speaking.begun(response, sentence)
            case e.SentencePlayed(response, sentence):
                speaking.played(response, sentence)
            case e.PlayoutAdvanced(response, played_ms):
                speaking.advanced(response, played_ms)
            case _:
                return False
        return True

    def _from_outside(self, event: e.Event) -> None:
        state = self._state
        match event:
            case e.PromptOffered(prompt):
                self._prompting.offer(prompt)
            case e.PromptWithdrawn(prompt_id, cut):
                is_spoken = self._prompting.withdraw(prompt_id)
                if is_spoken and cut:
                    self._speaking.stop(Ending.CANCELLED)
            case e.PromptGranted(prompt_id):
                waiting = self._prompting.granted(prompt_id)
                if waiting is not None:
                    self._begin_prompt(waiting)
            case e.PromptRefused(prompt_id):
                self._prompting.refused(prompt_id)
            case e.ResponseRequested(request):
                self._respond(request)
            case e.ResponseCancelled():
                self._speaking.stop(Ending.CANCELLED)
                self._speaking.drop_rests()
            case e.InputCommitted():
                self._listening.commit()
            case e.InputCleared():
                self._listening.clear()
            case e.PolicyChanged(policy):
                state.policy = policy
                self._listening.policy_changed()
            case e.LoadChanged(loaded):
                state.loaded = loaded
            case e.SessionClosed():
                self._close()
            case e.Tick():
                pass
            case (
                e.SpeechStarted()
                | e.SpeechContinued()
                | e.SpeechPaused()
                | e.SilenceGrew()
                | e.Stirred()
                | e.WordsHeard()
                | e.RecognitionFailed()
                | e.SentenceReady()
                | e.AnswerFinished()
                | e.AnswerWentOn()
                | e.SentenceVoiced()
                | e.SentenceBegun()
                | e.SentencePlayed()
                | e.PlayoutAdvanced()
            ):
                raise AssertionError("handled before")
            case _:
                assert_never(event)

    def _begin_prompt(self, waiting: Waiting) -> None:
        """Takes the floor for a prompt; what it displaces (only by a critical one) is parked."""
        if self._state.response is not None:
            self._speaking.stop(Ending.PARKED, park=True)
        self._speaking.say(waiting)

    def _respond(self, request: int) -> None:
        """Rule 5: a prompt steps aside for what the client asks for, unless it is critical.

        What is asked for is said before anything else, so the rests of earlier answers are
        dropped. A person may have typed, so it counts as an answer to prompts (rule 8), except
        right after an idle report, where it is the client's own reply to that.
        """
        state = self._state
        state.client_until = 0.0
        if not state.idle_reported:
            state.unanswered = 0
        state.idle_reported = False
        prompt = state.response.prompt if state.response is not None else None
        if prompt is not None and prompt.prompt.priority is not Priority.CRITICAL:
            self._speaking.stop(Ending.PARKED)
            self._listening.floor_was_freed()
        self._speaking.drop_rests()
        self._speaking.answer(Owed(ToRequest(request)))

    def _settle(self) -> None:
        """Everything that follows from where things stand now."""
        if self._state.closed:
            return
        self._listening.give_up_if_late()
        self._speaking.give_up_if_stuck()
        self._prompting.give_up_if_late()
        self._go_on()
        if self._prompting.choose() is not None and self._speaking.stop_after_sentence():
            self._go_on()
            self._prompting.choose()
        self._report_idle()

    def _go_on(self) -> None:
        """Ends what is over, and begins what has waited for that."""
        self._speaking.finish()
        if self._state.response is None:
            self._listening.floor_was_freed()
            if self._state.pending and not self._prompting.presses:
                self._speaking.start_pending()
        self._move()

    def _move(self) -> None:
        """The floor follows from who is doing what."""
        state, response = self._state, self._state.response
        if response is not None:
            said = response.begun >= 0 or response.prompt is not None
            floor = Floor.SPEAKING if said else Floor.THINKING
        elif state.user_holds_floor:
            floor = Floor.LISTENING
        else:
            floor = Floor.THINKING if state.pending else Floor.IDLE
        if floor is state.floor:
            return
        if (state.floor, floor) not in TRANSITIONS:
            raise IllegalTransitionError(f"{state.floor.value} -> {floor.value}")
        if self._on_floor is not None:
            self._on_floor(state.floor, floor)
        if floor is Floor.IDLE:
            state.quiet_since = state.now
        state.floor = floor
        state.emit(ReportFloor(floor))

    def _idle_at(self) -> float | None:
        state = self._state
        timeout_ms = state.policy.idle_timeout_ms
        if timeout_ms is None or not state.idle_armed or state.floor is not Floor.IDLE:
            return None
        if state.user_active or state.unanswered >= UNANSWERED_LIMIT:
            return None
        # While the client runs a function it is not the user who is silent.
        return max(state.quiet_since + timeout_ms / 1000, state.client_until)

    def _report_idle(self) -> None:
        """Rule 8. The agent takes the word itself, unless responses are the client's to ask for."""
        state, idle_at = self._state, self._idle_at()
        if idle_at is None or state.now < idle_at:
            return
        state.idle_armed = False
        state.idle_reported = not state.policy.create_response
        state.unanswered += 1
        state.emit(ReportIdle())
        if state.policy.create_response:
            self._speaking.answer(Owed(OfSilence()))
            self._move()

    def _close(self) -> None:
        state = self._state
        state.closed = True
        self._speaking.stop(Ending.CANCELLED)
        self._speaking.drop_rests()
        state.pending.clear()
        self._listening.close()
        self._prompting.close()
        self._move()
