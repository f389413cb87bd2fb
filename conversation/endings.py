"""What becomes of an open turn: it is answered, let go, or turns out to be an interruption."""

from conversation.commands import (
    CommitTurn,
    DropTurn,
    DropWork,
    Ending,
    ReportSpeechStarted,
    ReportSpeechStopped,
    Transcribe,
)
from conversation.policy import CLIENT_RESPONSE_WAIT
from conversation.responses import ToTurn
from conversation.speaking import Speaking
from conversation.state import Owed, State
from conversation.turns import Mode, Turn


class Endings:
    """Ends the open turn; `Listening` knows when to ask for it."""

    def __init__(self, state: State, speaking: Speaking) -> None:
        self._state = state
        self._speaking = speaking

    def report(self, turn: Turn) -> None:
        """Tells the client that the user speaks, once it is certain; a client flushes audio on it.

        Clients that end turns themselves are not told.
        """
        if not turn.reported and not self._state.policy.manual:
            turn.reported = True
            self._state.emit(ReportSpeechStarted(turn.id, turn.start_ms))

    def transcribe(self, turn: Turn) -> None:
        """Has it recognized, unless that is done or running."""
        if turn.transcribing is None and turn.words is None:
            turn.transcribing = self._state.new_id()
            turn.transcribing_since = self._state.now
            self._state.emit(Transcribe(turn.transcribing, turn.id))

    def drop_work(self, turn: Turn) -> None:
        """What was being made of the words so far is not wanted any more."""
        for work in (turn.transcribing, turn.answering):
            if work is not None:
                self._state.emit(DropWork(work))

    def interrupt(self, turn: Turn) -> None:
        """The user means it: the agent falls silent and its answers are over."""
        turn.mode = Mode.NORMAL
        turn.paused_at = None
        turn.overlapped = False
        self.report(turn)
        self._speaking.stop(Ending.INTERRUPTED)
        self._speaking.drop_rests()

    def let_go(self, turn: Turn) -> None:
        """There was nothing in it: as if it had never been."""
        self.drop_work(turn)
        if turn.paused_at is not None:
            self._speaking.resume()
        self._report_stopped(turn)
        self._state.emit(DropTurn(turn.id))
        self._state.turn = None

    def force(self, turn: Turn) -> None:
        """Ends the turn here, as soon as its words are known."""
        turn.forced = True
        turn.speaking = False
        self.transcribe(turn)
        self.end_if_silent(turn)

    def end_if_silent(self, turn: Turn) -> None:
        """Rule 2. Without words no turn ends, however long the silence: nothing could be answered
        yet, and the user may still go on."""
        endpointing = self._state.policy.endpointing
        if turn.mode is Mode.OVERLAP or turn.speaking or turn.words is None:
            return
        wait_ms = min(endpointing.wait_ms(turn.completeness), endpointing.hard_ms)
        if turn.forced or turn.silence_ms >= wait_ms:
            self._end(turn)

    def hand_over(self, turn: Turn) -> None:
        """The turn leaves the user's hands: nothing more is said in it."""
        state = self._state
        self._report_stopped(turn)
        state.turn = None
        state.unanswered = 0
        state.idle_reported = False

    def _end(self, turn: Turn) -> None:
        state, policy = self._state, self._state.policy
        words = turn.words or ""
        if not words and not turn.trouble:
            self.let_go(turn)
            return
        if turn.mode is Mode.NORMAL or not policy.interrupt_response:
            # Beside a critical prompt it is not reported: clients would flush the prompt's audio.
            self.report(turn)
        self.hand_over(turn)
        state.emit(CommitTurn(turn.id, words))
        if policy.interrupt_response:
            self._speaking.drop_rests()
        if not policy.create_response:
            self.drop_work(turn)
            state.client_until = state.now + CLIENT_RESPONSE_WAIT
        elif turn.answering is not None and state.response is None and not state.pending:
            self._speaking.adopt(turn, ToTurn(turn.id))
        else:
            self.drop_work(turn)
            self._speaking.answer(Owed(ToTurn(turn.id), words, turn.trouble))

    def _report_stopped(self, turn: Turn) -> None:
        if turn.reported:
            self._state.emit(ReportSpeechStopped(turn.id, turn.end_ms))
