"""One live conversation: the star of ears, mind and mouth around the machine. No sockets here."""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias, assert_never

from conversation import Conversation, Floor
from conversation import commands as c
from conversation import events as e
from live import events as told
from live.advice import Advice
from live.answering import Answering
from live.beside import AT_ONCE, Beside
from live.bookmark import Bookmark
from live.calls import Calls
from live.config import ResponseRequest, SessionConfig
from live.core import Core
from live.ears import BacklogError
from live.events import LiveEvent
from live.history import History, Item
from live.listening import Listening
from live.mind import Mind, form_from_json
from live.parts import Parts
from live.recorder import RecordedAnswerer, Recorder
from live.returning import GO_ON_AFTER_S, Rest, take_up
from live.work import Work
from sessions.context import new_context
from sessions.resuming import Return, may_go_on
from voice.audio import HEARING_RATE, Pcm
from voice.pacing import Timer

SHORTEST_COMMIT = HEARING_RATE // 10
"""Samples a commit must hold: 100 ms, as the Realtime protocol has it."""

MAY_STOP_SPEECH = (
    e.SpeechStarted,
    e.SpeechContinued,
    e.WordsHeard,
    e.PromptGranted,
    e.ResponseRequested,
    e.ResponseCancelled,
    e.SessionClosed,
    e.Tick,
)
"""Events on which the machine may cut an answer: it must know first how far that was heard."""

OtherCommand: TypeAlias = (
    c.ClaimPrompt | c.ReleasePrompt | c.ReportPrompt | c.ReportFloor | c.ReportIdle
)


class SessionError(Exception):
    """The client asked for something that cannot be done now.

    code: the Realtime protocol's error code, e.g. "conversation_already_has_active_response".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LiveSession:
    """One person's conversation with the agent.

    Every method is called on the event loop and returns at once. `listener` gets every LiveEvent.
    """

    def __init__(
        self,
        parts: Parts,
        listener: Callable[[LiveEvent], None],
        *,
        session_id: str,
        user: str,
        config: SessionConfig | None = None,
    ) -> None:
        config = config or SessionConfig()
        context = new_context(
            session_id=session_id, user=user, agent=parts.agent, agent_version=parts.agent_version
        )
        self._clock = parts.clock
        self._machine = Conversation(config.policy, self._clock.now())
        self._recorder = Recorder(self._machine, self._clock)
        self._listener = listener
        self._core = Core(parts, config, context, self._post, self._tell)
        self._calls = Calls(self._core)
        self._mind = Mind(
            parts.intents,
            RecordedAnswerer(parts.answerer, self._recorder.note),
            self._calls,
            self._core.log,
            follows=parts.follows_instructions,
        )
        self._work = Work()
        self._beside = Beside(self._core, self._mind)
        self._listening = Listening(self._core, self._mind, self._work)
        self._answering = Answering(self._core, self._mind, self._work, self._listening.watch)
        self._bookmark = Bookmark(self._core, self._answering.item_of)
        self._listening.ears.threshold = config.vad_threshold
        self._events: deque[e.Event] = deque()
        self._draining = False
        self._timer: Timer | None = None
        follows = parts.follows_instructions
        self._advice = Advice(self._mind, self._tell, follows=follows)
        self._closed = False
        self.resumed = False
        """It goes on with a conversation that was stored."""

    # Life

    async def start(self, back: Return | None = None) -> None:
        """Takes up the context that is stored under this session id, and says what was not heard
        of its last answer, if that was just now.

        back: what the client shows to go on with it; None: it is the session's user.
        Raises SessionError("session_not_yours") when it may not.
        """
        core = self._core
        back = back or Return(core.context.user)
        context = await core.parts.memory.load(core.context.id)
        if context is not None:
            if not may_go_on(context, back):
                raise SessionError(
                    "session_not_yours",
                    "this session is another's, or ?resume= is not its token; leave out ?session=",
                )
            rest = take_up(core, context, back)
            self._mind.form = form_from_json(context.form)
            self.resumed = True
            if rest is not None:
                if rest.sentences and core.config.audio:
                    self._answering.mouth.prepare(rest.sentences[0], core.config.voice)
                soon = self._clock.now() + GO_ON_AFTER_S
                self._clock.call_at(soon, lambda: self._go_on(rest))
        self._recorder.begin(core.parts.journal, core.context, core.config.policy)
        self._listening.ears.start()

    def _go_on(self, rest: Rest) -> None:
        """Says what is left of an answer, unless something else has begun meanwhile."""
        if not self._closed and self._machine.floor is Floor.IDLE:
            request = ResponseRequest(say=rest.sentences, metadata=rest.metadata)
            self._post(e.ResponseRequested(self._answering.answers.request(request)))

    async def aclose(self) -> None:
        """Ends the conversation and everything that runs for it."""
        if self._closed:
            return
        self._post(e.SessionClosed())
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._listening.ears.aclose()
        await self._answering.mouth.aclose()
        await self._work.aclose()
        await self._beside.aclose()
        await self._calls.aclose()

    @property
    def resume_token(self) -> str:
        """What a client shows to go on with this conversation later."""
        return self._core.context.resume_token

    def is_open_to(self, back: Return) -> bool:
        """Whether a client that shows this may take the session over."""
        return may_go_on(self._core.context, back)

    @property
    def history(self) -> History:
        """The conversation's items."""
        return self._core.history

    @property
    def config(self) -> SessionConfig:
        """The session's settings."""
        return self._core.config

    @property
    def mind(self) -> Mind:
        """What was understood last, and the form that is open."""
        return self._mind

    def update(self, config: SessionConfig) -> None:
        """Takes new settings; what runs goes on with the old ones."""
        manual = self._core.config.policy.manual
        self._core.config = config
        self._listening.ears.threshold = config.vad_threshold
        self._advice.on(config.instructions, config.tools)
        self._post(e.PolicyChanged(config.policy))
        if config.policy.manual is not manual:
            self._listening.rest()

    async def settled(self) -> None:
        """Returns when all audio was looked at and nothing is being recognized, answered, voiced.

        What feeds audio faster than real time waits here after each frame, so that the talk goes
        as it would with an instant recognizer.
        """
        await self._listening.ears.settled()
        await self._work.settled()
        await self._beside.settled()
        await self._calls.settled()
        await self._answering.mouth.settled()

    async def heard_all(self) -> None:
        """Returns when all audio that came so far was looked at: `commit` and `clear` count from
        there, so a client that sends audio faster than real time and commits must wait here."""
        await self._listening.ears.settled()

    # What the client does

    def hear(self, samples: Pcm) -> None:
        """Microphone audio, 16 kHz mono, as it comes.

        Raises SessionError("input_audio_rate_exceeded") when over 10 s of it wait unheard.
        """
        try:
            self._listening.ears.hear(samples)
        except BacklogError as error:
            raise SessionError("input_audio_rate_exceeded", str(error)) from None

    def commit(self) -> None:
        """Ends the user's turn; raises SessionError("input_audio_buffer_commit_empty")."""
        if self._listening.uncommitted_samples < SHORTEST_COMMIT:
            raise SessionError(
                "input_audio_buffer_commit_empty",
                "there are less than 100 ms of audio to commit; append more first",
            )
        self._post(e.InputCommitted())

    def clear(self) -> None:
        """Forgets audio that was not committed."""
        self._listening.clear()

    def add_item(self, item: Item, after: str | None) -> str | None:
        """Adds an item by hand; returns the id before it. Raises HistoryError."""
        previous = self._core.history.add(item, after)
        self._core.remember(item)
        return previous

    def delete_item(self, item_id: str) -> None:
        """Forgets an item; raises HistoryError."""
        self._core.forget(item_id)

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Keeps only what was heard of an assistant's audio item; once more changes nothing.

        Raises HistoryError, or SessionError("invalid_value") beyond its audio.
        An `ItemTruncated` event is given to the listener, the second time too.
        """
        item = self._core.history.get(item_id)
        if item.role != "assistant" or not item.spoken:
            raise SessionError("invalid_value", f"'{item_id}' was not spoken by the assistant")
        if item.audio_ms and audio_end_ms > item.audio_ms:
            raise SessionError(
                "invalid_value",
                f"audio_end_ms {audio_end_ms} is beyond the item's {item.audio_ms} ms of audio",
            )
        if not self._answering.active_item(item_id):
            item = self._core.history.replace(item_id, text=item.heard_text(audio_end_ms))
            self._core.remember(item)
        self._core.tell(told.ItemTruncated(item_id, audio_end_ms, item.text))

    def respond(self, request: ResponseRequest) -> None:
        """Asks for a response; raises SessionError("conversation_already_has_active_response").

        One that goes on after a function of the client's may be asked for while what was said
        with the call is still being spoken: it follows.
        """
        audio = self._core.config.audio if request.audio is None else request.audio
        if beside := not request.in_conversation and not audio:
            if self._beside.full:
                raise SessionError(
                    "conversation_already_has_active_response",
                    f"{AT_ONCE} responses out of the conversation are in progress; wait for a "
                    "response.done or cancel one first",
                )
        elif self._machine.requested or (
            self._machine.responding and not self._answering.has_called
        ):
            raise SessionError(
                "conversation_already_has_active_response",
                "a response is in progress; wait for response.done or cancel it first",
            )
        self._advice.on(request.instructions, request.tools)
        if beside:
            self._beside.begin(request)
        else:
            self._post(e.ResponseRequested(self._answering.answers.request(request)))

    def cancel(self, response_id: str | None = None) -> None:
        """Stops the response; raises SessionError("response_cancel_not_active")."""
        if self._beside.cancel(response_id):
            return
        if not self._answering.active(response_id):
            raise SessionError("response_cancel_not_active", "there is no such response to cancel")
        self._post(e.ResponseCancelled())

    def report_playout(self, item_id: str, played_ms: int) -> None:
        """The client says how much of an item was played; believed up to what was sent."""
        self._answering.client_played(item_id, played_ms)

    # Around the machine

    def _tell(self, event: LiveEvent) -> None:
        self._recorder.told(event)
        self._listener(event)

    def _post(self, event: e.Event) -> None:
        """Hands an event to the machine; what its commands post in turn waits for its place."""
        if self._closed:
            return
        if isinstance(event, MAY_STOP_SPEECH):
            self._answering.mouth.report_position()
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
                self._bookmark.follow(event, commands)
        finally:
            self._draining = False
        self._set_timer()

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
        self._post(e.Tick())

    def _do(self, command: c.Command) -> None:
        match command:
            case (
                c.Transcribe()
                | c.ReportSpeechStarted()
                | c.ReportSpeechStopped()
                | c.CommitTurn()
                | c.KeepWords()
                | c.DropTurn()
            ):
                self._listening.do(command)
            case c.Answer() | c.AdoptAnswer() | c.DropWork():
                self._answering.answers.do(command)
            case (
                c.PrepareSpeech()
                | c.BeginResponse()
                | c.Speak()
                | c.PauseSpeech()
                | c.ResumeSpeech()
                | c.StopAfter()
                | c.StopSpeech()
                | c.Truncate()
                | c.EndResponse()
            ):
                self._answering.say(command)
            case _:
                self._do_other(command)

    def _do_other(self, command: OtherCommand) -> None:
        match command:
            case c.ReportFloor(floor):
                self._core.tell(told.FloorChanged(floor))
            case c.ReportIdle():
                self._listening.commit_silence()
            case c.ClaimPrompt(prompt_id):
                # Nothing offers prompts yet; whoever will also answers for claims.
                self._post(e.PromptRefused(prompt_id))
            case c.ReleasePrompt() | c.ReportPrompt():
                pass
            case _:
                assert_never(command)
