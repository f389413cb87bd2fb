"""What a question asks once the conversation around it is taken into account."""

import re
from datetime import date, timedelta

from knowledge.passages import Message, Question

MAX_QUESTION_CHARS = 2_000

_GOES_ON = re.compile(r"\s*(?:and|or|but|what about|how about|then|ok(?:ay)?)\b", re.IGNORECASE)
_DAYS = {"today": 0, "tonight": 0, "now": 0, "tomorrow": 1}
_RELATIVE_DAY = re.compile(rf"\b({'|'.join(_DAYS)})\b", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def what_is_asked(question: Question, today: date) -> tuple[str, str]:
    """The question with weekdays for "today" and "tomorrow", and the one that it goes on from.

    The second is "" for a question that stands by itself: only "and on Saturday?" goes on.
    """
    asked = _with_weekday(question.text[:MAX_QUESTION_CHARS], today)
    if not _GOES_ON.match(asked):
        return asked, ""
    before = _with_weekday(asked_before(question), today)
    if _WEEKDAY.search(asked):  # "and on Saturday?" takes the place of the day before
        before = _WEEKDAY.sub(" ", before)
    return asked, before


def asked_before(question: Question) -> str:
    """The last question before this one; a history may end with the question itself."""
    said = (
        before.text
        for before in reversed(question.history)
        if isinstance(before, Message) and before.role == "user"
    )
    return next((text for text in said if text != question.text), "")[:MAX_QUESTION_CHARS]


def _with_weekday(text: str, today: date) -> str:
    def weekday(match: re.Match[str]) -> str:
        day = today + timedelta(days=_DAYS[match[1].lower()])
        return _WEEKDAYS[day.weekday()]

    return _RELATIVE_DAY.sub(weekday, text)
