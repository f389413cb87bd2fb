"""What the agent said of its own accord and may be answered, and what it says to the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from intents.replies import Reply, classify
from live.prompts_port import ToSay
from outreach.prompt import Outreach

ANSWERABLE_S = 30.0
"""Seconds after a prompt in which the next words may be an answer to it."""
LATER_S = 900.0
"""Seconds that "not now" and "later" mean without a time."""


@dataclass(frozen=True, slots=True)
class Replied:
    """Words that answer a prompt, and what is said to them."""

    outreach_id: str
    reply: Reply
    say: str


@dataclass(slots=True)
class _Prompted:
    to_say: ToSay
    until: float = float("inf")


class Replying:
    """One session's. Reading changes nothing; only `turned` does, when the turn has ended.

    now: the session's clock. local: the person's wall time.
    """

    def __init__(self, now: Callable[[], float], local: Callable[[], datetime]) -> None:
        self._now = now
        self._local = local
        self._prompted: _Prompted | None = None
        self.on_reply: Callable[[str, Reply], None] = lambda outreach_id, reply: None

    def begun(self, to_say: ToSay) -> None:
        """It is being said from now on."""
        self._prompted = _Prompted(to_say)

    def ended(self, outreach_id: str, *, heard: bool) -> None:
        """Nothing more of it is said now. heard: the person heard at least some of it."""
        prompted = self._prompted
        if prompted is not None and prompted.to_say.outreach.id == outreach_id:
            prompted.until = self._now() + ANSWERABLE_S
            if not heard:
                self._prompted = None

    def read(self, text: str) -> Replied | None:
        """The answer that these words are, None if they are an ordinary turn."""
        prompted = self._prompted
        if prompted is None or self._now() >= prompted.until:
            return None
        outreach = prompted.to_say.outreach
        expects = [(each.name, each.sentences, each.say) for each in outreach.expects]
        reply = classify(text, expects, self._local())
        if reply.kind == "other" or (reply.kind in ("yes", "no") and not _asks(prompted.to_say)):
            return None
        return Replied(outreach.id, reply, _words(reply, prompted.to_say))

    def turned(self, replied: Replied | None) -> None:
        """The person's turn has ended: it was this answer, or something else."""
        prompted, self._prompted = self._prompted, None
        if replied is None or prompted is None:
            return
        if replied.reply.kind in ("why", "repeat"):  # now they can make up their mind
            self._prompted = _Prompted(prompted.to_say, self._now() + ANSWERABLE_S)
        self.on_reply(replied.outreach_id, replied.reply)


def later_s(reply: Reply) -> float:
    """Seconds until what was answered with "not now" is said again."""
    return LATER_S if reply.when_s is None else reply.when_s


def about(outreach: Outreach) -> str:
    """What a prompt is about, in a word or two."""
    return outreach.purpose.replace("_", " ")


def _asks(to_say: ToSay) -> bool:
    return any(sentence.rstrip(" \"')").endswith("?") for sentence in to_say.sentences)


def _words(reply: Reply, to_say: ToSay) -> str:
    outreach = to_say.outreach
    match reply.kind:
        case "not_now":
            return f"All right, {reply.when or 'in a quarter of an hour'}."
        case "stop":
            return f"All right, I won't tell you about {about(outreach)} any more."
        case "repeat":
            return " ".join(to_say.sentences)
        case "why":
            return outreach.reason or "I was asked to tell you."
        case "expected":
            return reply.say or "All right."
        case _:
            return "All right."
