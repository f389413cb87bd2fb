"""What in a talk deserves a word later: the port, and a finder that goes by plain phrases."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import Enum
from typing import Literal, Protocol

from intents.understanding import Form
from intents.when import parse_when
from intents.words import words_of

RIGHT_BACK_S = 300.0
"""What "be right back" is taken for where no time was named."""
ANSWER_S = 60.0
"""A question that had no answer for so long will get none."""
MAX_SAID = 200
"""Latest items of a talk that are read."""


class Kind(Enum):
    """What was found."""

    UNANSWERED = "unanswered"
    """A question that the agent could not answer, or that nobody answered."""
    ABANDONED = "abandoned"
    """An intent that was begun and not finished."""
    PROMISE = "promise"
    """"I'll be back in ten minutes", and nobody came yet."""
    REMINDER = "reminder"
    """"Remind me to call Anna at four"."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said. at: Unix time."""

    id: str
    role: Literal["user", "assistant"]
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as far as it has come. now: Unix time. zone: the person's.

    form: the open one. ended: nobody is connected any more.
    """

    session: str
    user: str
    said: Sequence[Said]
    now: float
    zone: tzinfo
    form: Form | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that deserves a prompt. key: the same however often the talk is read.

    text: what it is about, in the person's words. at: Unix time of it. due: when the prompt is due.
    """

    kind: Kind
    key: str
    text: str
    at: float
    due: float
    intent: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)


class Finder(Protocol):
    """Reads talks. Pure, and quick enough for thousands of talks a minute."""

    name: str

    def find(self, talk: Talk) -> Sequence[Finding]:
        """What deserves a prompt now, the same findings as before among them."""
        ...


_REMIND = re.compile(
    r"\b(?:remind me|give me a reminder|set a reminder|wake me(?: up)?)\b", re.IGNORECASE
)
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
_QUESTION = re.compile(
    r"^(?:and |but |so |um |uh |okay |well |sorry |excuse me |hi |hello )*"
    r"(?:what|when|where|who|whose|which|why|how|do you|does|did|is|are|was|were|can you"
    r"|could you|have you|has|will|would you|may i|can i|is there|are there)\b"
)


class PlainFinder:
    """Goes by phrases that people use; English.

    unknown: what the agent says when it does not know.
    """

    name = "plain phrases"

    def __init__(self, unknown: Sequence[str] = ()) -> None:
        self._unknown = tuple(filter(None, (" ".join(words_of(text)) for text in unknown)))

    def find(self, talk: Talk) -> Sequence[Finding]:
        """See Finder."""
        said = talk.said[-MAX_SAID:]
        return [
            *self._reminders(talk, said),
            *self._promises(talk, said),
            *self._unanswered(talk, said),
            *self._abandoned(talk, said),
        ]

    def _reminders(self, talk: Talk, said: Sequence[Said]) -> Iterator[Finding]:
        found: list[Finding] = []
        for item in said:
            if item.role != "user":
                continue
            if _NO_REMINDER.search(item.text):
                found.clear()
                continue
            asked = _REMIND.search(item.text)
            when = parse_when(item.text, datetime.fromtimestamp(item.at, talk.zone))
            if asked is None or when is None:
                continue
            rest = item.text[: when.start] + item.text[when.end :]
            after = rest[asked.end() :] if when.start > asked.start() else rest
            about = _ABOUT.search(after)
            thing = after[about.end() :] if about else ""
            found.append(
                Finding(
                    Kind.REMINDER,
                    _key(talk, Kind.REMINDER, item),
                    thing.strip(" ,.!?"),
                    item.at,
                    item.at + when.delay_s,
                )
            )
        yield from found

    def _promises(self, talk: Talk, said: Sequence[Said]) -> Iterator[Finding]:
        spoken = [item for item in said if item.role == "user"]
        if not spoken:
            return
        last = spoken[-1]  # whoever spoke after a promise has come back
        if not (_BACK.search(last.text) and _OWN.search(last.text)):
            return
        when = parse_when(last.text, datetime.fromtimestamp(last.at, talk.zone))
        delay_s = RIGHT_BACK_S if when is None else when.delay_s
        key = _key(talk, Kind.PROMISE, last)
        yield Finding(Kind.PROMISE, key, last.text.strip(), last.at, last.at + delay_s)

    def _unanswered(self, talk: Talk, said: Sequence[Said]) -> Iterator[Finding]:
        open_questions: dict[str, Finding] = {}
        for at, item in enumerate(said):
            if item.role != "user" or not is_question(item.text):
                continue
            words = " ".join(words_of(item.text))
            answer = next((each for each in said[at + 1 :]), None)
            silent = answer is None or answer.role == "user"
            if silent and answer is None and not talk.ended and talk.now - item.at < ANSWER_S:
                continue  # it is being answered
            if answer is not None and not silent and not self._is_unknown(answer.text):
                open_questions.pop(words, None)
                continue
            if silent and answer is not None and answer.at - item.at < ANSWER_S:
                continue  # the person went on before an answer could come
            open_questions[words] = Finding(
                Kind.UNANSWERED,
                _key(talk, Kind.UNANSWERED, item),
                item.text.strip(),
                item.at,
                talk.now,
            )
        yield from open_questions.values()

    def _is_unknown(self, text: str) -> bool:
        words = " ".join(words_of(text))
        return any(words.startswith(unknown) for unknown in self._unknown)

    def _abandoned(self, talk: Talk, said: Sequence[Said]) -> Iterator[Finding]:
        spoken = [item for item in said if item.role == "user"]
        if talk.form is None or not spoken:
            return
        last = spoken[-1]
        yield Finding(
            Kind.ABANDONED,
            f"{talk.session}:{Kind.ABANDONED.value}:{talk.form.intent}:{last.id}",
            last.text.strip(),
            last.at,
            last.at,
            talk.form.intent,
            dict(talk.form.slots),
        )


def is_question(text: str) -> bool:
    """Whether words, typed or as a recognizer writes them, ask for something."""
    return text.rstrip().endswith("?") or _QUESTION.match(" ".join(words_of(text))) is not None


def _key(talk: Talk, kind: Kind, item: Said) -> str:
    return f"{talk.session}:{kind.value}:{item.id}"
