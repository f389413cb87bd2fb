"""The user's side: turns open, are recognized, and are watched for their end."""

from dataclasses import replace

from conversation.commands import Answer, CommitTurn, DropWork, KeepWords, Transcribe
from conversation.completeness import Completeness
from conversation.endings import Endings
from conversation.policy import (
    CERTAIN_INTERRUPTION_SPEECH_MS,
    CLIENT_RESPONSE_WAIT,
    CLIENT_STOPPED_SENDING,
    INTERRUPTION_SPEECH_MS,
    OVERLAP_DECISION,
    STIR,
    UTTERANCE_LIMIT_MS,
    WORK_TIMEOUT,
)
from conversation.prompts import Priority
from conversation.responses import ToRequest, ToTurn
from conversation.speaking import Speaking
from conversation.state import Owed, State
from conversation.turns import ACTIVITY_MS, Mode, Turn


class Listening:
    """Owns the open turn. There is one at a time."""

    def __init__(self, state: State, speaking: Speaking) -> None:
        self._state = state
        self._speaking = speaking
        self._endings = Endings(state, speaking)
        self._stretch_at_ms = 0

    # What the ears tell

    def speech_started(self, at_ms: int) -> None:
        """Opens a turn, or goes on with the one that is open."""
        self._stretch_at_ms = at_ms
        self._state.speech_until = self._state.now + CLIENT_STOPPED_SENDING
        turn = self._state.turn
        if turn is None:
            self._open(at_ms)
        elif not turn.forced:
            turn.stretch_ms = 0
            self._goes_on(turn)

    def speech_continued(self, stretch_ms: int) -> None:
        """Counts speech; enough of it is an interruption, too much of it is cut.

        Speech that goes on after its turn has ended (committed, cleared, too long) opens another.
        """
        self._state.speech_until = self._state.now + CLIENT_STOPPED_SENDING
        turn = self._state.turn
        if turn is None:
            turn = self._open(self._stretch_at_ms + stretch_ms)
            turn.stretch_ms = stretch_ms
        turn.audio_at = self._state.now
        if turn.forced:
            return
        if not turn.speaking:  # the client had stopped sending in the middle of it
            self._goes_on(turn)
        turn.speech_ms += max(0, stretch_ms - turn.stretch_ms)
        turn.stretch_ms = max(stretch_ms, turn.stretch_ms)
        turn.end_ms = self._stretch_at_ms + stretch_ms
        if turn.mode is Mode.OVERLAP:
            self._consider_interruption(turn)
        if turn.speech_ms >= UTTERANCE_LIMIT_MS and not self._state.policy.manual:
            self._endings.force(turn)

    def speech_paused(self, at_ms: int, silence_ms: int) -> None:
        """Starts to recognize at once: speak late, work early."""
        self._state.speech_until = self._state.now
        turn = self._state.turn
        if turn is None or turn.forced:
            return
        turn.speaking = False
        turn.end_ms = at_ms
        self._endings.drop_work(turn)  # recognition in the middle of it lacks its end
        turn.transcribing = None
        self.silence_grew(silence_ms)

    def silence_grew(self, silence_ms: int) -> None:
        """Silence is counted in audio; the turn ends when there is enough of it."""
        self._state.speech_until = self._state.now
        turn = self._state.turn
        if turn is None or turn.speaking:
            return
        turn.audio_at = self._state.now
        turn.silence_ms = silence_ms
        if not self._state.policy.manual:
            self._endings.transcribe(turn)
            self._endings.end_if_silent(turn)

    def stirred(self) -> None:
        """Somebody may just be beginning to speak."""
        state = self._state
        if state.now > state.stirred_at + STIR:
            state.stirring_since = state.now
        state.stirred_at = state.now

    def _consider_interruption(self, turn: Turn) -> None:
        """Long speech is asked what it says, as a fit of coughing is long too; in the end it is
        believed without words, for the recognizer may not know them."""
        if turn.speech_ms >= CERTAIN_INTERRUPTION_SPEECH_MS:
            self._endings.interrupt(turn)
        elif turn.stretch_ms >= INTERRUPTION_SPEECH_MS and not turn.asked:
            turn.asked = True
            self._endings.transcribe(turn)

    # What recognition brings

    def words_heard(
        self, work: int, text: str, completeness: Completeness, backchannel: bool
    ) -> None:
        """The words so far: they decide overlaps, and how long to wait."""
        if work in self._state.awaiting:
            turn_id, _ = self._state.awaiting.pop(work)
            self._state.emit(KeepWords(turn_id, text))
            return
        turn = self._recognized(work)
        if turn is None:
            return
        if turn.speaking:
            if turn.mode is Mode.OVERLAP and text and not backchannel:
                self._endings.interrupt(turn)
            return
        turn.words, turn.completeness = text, completeness
        if turn.mode is Mode.OVERLAP:
            if not text or backchannel:
                self._endings.let_go(turn)
                return
            self._endings.interrupt(turn)
        self._answer_early(turn)
        self._endings.end_if_silent(turn)

    def recognition_failed(self, work: int, reason: str) -> None:
        """Nobody knows what was said: say so, unless it may have been a cough or an echo."""
        if work in self._state.awaiting:
            turn_id, _ = self._state.awaiting.pop(work)
            self._state.emit(KeepWords(turn_id, ""))
            self._trouble_for_request(reason)
            return
        turn = self._recognized(work)
        if turn is None:
            return
        if turn.speaking:
            return
        turn.words, turn.trouble = "", reason
        if turn.overlapped and turn.speech_ms < INTERRUPTION_SPEECH_MS:
            self._endings.let_go(turn)
        else:
            self._endings.end_if_silent(turn)

    # What the answer brings while the turn is open

    def early_sentence(self, work: int, text: str) -> bool:
        """Keeps a sentence prepared for the open turn; False if it is not for it."""
        turn = self._state.turn
        if turn is None or turn.answering != work:
            return False
        turn.early.append(text)
        if len(turn.early) == 1:
            self._speaking.prepare(text)
        return True

    def early_finished(self, work: int, awaits_client: bool) -> bool:
        """The prepared answer has no more sentences; False if it is not for the open turn."""
        turn = self._state.turn
        if turn is None or turn.answering != work:
            return False
        turn.answered = True
        turn.awaits_client = awaits_client
        return True

    # What the client decides

    def commit(self) -> None:
        """The client ends the turn: at once if it owns turns, else as soon as words are known."""
        state, turn = self._state, self._state.turn
        if turn is not None and not state.policy.manual:
            self._endings.force(turn)
            return
        if turn is None:
            turn = Turn(state.new_id(), Mode.NORMAL, 0, 0, state.now)
        self._endings.drop_work(turn)
        self._endings.hand_over(turn)
        work = state.new_id()
        state.awaiting[work] = (turn.id, state.now + WORK_TIMEOUT)
        state.client_until = state.now + CLIENT_RESPONSE_WAIT
        state.emit(CommitTurn(turn.id, None), Transcribe(work, turn.id))

    def clear(self) -> None:
        """Forgets the open turn."""
        if self._state.turn is not None:
            self._endings.let_go(self._state.turn)

    def policy_changed(self) -> None:
        """A turn that may no longer interrupt is kept and answered afterwards."""
        turn = self._state.turn
        if turn is not None and turn.mode is Mode.OVERLAP and not self._interruptible():
            self._let_the_agent_go_on(turn)
            turn.mode = Mode.BESIDE

    def close(self) -> None:
        """Nothing that is being recognized is wanted any more."""
        self.clear()
        for work in self._state.awaiting:
            self._state.emit(DropWork(work))
        self._state.awaiting.clear()

    # Time

    def give_up_if_late(self) -> None:
        """What was to come and did not: words, a decision on an overlap, audio."""
        state = self._state
        if state.awaiting:
            for work, (_, deadline) in list(state.awaiting.items()):
                if state.now >= deadline:
                    self._give_up_recognizing(work)
        turn = state.turn
        if turn is None:
            return
        if turn.transcribing is not None and state.now >= turn.transcribing_since + WORK_TIMEOUT:
            self._give_up_recognizing(turn.transcribing)
        if state.turn is turn and self._undecided_too_long(turn):
            # Words that are still being found may interrupt all the same, when they come.
            self._let_the_agent_go_on(turn)
        if state.turn is turn and state.now >= turn.audio_at + CLIENT_STOPPED_SENDING:
            self._client_stopped_sending(turn)

    def deadlines(self) -> list[float]:
        """When `give_up_if_late` is due."""
        state = self._state
        times = [deadline for _, deadline in state.awaiting.values()] if state.awaiting else []
        turn = state.turn
        if turn is None:
            times.append(state.speech_until)
        else:
            if turn.active or not state.policy.manual:
                times.append(turn.audio_at + CLIENT_STOPPED_SENDING)
            if turn.transcribing is not None:
                times.append(turn.transcribing_since + WORK_TIMEOUT)
            if turn.paused_at is not None:
                times.append(turn.paused_at + OVERLAP_DECISION)
        return times

    def floor_was_freed(self) -> None:
        """The agent has finished while the user made a sound: it is the user's floor now."""
        turn = self._state.turn
        if turn is not None and turn.mode is not Mode.NORMAL:
            turn.mode = Mode.NORMAL
            turn.paused_at = None
            self._endings.report(turn)

    def _open(self, at_ms: int) -> Turn:
        state = self._state
        turn = state.turn = Turn(state.new_id(), Mode.NORMAL, at_ms, at_ms, state.now)
        if state.response is None:
            self._endings.report(turn)
        elif self._interruptible():
            turn.mode = Mode.OVERLAP
            turn.overlapped = True
            self._pause_the_agent(turn)
        else:
            turn.mode = Mode.BESIDE
        return turn

    def _goes_on(self, turn: Turn) -> None:
        turn.audio_at = self._state.now
        self._endings.drop_work(turn)
        turn.resume()
        if turn.mode is Mode.OVERLAP:
            self._pause_the_agent(turn)

    def _interruptible(self) -> bool:
        policy, response = self._state.policy, self._state.response
        if policy.manual or not policy.interrupt_response or response is None:
            return False
        prompt = response.prompt
        return prompt is None or prompt.prompt.priority is not Priority.CRITICAL

    def _pause_the_agent(self, turn: Turn) -> None:
        if turn.paused_at is None:
            self._speaking.pause()
        turn.paused_at = self._state.now

    def _let_the_agent_go_on(self, turn: Turn) -> None:
        if turn.paused_at is not None:
            turn.paused_at = None
            self._speaking.resume()

    def _undecided_too_long(self, turn: Turn) -> bool:
        return turn.paused_at is not None and self._state.now >= turn.paused_at + OVERLAP_DECISION

    def _recognized(self, work: int) -> Turn | None:
        turn = self._state.turn
        if turn is None or turn.transcribing != work:
            return None
        turn.transcribing = None
        return turn

    def _give_up_recognizing(self, work: int) -> None:
        self._state.emit(DropWork(work))
        self.recognition_failed(work, "the recognizer did not answer in time")

    def _trouble_for_request(self, reason: str) -> None:
        """The response that waits for the lost words says that they were lost."""
        pending = self._state.pending
        for index, item in enumerate(pending):
            if isinstance(item, Owed) and isinstance(item.origin, ToRequest):
                pending[index] = replace(item, trouble=reason)
                return

    def _client_stopped_sending(self, turn: Turn) -> None:
        """What does not come counts as silence, until it comes again."""
        turn.speaking = False
        turn.audio_at = self._state.now
        if self._state.policy.manual:
            turn.silence_ms = ACTIVITY_MS
        else:
            turn.silence_ms = max(turn.silence_ms, self._state.policy.endpointing.hard_ms)
            self._endings.transcribe(turn)
            self._endings.end_if_silent(turn)

    def _answer_early(self, turn: Turn) -> None:
        policy = self._state.policy
        wanted = policy.create_response and not policy.manual and not self._state.loaded
        if wanted and turn.words and turn.mode is Mode.NORMAL:
            turn.answering = self._state.new_id()
            answer = Answer(turn.answering, ToTurn(turn.id), turn.words, early=True)
            self._state.emit(answer)
