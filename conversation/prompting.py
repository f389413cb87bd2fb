"""Speaking first: which prompt may begin at this moment, and what becomes of it."""

from conversation.commands import ClaimPrompt, Ending, ReleasePrompt, ReportPrompt
from conversation.policy import (
    CLAIM_TIMEOUT,
    CRITICAL_PATIENCE,
    HEARD_SHARE,
    LOW_QUIET,
    NORMAL_QUIET,
    PROMPT_LIMIT,
    UNANSWERED_LIMIT,
)
from conversation.prompts import (
    OnBargeIn,
    Priority,
    Prompt,
    PromptOutcome,
    PromptQueue,
    Waiting,
)
from conversation.responses import Response
from conversation.state import State

QUIET = {Priority.LOW: LOW_QUIET, Priority.NORMAL: NORMAL_QUIET, Priority.HIGH: 0.0}


class Prompting:
    """Owns the queue and the one claim that may be open."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue = PromptQueue()
        self._claiming: Waiting | None = None
        self._claimed_at = 0.0

    def offer(self, prompt: Prompt) -> None:
        """Takes a prompt in; a second offer of the same id changes nothing.

        One without words has failed; one too many, or after the end, goes back.
        """
        state, spoken = self._state, self._spoken()
        if prompt.id in self._queue.waiting or (spoken and spoken.prompt.id == prompt.id):
            return
        if not any(prompt.sentences):
            state.emit(ReportPrompt(prompt.id, PromptOutcome.FAILED))
        elif state.closed or len(self._queue.waiting) >= PROMPT_LIMIT:
            state.emit(ReportPrompt(prompt.id, PromptOutcome.RETURNED))
        else:
            self._queue.add(prompt)

    def withdraw(self, prompt_id: str) -> bool:
        """Cancels it. What is being spoken goes on, but not again after an interruption; then it
        is True."""
        waiting, spoken = self._queue.waiting.get(prompt_id), self._spoken()
        if waiting is not None:
            self._end(waiting, PromptOutcome.CANCELLED)
        elif spoken is not None and spoken.prompt.id == prompt_id:
            spoken.withdrawn = True
            return True
        return False

    def give_up_if_late(self) -> None:
        """Ends what is past its time, and a claim that nobody answers."""
        now = self._state.now
        if self._queue.waiting:
            for waiting in self._queue.expired(now):
                self._end(waiting, PromptOutcome.EXPIRED)
        if self._claiming is not None and now >= self._claimed_at + CLAIM_TIMEOUT:
            self._end(self._claiming, PromptOutcome.FAILED)

    def choose(self) -> Waiting | None:
        """Claims the most pressing prompt that may begin now; returns one that needs the agent
        to stop after its sentence first."""
        state = self._state
        if self._claiming is not None or not self._queue.waiting:
            return None
        due = self._queue.due(state.now)
        for waiting in due:
            self._count_patience(waiting)
            if self.may_begin(waiting):
                self._claiming = waiting
                self._claimed_at = state.now
                state.emit(ClaimPrompt(waiting.prompt.id))
                return None
        return next((w for w in due if self._wants_boundary(w)), None)

    def granted(self, prompt_id: str) -> Waiting | None:
        """The prompt to say now; None if the moment has passed, or something more pressing came,
        and it waits again."""
        waiting = self._claiming
        if waiting is None or waiting.prompt.id != prompt_id:
            self._state.emit(ReleasePrompt(prompt_id))
            return None
        if waiting.prompt.expires <= self._state.now:
            self._end(waiting, PromptOutcome.EXPIRED)
            return None
        self._claiming = None
        if not self.may_begin(waiting) or self._outranked(waiting):
            self._state.emit(ReleasePrompt(prompt_id))
            return None
        del self._queue.waiting[prompt_id]
        return waiting

    def refused(self, prompt_id: str) -> None:
        """Someone else has it, or it may no longer be said."""
        waiting = self._claiming
        if waiting is not None and waiting.prompt.id == prompt_id:
            self._claiming = None
            self._end(waiting, PromptOutcome.REFUSED)

    @property
    def presses(self) -> bool:
        """Something waits, or is being claimed, that goes before the rest of an answer."""
        claiming = self._claiming
        if not self._queue.waiting:
            return False
        if claiming is not None:
            return claiming.prompt.priority >= Priority.HIGH
        return any(
            w.prompt.priority >= Priority.HIGH and self.may_begin(w)
            for w in self._queue.due(self._state.now)
        )

    def may_begin(self, waiting: Waiting) -> bool:
        """Rule 4: is this the moment for it?"""
        state = self._state
        if waiting.prompt.priority is Priority.CRITICAL:
            return self._critical_may_begin(waiting)
        if state.user_active or state.now < state.stirring_until:
            return False
        if state.response is not None or state.now < state.client_until:
            return False
        if state.now < state.quiet_since + _quiet_before(waiting.prompt):
            return False
        if waiting.prompt.priority is Priority.HIGH:
            return True
        if state.pending or state.awaiting:
            return False
        return waiting.prompt.priority is Priority.NORMAL or state.unanswered < UNANSWERED_LIMIT

    def _outranked(self, waiting: Waiting) -> bool:
        return any(
            w.prompt.priority > waiting.prompt.priority and self.may_begin(w)
            for w in self._queue.due(self._state.now)
        )

    def _spoken(self) -> Waiting | None:
        response = self._state.response
        return response.prompt if response is not None else None

    def _critical_may_begin(self, waiting: Waiting) -> bool:
        state, spoken = self._state, self._spoken()
        if spoken is not None and spoken.prompt.priority is Priority.CRITICAL:
            return False
        if not state.user_active or state.turn is None or not state.turn.speaking:
            return True
        return waiting.since is not None and state.now >= waiting.since + CRITICAL_PATIENCE

    def _count_patience(self, waiting: Waiting) -> None:
        if waiting.since is None and self._state.user_active:
            waiting.since = self._state.now

    def _wants_boundary(self, waiting: Waiting) -> bool:
        response = self._state.response
        return (
            waiting.prompt.priority is Priority.HIGH
            and response is not None
            and response.prompt is None
            and not self._state.user_active
            and self._state.now >= self._state.client_until
        )

    def over(self, response: Response, ending: Ending) -> None:
        """A prompt's response has ended: report it, or queue what is left of it."""
        waiting = response.prompt
        assert waiting is not None
        waiting.heard_ms += response.played_ms
        waiting.heard_share = share = self._share(waiting, response)
        if share >= HEARD_SHARE:
            self._report(waiting, PromptOutcome.HEARD)
        elif ending is Ending.COMPLETED or ending is Ending.FAILED:
            self._report(waiting, PromptOutcome.FAILED)
        elif waiting.withdrawn:
            self._report(waiting, PromptOutcome.CANCELLED)
        elif self._state.closed:
            self._report(waiting, PromptOutcome.RETURNED)
        elif ending is Ending.PARKED:
            waiting.attempts += 1
            self._go_on_later(waiting, response)
        elif ending is Ending.CANCELLED or self._spent(waiting):
            self._report(waiting, PromptOutcome.INTERRUPTED)
        elif waiting.prompt.on_barge_in is OnBargeIn.AGAIN:
            waiting.said_chars = 0.0
            self._again(waiting, waiting.prompt.sentences)
        else:
            self._go_on_later(waiting, response)

    @staticmethod
    def _share(waiting: Waiting, response: Response) -> float:
        """Heard share of the whole prompt, earlier attempts that were resumed included."""
        total = sum(map(len, waiting.prompt.sentences))
        return min(1.0, (waiting.said_chars + sum(response.heard_chars())) / total)

    @staticmethod
    def _spent(waiting: Waiting) -> bool:
        return waiting.prompt.on_barge_in is OnBargeIn.YIELD or waiting.attempts <= 0

    def _go_on_later(self, waiting: Waiting, response: Response) -> None:
        rest = response.unheard()
        if not rest:
            self._report(waiting, PromptOutcome.FAILED)  # too much of it could not be voiced
            return
        waiting.said_chars += sum(response.heard_chars()[: -len(rest)])
        self._again(waiting, rest)

    def _again(self, waiting: Waiting, sentences: tuple[str, ...]) -> None:
        waiting.sentences = sentences
        waiting.since = None
        self._queue.waiting[waiting.prompt.id] = waiting

    def _end(self, waiting: Waiting, outcome: PromptOutcome) -> None:
        if self._claiming is waiting:
            self._claiming = None
            self._state.emit(ReleasePrompt(waiting.prompt.id))
        del self._queue.waiting[waiting.prompt.id]
        self._report(waiting, outcome)

    def _report(self, waiting: Waiting, outcome: PromptOutcome) -> None:
        report = ReportPrompt(waiting.prompt.id, outcome, waiting.heard_ms, waiting.heard_share)
        self._state.emit(report)

    def close(self) -> None:
        """The session ends: what was not begun goes back."""
        for waiting in list(self._queue.waiting.values()):
            self._end(waiting, PromptOutcome.RETURNED)

    def deadlines(self) -> list[float]:
        """When a prompt may become sayable, or too late, without anything else happening."""
        state = self._state
        if not self._queue.waiting:
            return []
        times = [state.client_until, state.stirring_until]
        if self._claiming is not None:
            times.append(self._claimed_at + CLAIM_TIMEOUT)
        for waiting in self._queue.waiting.values():
            times += [waiting.prompt.due, waiting.prompt.expires]
            if waiting.prompt.priority is not Priority.CRITICAL:
                times.append(state.quiet_since + _quiet_before(waiting.prompt))
            elif waiting.since is not None:
                times.append(waiting.since + CRITICAL_PATIENCE)
        return times


def _quiet_before(prompt: Prompt) -> float:
    return max(QUIET[prompt.priority], prompt.quiet)
