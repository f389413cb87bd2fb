"""What people ask for, or promise, for later: "remind me to ... in ten minutes", "be right back".

Read alike by the agent, which acknowledges it, and by the finder, which makes a prompt of it.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from intents.when import When, parse_when
from intents.words import words_of

MAX_PROMISE_WORDS = 12
"""Of a turn that says no more than when its speaker is back."""

PROMISE = "I will remind you"
"""Of the answer to who asks for a reminder."""

_REMIND = re.compile(
    r"\b(?:remind me|give me a reminder|set a reminder|wake me(?: up)?)\b", re.IGNORECASE
)
_REMIND_TO = re.compile(r"\bremind me (?:\w+ )?to\b|\b(?:set|give me) a reminder\b", re.IGNORECASE)
_NO_REMINDER = re.compile(
    r"\b(?:(?:cancel|forget|delete|stop|drop)\b.{0,20}\bremind|(?:don't|do not|no need to) remind)",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(?:to|about|that|of|for)\b\s*", re.IGNORECASE)
_BACK = re.compile(
    r"\bbe (?:right )?back\b|\bbrb\b|\b(?:come|call|get) back\b|\bback in\b|\bback at\b"
    r"|\b(?:i'll|i will|let me) (?:think about|decide|let you know|check)\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:i|i'll|i'm|me|brb|we|we'll|right back)\b|^\W*(?:be (?:right )?)?back\b", re.IGNORECASE
)
_LEAVING = re.compile(r"\bbe (?:right )?back\b|\bbrb\b|\bcome back (?:in|at)\b|\bback (?:in|at)\b")
_QUESTION = re.compile(
    r"^(?:and |but |so |um |uh |okay |well |sorry |excuse me |hi |hello )*"
    r"(?:what|when|where|who|whose|which|why|how|do you|does|did|is|are|was|were|can you"
    r"|could you|have you|has|will|would you|may i|can i|is there|are there)\b"
)


@dataclass(frozen=True, slots=True)
class Reminder:
    """Somebody wants to be reminded. about: of what, in their words, "" if they did not say."""

    about: str
    when: When


def reminder_in(text: str, now: datetime) -> Reminder | None:
    """The reminder that `text` asks for, with its time; `now` is local, best with its zone."""
    if takes_back_reminder(text):
        return None
    asked = _REMIND.search(text)
    when = parse_when(text, now)
    if asked is None or when is None:
        return None
    rest = text[: when.start] + text[when.end :]
    after = rest[asked.end() :] if when.start > asked.start() else rest
    about = _ABOUT.search(after)
    thing = after[about.end() :] if about else ""
    return Reminder(thing.strip(" ,.!?"), when)


def lacks_a_time(text: str, now: datetime) -> bool:
    """Whether `text` asks for a reminder and does not say when (yet)."""
    if _REMIND_TO.search(text) is None or takes_back_reminder(text):
        return False
    return parse_when(text, now) is None


def takes_back_reminder(text: str) -> bool:
    """Whether reminders that were asked for are not wanted any more: "cancel that reminder"."""
    return _NO_REMINDER.search(text) is not None


def promises(text: str) -> bool:
    """Whether somebody says that they will be back, or will let us know."""
    return _BACK.search(text) is not None and _OWN.search(text) is not None


def leaves_for_now(text: str) -> bool:
    """Whether a turn says no more than that its speaker goes away and will be back."""
    words = words_of(text)
    if not promises(text) or is_question(text) or len(words) > MAX_PROMISE_WORDS:
        return False
    return _LEAVING.search(" ".join(words)) is not None


def is_question(text: str) -> bool:
    """Whether words, typed or as a recognizer writes them, ask for something."""
    return text.rstrip().endswith("?") or _QUESTION.match(" ".join(words_of(text))) is not None
