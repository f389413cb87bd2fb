"""Drives the machine: events in one at a time, its commands carried out, its deadline kept."""

from collections import deque
from collections.abc import Callable, Sequence

from conversation import Conversation
from conversation import commands as c
from conversation import events as e
from live.recorder import Recorder
from voice.pacing import OutputClock, Timer

MAY_STOP_SPEECH = (
    e.SpeechStarted,
    e.SpeechContinued,
    e.WordsHeard,
    e.PromptGranted,
    e.PromptWithdrawn,
    e.ResponseRequested,
    e.ResponseCancelled,
    e.SessionClosed,
    e.Tick,
)
"""Events on which the machine may cut an answer: it must know first how far that was heard."""


class Driving:
    """One session's.

    locate: posts how far the listener is. do: carries out a command. done: sees an event with its
    commands, after those were carried out.
    """

    def __init__(
        self,
        machine: Conversation,
        recorder: Recorder,
        clock: OutputClock,
        *,
        locate: Callable[[], None],
        do: Callable[[c.Command], None],
        done: Callable[[e.Event, Sequence[c.Command]], None],
    ) -> None:
        self._machine = machine
        self._recorder = recorder
        self._clock = clock
        self._locate = locate
        self._do = do
        self._done = done
        self._events: deque[e.Event] = deque()
        self._draining = False
        self._timer: Timer | None = None
        self._stopped = False

    def post(self, event: e.Event) -> None:
        """Hands an event to the machine; what its commands post in turn waits for its place."""
        if self._stopped:
            return
        if isinstance(event, MAY_STOP_SPEECH):
            self._locate()
        self._events.append(event)
        if self._draining:
            return
        self._draining = True
        try:
            while self._events:
                event = self._events.popleft()
                commands = self._recorder.handle(event)
                for command in commands:
                    self._do(command)
                self._done(event, commands)
        finally:
            self._draining = False
        self._set_timer()

    def stop(self) -> None:
        """The machine hears nothing more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        """One timer; an earlier one may stay, a Tick too many does no harm."""
        deadline = self._machine.next_deadline()
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._clock.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.post(e.Tick())
