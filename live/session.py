"""One live conversation: the star of ears, mind and mouth around the machine. No sockets here."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from conversation import Conversation, Floor
from conversation import commands as c
from conversation import events as e
from conversation.responses import OfPrompt
from live import events as told
from live.advice import Advice
from live.answering import Answering
from live.beside import AT_ONCE, Beside
from live.bookmark import Bookmark
from live.calls import Calls
from live.config import ResponseRequest, SessionConfig
from live.core import Core
from live.driving import Driving
from live.ears import BacklogError
from live.events import LiveEvent
from live.history import History, Item
from live.listening import Listening
from live.mind import Mind, form_from_json
from live.noting import Noting
from live.parts import Parts
from live.prompts import Prompts
from live.prompts_port import Standing
from live.recorder import RecordedAnswerer, Recorder
from live.replying import Replying
from live.returning import GO_ON_AFTER_S, Rest, take_up
from live.work import Work
from sessions.context import new_context
from sessions.resuming import Return, may_go_on
from voice.audio import HEARING_RATE, Pcm

SHORTEST_COMMIT = HEARING_RATE // 10
"""Samples a commit must hold: 100 ms, as the Realtime protocol has it."""


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
        self._replying = Replying(self._clock.now, self._wall_time)
        self._mind = Mind(
            parts.intents,
            RecordedAnswerer(parts.answerer, self._recorder.note),
            self._calls,
            self._replying,
            Noting(self._wall_time, parts.reminds),
            self._core.log,
            follows=parts.follows_instructions,
        )
        self._work = Work()
        self._beside = Beside(self._core, self._mind)
        self._listening = Listening(self._core, self._mind, self._work)
        self._answering = Answering(self._core, self._mind, self._work, self._listening.watch)
        self._bookmark = Bookmark(self._core, self._answering.item_of)
        self._listening.ears.threshold = config.vad_threshold
        self.prompts = Prompts(
            self._core, self._answering, self._replying, self._standing, self.heard_all
        )
        """What is to be said of the agent's own accord."""
        self._mind.on_turn = self._turned
        self._driving = Driving(
            self._machine,
            self._recorder,
            self._clock,
            locate=self._answering.mouth.report_position,
            do=self._do,
            done=self._bookmark.follow,
        )
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
        self.prompts.prompter = core.parts.desk.open(self.prompts)

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
        self._driving.stop()
        await self.prompts.aclose()
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
        await self.prompts.settled()
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
        if item.role == "user":
            self.prompts.prompter.used()
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
        if isinstance(event, told.SpeechStarted | told.TurnCommitted):
            self.prompts.prompter.used()
        self._listener(event)

    def _turned(self) -> None:
        """A turn of the person's was understood."""
        mind = self._mind
        intent, form = mind.understanding.intent, mind.form
        is_open = form is not None and form.intent == intent
        slots = form.slots if form is not None and is_open else mind.understanding.slots
        self.prompts.prompter.turned(intent, slots)

    def _standing(self) -> Standing:
        form = self._mind.form
        return Standing(
            self._machine.floor,
            self._mind.turns,
            self._mind.understanding.intent or "",
            form.intent if form is not None else "",
            not self._core.config.audio,
        )

    def _wall_time(self) -> datetime:
        """The person's, as far as it is known."""
        zone = self.prompts.client.time_zone or self._core.parts.time_zone
        try:
            return datetime.now(ZoneInfo(zone)) if zone else datetime.now().astimezone()
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a client may name anything
            return datetime.now().astimezone()

    def _post(self, event: e.Event) -> None:
        self._driving.post(event)

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
            case c.BeginResponse(origin=OfPrompt(prompt_id)):
                self.prompts.begun(prompt_id)
                self._answering.say(command)
            case c.EndResponse():
                self._answering.say(command)
                if self._answering.ended is not None and self._answering.ended.outreach_id:
                    self.prompts.response_ended(self._answering.ended.outreach_id)
            case (
                c.PrepareSpeech()
                | c.BeginResponse()
                | c.Speak()
                | c.PauseSpeech()
                | c.ResumeSpeech()
                | c.StopAfter()
                | c.StopSpeech()
                | c.Truncate()
            ):
                self._answering.say(command)
            case c.ClaimPrompt() | c.ReleasePrompt() | c.ReportPrompt():
                self.prompts.do(command)
            case c.ReportFloor(floor):
                self._core.tell(told.FloorChanged(floor))
            case c.ReportIdle():
                self._listening.commit_silence()
            case _:
                assert_never(command)
