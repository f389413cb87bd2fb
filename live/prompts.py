"""One session's prompts: offered to the machine, claimed before their first sample, reported."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from conversation import commands as c
from conversation import events as e
from conversation.prompts import OnBargeIn, Priority, Prompt, PromptOutcome
from intents.replies import Reply
from live import events as told
from live.answering import Answering
from live.asking import history_of
from live.core import Core
from live.phrasing import phrased
from live.prompts_port import Client, KnownBy, NoPrompter, Prompter, Standing, ToSay
from live.replying import Replying
from live.work import Work
from outreach.prompt import Outreach
from voice.pacing import Timer

SHOWN_WITHIN = 10.0
"""Seconds in which a text session's client says that it has shown a prompt; else it goes back."""

CARDS = 64
"""Whose "stop these" is understood: the latest."""

PromptCommand: TypeAlias = c.ClaimPrompt | c.ReleasePrompt | c.ReportPrompt

CUT_SHORT = frozenset({PromptOutcome.INTERRUPTED, PromptOutcome.RETURNED})


@dataclass(frozen=True, slots=True)
class _Unshown:
    """Sent to a text session whose client has not said that it shows it."""

    heard_ms: int
    timer: Timer


class Prompts:
    """Stands between the machine and whoever sends prompts, as their `Addressee`.

    standing: tells how the session stands. heard_all: returns when all audio that came was looked
    at. client: what is on the other side.
    prompter: where claims and reports go; the session signs on when it starts.
    """

    def __init__(
        self,
        core: Core,
        answering: Answering,
        replying: Replying,
        standing: Callable[[], Standing],
        heard_all: Callable[[], Awaitable[None]],
    ) -> None:
        self._core = core
        self._answering = answering
        self._replying = replying
        self._standing = standing
        self._heard_all = heard_all
        self._offered: dict[str, ToSay] = {}
        self._carded: dict[str, None] = {}
        self._shown: set[str] = set()
        self._unshown: dict[str, _Unshown] = {}
        self._phrasing: set[str] = set()
        self._work = Work()
        self._work_count = 0
        self._closed = False
        self.prompter: Prompter = NoPrompter()
        self.client = Client()
        replying.on_reply = self._replied

    # From whoever sends prompts: see `Addressee`

    @property
    def id(self) -> str:
        """The session's name."""
        return self._core.context.id

    @property
    def user(self) -> str:
        """Whose it is."""
        return self._core.context.user

    @property
    def standing(self) -> Standing:
        """How the session stands now."""
        return self._standing()

    def offer(self, to_say: ToSay) -> None:
        """Has it said when the floor allows it."""
        outreach, parts = to_say.outreach, self._core.parts
        expires = parts.clock.now() + to_say.expires_in
        self._offered[outreach.id] = to_say
        if self._closed:
            self._report(outreach.id, PromptOutcome.RETURNED, 0, 0.0, "clock")
        elif outreach.goal and parts.follows_instructions:
            self._phrasing.add(outreach.id)
            self._start(self._phrase(to_say, expires))
        else:
            self._queue(to_say, expires)

    async def _phrase(self, to_say: ToSay, expires: float) -> None:
        core = self._core
        answerer, instructions = core.parts.answerer, core.config.instructions
        history = history_of(core.history.items)
        to_say = await phrased(answerer, to_say, history, instructions, core.log)
        if to_say.outreach.id in self._phrasing:  # else it was withdrawn meanwhile
            self._phrasing.discard(to_say.outreach.id)
            self._offered[to_say.outreach.id] = to_say
            self._queue(to_say, expires)

    def _queue(self, to_say: ToSay, expires: float) -> None:
        core, outreach = self._core, to_say.outreach
        if to_say.sentences:
            self.prepare(to_say.sentences[0])
        prompt = Prompt(
            outreach.id,
            to_say.sentences,
            Priority[outreach.priority.upper()],
            due=core.parts.clock.now(),
            expires=expires,
            on_barge_in=OnBargeIn(outreach.on_barge_in),
            attempts=to_say.attempts,
            quiet=outreach.quiet_s,
        )
        core.post(e.PromptOffered(prompt))

    def prepare(self, sentence: str) -> None:
        """Has its audio made."""
        if self._core.config.audio:
            self._answering.mouth.prepare(sentence, self._core.config.voice)

    def withdraw(self, outreach_id: str, *, cut: bool = False) -> None:
        """It is not to be begun any more; cut: what is being said of it breaks off."""
        if outreach_id in self._phrasing:
            self._phrasing.discard(outreach_id)
            self._report(outreach_id, PromptOutcome.CANCELLED, 0, 0.0, "clock")
        self._core.post(e.PromptWithdrawn(outreach_id, cut))

    def show(self, outreach: Outreach) -> None:
        """Shows what is said to the person in another session of theirs."""
        self._card(outreach, spoken_here=False)

    def hide(self, outreach_id: str) -> None:
        """Takes its card away, if there is one."""
        if outreach_id in self._carded:
            del self._carded[outreach_id]
            self._core.tell(told.CardGone(outreach_id))

    # From the client

    def acknowledge(self, outreach_id: str) -> None:
        """The client shows it to the person: that is how it is heard where nothing sounds."""
        if (unshown := self._unshown.pop(outreach_id, None)) is not None:
            unshown.timer.cancel()
            self._report(outreach_id, PromptOutcome.HEARD, unshown.heard_ms, 1.0, "acknowledged")
        elif outreach_id in self._offered and outreach_id in self._carded:
            self._shown.add(outreach_id)

    def refuse(self, outreach_id: str) -> None:
        """The person wants no more of its kind, by a button."""
        if outreach_id in self._carded:
            self._replied(outreach_id, Reply("stop"))

    # From the machine

    def begun(self, outreach_id: str) -> None:
        """Its response begins, the first or another one."""
        to_say = self._offered.get(outreach_id)
        if to_say is None:
            return
        self._replying.begun(to_say)
        if to_say.outreach.earcon and outreach_id not in self._carded:
            self._answering.announced.add(outreach_id)
        if outreach_id not in self._carded:
            self._card(to_say.outreach, spoken_here=True)

    def do(self, command: PromptCommand) -> None:
        """Carries out one of the machine's commands."""
        match command:
            case c.ClaimPrompt(prompt_id):
                self._start(self._claim(prompt_id))
            case c.ReleasePrompt(prompt_id):
                self.prompter.release(prompt_id)
            case c.ReportPrompt():
                self._over(command)
            case _:
                assert_never(command)

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        self._work_count += 1
        self._work.start(self._work_count, doing)

    async def _claim(self, prompt_id: str) -> None:
        granted = False
        try:
            granted = await self.prompter.begin(prompt_id)
            # The machine looks at the floor again when it is granted; let it see all there is. It
            # gives the claim up by itself if the ears are far behind.
            await self._heard_all()
        except Exception:
            self._core.log.exception("claim_failed", outreach=prompt_id)
        answer = e.PromptGranted(prompt_id) if granted else e.PromptRefused(prompt_id)
        self._core.post(answer)

    def response_ended(self, outreach_id: str) -> None:
        """One of its responses is over; the report may follow, or another attempt."""
        ended = self._answering.ended
        self._replying.ended(outreach_id, heard=ended is not None and ended.begun)

    def _over(self, report: c.ReportPrompt) -> None:
        prompt_id, ended = report.prompt_id, self._answering.ended
        outcome, by = report.outcome, self._known_by(prompt_id)
        sent = ended is not None and ended.outreach_id == prompt_id and not ended.audio
        if prompt_id in self._shown:
            by = "acknowledged"
            outcome = PromptOutcome.HEARD if outcome in CUT_SHORT else outcome
        elif outcome is PromptOutcome.HEARD and sent and self.client.acknowledges:
            self._wait_until_shown(prompt_id, report.heard_ms)
            return
        if outcome in (PromptOutcome.CANCELLED, PromptOutcome.EXPIRED):
            self.hide(prompt_id)
        self._report(prompt_id, outcome, report.heard_ms, report.heard_share, by)

    def _known_by(self, prompt_id: str) -> KnownBy:
        ended = self._answering.ended
        if ended is None or ended.outreach_id != prompt_id:
            return "clock"
        if not ended.audio:
            return "sent"
        return "client" if ended.client_reported else "clock"

    def _wait_until_shown(self, outreach_id: str, heard_ms: int) -> None:
        clock = self._core.parts.clock
        timer = clock.call_at(clock.now() + SHOWN_WITHIN, lambda: self._not_shown(outreach_id))
        self._unshown[outreach_id] = _Unshown(heard_ms, timer)

    def _not_shown(self, outreach_id: str) -> None:
        if self._unshown.pop(outreach_id, None) is not None:
            self._report(outreach_id, PromptOutcome.RETURNED, 0, 0.0, "sent")

    def _report(
        self,
        outreach_id: str,
        outcome: PromptOutcome,
        heard_ms: int,
        heard_share: float,
        by: KnownBy,
    ) -> None:
        self._offered.pop(outreach_id, None)
        self._shown.discard(outreach_id)
        self.prompter.report(outreach_id, outcome, heard_ms, heard_share, by)

    # Cards and answers

    def _card(self, outreach: Outreach, *, spoken_here: bool) -> None:
        """Shows it, where the client has a place for that."""
        self._carded[outreach.id] = None
        if len(self._carded) > CARDS:
            del self._carded[next(iter(self._carded))]
        self._core.tell(
            told.CardShown(
                outreach.id,
                outreach.text,
                outreach.reason,
                outreach.rule,
                outreach.purpose,
                spoken_here,
            )
        )

    def _replied(self, outreach_id: str, reply: Reply) -> None:
        self._core.tell(told.Replied(outreach_id, reply.kind, reply.when_s))
        self.prompter.replied(outreach_id, reply)
        if reply.kind == "stop":
            self.hide(outreach_id)
        if reply.kind != "why" and outreach_id in self._offered:
            # They were told, and have answered: the rest is not said after all.
            self.withdraw(outreach_id)

    # Life

    async def settled(self) -> None:
        """Returns when no claim is open, and nothing is being put into words."""
        await self._work.settled()

    async def aclose(self) -> None:
        """The session is over: what was sent and not shown goes back, and what never began."""
        self._closed = True
        for outreach_id in list(self._phrasing):
            self._phrasing.discard(outreach_id)
            self._report(outreach_id, PromptOutcome.RETURNED, 0, 0.0, "clock")
        for outreach_id, unshown in list(self._unshown.items()):
            unshown.timer.cancel()
            self._not_shown(outreach_id)
        try:
            await self._work.aclose()
        finally:  # a seat that nobody leaves would be offered prompts for ever
            self.prompter.left()
