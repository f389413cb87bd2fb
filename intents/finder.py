"""What in a talk deserves a word later: the port, and a finder that goes by plain phrases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import Enum
from typing import Literal, Protocol

from intents.later import PROMISE, is_question, promises, reminder_in, takes_back_reminder
from intents.replies import classify
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
        for at, item in enumerate(said):
            if item.role != "user":
                continue
            if takes_back_reminder(item.text):
                found.clear()
                continue
            asked = reminder_in(item.text, datetime.fromtimestamp(item.at, talk.zone))
            if asked is None or _puts_off(item, said[at + 1 :], talk):
                continue
            key = _key(talk, Kind.REMINDER, item)
            due = item.at + asked.when.delay_s
            found.append(Finding(Kind.REMINDER, key, asked.about, item.at, due))
        yield from found

    def _promises(self, talk: Talk, said: Sequence[Said]) -> Iterator[Finding]:
        spoken = [item for item in said if item.role == "user"]
        if not spoken:
            return
        last = spoken[-1]  # whoever spoke after a promise has come back
        if not promises(last.text):
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


def _puts_off(item: Said, later: Sequence[Said], talk: Talk) -> bool:
    """Whether "remind me in ten minutes" answers a prompt, which is then said again by itself.

    It is a reminder only if the agent has taken it for one.
    """
    now = datetime.fromtimestamp(item.at, talk.zone)
    if classify(item.text, (), now).kind != "not_now":
        return False
    answer = next((each.text for each in later if each.role == "assistant"), "")
    return PROMISE not in answer


def _key(talk: Talk, kind: Kind, item: Said) -> str:
    return f"{talk.session}:{kind.value}:{item.id}"
