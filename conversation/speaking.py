"""The agent's side: responses begin, are voiced, paused, interrupted, and end."""

from conversation.commands import (
    AdoptAnswer,
    Answer,
    BeginResponse,
    DropWork,
    Ending,
    EndResponse,
    PauseSpeech,
    PrepareSpeech,
    ResumeSpeech,
    Speak,
    StopAfter,
    StopSpeech,
    Truncate,
)
from conversation.policy import CLIENT_FUNCTION_WAIT, WORK_TIMEOUT
from conversation.prompting import Prompting
from conversation.prompts import Priority, Waiting
from conversation.responses import OfPrompt, Origin, Response, Sentence
from conversation.state import Owed, Rest, State
from conversation.turns import Mode, Turn


class Speaking:
    """Owns the current response. There is one at a time."""

    def __init__(self, state: State, prompting: Prompting) -> None:
        self._state = state
        self._prompting = prompting

    # Beginning

    def answer(self, owed: Owed) -> None:
        """Finds an answer and says it, now or when the floor is free for it."""
        state = self._state
        taken = state.user_holds_floor and not state.policy.manual
        if state.response is not None or state.awaiting or state.pending or taken:
            state.owe(owed)
        else:
            self._answer(owed)

    def _answer(self, owed: Owed) -> None:
        state = self._state
        work = state.new_id()
        self._begin(owed.origin, work)
        state.emit(Answer(work, owed.origin, owed.text, trouble=owed.trouble))

    def adopt(self, turn: Turn, origin: Origin) -> None:
        """Says the answer that was prepared while the turn was still open."""
        assert turn.answering is not None
        self._state.emit(AdoptAnswer(turn.answering))
        work = None if turn.answered else turn.answering
        self._begin(origin, work, tuple(turn.early), answer=turn.answering)
        if turn.awaits_client:
            self._wait_for_client()

    def say(self, waiting: Waiting) -> None:
        """Begins a prompt whose claim was granted."""
        waiting.attempts -= 1
        response = self._begin(OfPrompt(waiting.prompt.id), None, waiting.sentences)
        response.prompt = waiting
        if waiting.prompt.priority is Priority.LOW:
            self._state.unanswered += 1

    def start_pending(self) -> None:
        """Begins what has waited longest, if the floor is free for it.

        In a session whose client ends the turns, what the client asks for does not wait for
        silence.
        """
        state = self._state
        while state.pending and state.response is None and not state.awaiting:
            first = state.pending[0]
            asked = isinstance(first, Owed) and state.policy.manual
            if state.user_holds_floor and not asked:
                return
            state.pending.popleft()
            match first:
                case Owed():
                    self._answer(first)
                case Rest(of, sentences) if sentences or of.work is not None:
                    self._begin(of.origin, of.work, sentences, of.id, answer=of.answer)
                case Rest():
                    pass  # its answer ended without another sentence

    def _begin(
        self,
        origin: Origin,
        work: int | None,
        sentences: tuple[str, ...] = (),
        continues: int | None = None,
        *,
        answer: int | None = None,
    ) -> Response:
        state = self._state
        response = Response(state.new_id(), origin, work, progress_at=state.now)
        response.answer = answer = work if answer is None else answer
        state.response = response
        if state.turn is not None:
            state.turn.mode = Mode.BESIDE
            state.turn.paused_at = None
        state.emit(BeginResponse(response.id, origin, answer, continues))
        for text in sentences:
            self._speak(response, text)
        return response

    def _speak(self, response: Response, text: str) -> None:
        response.sentences.append(Sentence(text))
        if response.stop_after is None:
            self._state.emit(Speak(response.id, len(response.sentences) - 1, text))

    # What answers bring

    def sentence_ready(self, work: int, text: str) -> None:
        """Another sentence of the answer that feeds the response, or of one that is parked."""
        response = self._state.response
        if response is not None and response.work == work:
            response.progress_at = self._state.now
            self._speak(response, text)
            return
        pending = self._state.pending
        for index, item in enumerate(pending):
            if isinstance(item, Rest) and item.of.work == work:
                pending[index] = Rest(item.of, (*item.sentences, text))

    def answer_finished(self, work: int, awaits_client: bool) -> None:
        """No more sentences will come from this answer."""
        response = self._state.response
        parked = [p.of for p in self._state.pending if isinstance(p, Rest)]
        for fed in [*([response] if response else []), *parked]:
            if fed.work == work:
                fed.work = None
                fed.progress_at = self._state.now
                if awaits_client:
                    self._wait_for_client()

    def answer_went_on(self, work: int) -> None:
        """It is being worked on: it is not given up yet."""
        response = self._state.response
        if response is not None and response.work == work:
            response.progress_at = self._state.now

    def _wait_for_client(self) -> None:
        self._state.client_until = self._state.now + CLIENT_FUNCTION_WAIT

    # What the mouth tells

    def current(self, response_id: int) -> Response | None:
        """The response, if that is the one being spoken; what comes late is ignored."""
        response = self._state.response
        return response if response is not None and response.id == response_id else None

    def voiced(
        self, response_id: int, sentence: int, ms: int, marks: tuple[tuple[int, int], ...]
    ) -> None:
        """Audio was made for a sentence."""
        response = self.current(response_id)
        if response and 0 <= sentence < len(response.sentences):
            response.progress_at = self._state.now
            response.sentences[sentence].ms = ms
            response.sentences[sentence].marks = marks

    def begun(self, response_id: int, sentence: int) -> None:
        """A sentence's first sample flows."""
        response = self.current(response_id)
        if response and 0 <= sentence < len(response.sentences):
            response.progress_at = self._state.now
            response.begun = max(response.begun, sentence)

    def played(self, response_id: int, sentence: int) -> None:
        """A sentence is over."""
        response = self.current(response_id)
        if response and 0 <= sentence < len(response.sentences):
            response.progress_at = self._state.now
            response.sentences[sentence].over = True

    def advanced(self, response_id: int, played_ms: int) -> None:
        """More of it was heard; never more than was voiced, never less than before."""
        response = self.current(response_id)
        if response:
            response.progress_at = self._state.now
            response.played_ms = max(response.played_ms, min(played_ms, response.voiced_ms))

    # Preparing, pausing and ending

    def prepare(self, text: str) -> None:
        """Has a sentence's audio made before it is known whether it will be said."""
        self._state.emit(PrepareSpeech(text))

    def pause(self) -> None:
        """Stops the flow while it is found out what the user's sound was."""
        if self._state.response is not None:
            self._state.emit(PauseSpeech(self._state.response.id))

    def resume(self) -> None:
        """It was nothing: go on with the next sample."""
        if self._state.response is not None:
            self._state.response.progress_at = self._state.now
            self._state.emit(ResumeSpeech(self._state.response.id))

    def stop_after_sentence(self) -> bool:
        """Ends the response at its next sentence boundary; the rest is said afterwards.

        Returns whether that boundary has been reached already.
        """
        response = self._state.response
        if response is None or response.stop_after is not None or response.begun < 0:
            return False
        if response.work is None and response.begun == len(response.sentences) - 1:
            return False
        response.stop_after = response.begun
        self._state.emit(StopAfter(response.id, response.begun))
        return response.over

    def stop(self, ending: Ending, *, park: bool = False) -> None:
        """Cuts the response short where it was heard. park: its rest is said later."""
        response = self._state.response
        if response is None:
            return
        heard = response.heard_text()
        self._state.response = None
        self._state.emit(
            StopSpeech(response.id),
            Truncate(response.id, response.played_ms, heard),
            EndResponse(response.id, ending, heard),
        )
        if response.prompt is not None:
            self._prompting.over(response, ending)
        elif park:
            self._state.pending.appendleft(Rest(response, response.unheard()))
        elif response.work is not None:
            self._state.emit(DropWork(response.work))

    def drop_rests(self) -> None:
        """Something new was said or asked: the rests of earlier answers are dropped."""
        state = self._state
        for item in [p for p in state.pending if isinstance(p, Rest)]:
            state.pending.remove(item)
            if item.of.work is not None:
                state.emit(DropWork(item.of.work))

    def finish(self) -> None:
        """Ends the response if everything it will say was played."""
        response = self._state.response
        if response is None or not response.over:
            return
        self._state.response = None
        self._state.idle_armed = True
        said = response.sentences
        ending = Ending.COMPLETED
        if response.stop_after is not None:
            said = response.sentences[: response.stop_after + 1]
            rest = tuple(s.text for s in response.sentences[response.stop_after + 1 :])
            if rest or response.work is not None:
                ending = Ending.PARKED
                self._state.pending.appendleft(Rest(response, rest))
        text = " ".join(s.text for s in said)
        self._state.emit(EndResponse(response.id, ending, text))
        if response.prompt is not None:
            self._prompting.over(response, ending)

    def give_up_if_stuck(self) -> None:
        """Ends a response to which nothing has happened for WORK_TIMEOUT."""
        response = self._state.response
        if response is not None and self._state.now >= response.progress_at + WORK_TIMEOUT:
            self.stop(Ending.FAILED)

    def deadlines(self) -> list[float]:
        """When `give_up_if_stuck` is due."""
        response = self._state.response
        return [response.progress_at + WORK_TIMEOUT] if response is not None else []
