"""Coming back to a conversation: who may, and where the agent's answer goes on."""

from dataclasses import dataclass
from hmac import compare_digest

from sessions.context import Answer, Played, Sentence, SessionContext

GO_ON_WITHIN_S = 60.0
"""Seconds after which nobody waits for the rest of an answer any more."""

HEARD_SLACK_MS = 250
"""A sentence of which no more than this was to come counts as heard: clients report every 100 ms,
and what is on its way in their loudspeakers is heard without a report."""


@dataclass(frozen=True, slots=True)
class Return:
    """What a client shows that comes back.

    user: who it is, as its key says or where there are none as it says itself; None if nobody did.
    token: the session's resume token, "" without. played: how far it played the agent's last audio.
    """

    user: str | None = None
    token: str = ""
    played: Played | None = None


def may_go_on(context: SessionContext, back: Return) -> bool:
    """Whether this client may take the session: it is its user's, or nobody said who it is and it
    has the token. Another user may not, not even with the token; and a wrong token is a forgery."""
    if back.token:
        right = compare_digest(back.token.encode(), context.resume_token.encode())
        return right and back.user in (None, context.user)
    return back.user == context.user


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes on.

    heard: its words that were played, up to `heard_ms` of the item's audio, with their marks.
    rest: the sentences to say, from the one in which it broke off.
    """

    heard: str
    heard_ms: int
    marks: tuple[tuple[int, int], ...]
    rest: tuple[str, ...]


def place_in(answer: Answer, stored: Played | None, reported: Played | None) -> Place:
    """Where the listener is in the answer: the client knows better than the server did."""
    for known in (reported, stored):
        if known is not None and known.item_id == answer.item_id:
            return _place_at(answer, known.ms)
    return _place_at(answer, 0)


def _place_at(answer: Answer, played_ms: int) -> Place:
    heard: list[str] = []
    marks: list[tuple[int, int]] = []
    before = 0
    for index, sentence in enumerate(answer.sentences):
        part = _heard(sentence, played_ms)
        if part:
            heard.append(part)
            start_ms = sentence.start_ms or 0
            marks += [
                (before + char, start_ms + ms) for char, ms in sentence.marks if char <= len(part)
            ]
            before += len(part) + 1
        if part != sentence.text:
            rest = tuple(each.text for each in answer.sentences[index:])
            return Place(" ".join(heard), _last_ms(marks), tuple(marks), rest)
    return Place(" ".join(heard), _last_ms(marks), tuple(marks), ())


def _heard(sentence: Sentence, played_ms: int) -> str:
    """Its words that were played."""
    if sentence.start_ms is None:
        return ""
    ms = played_ms - sentence.start_ms
    end = sentence.marks[-1] if sentence.marks else (0, 0)
    if end[0] >= len(sentence.text) and end[1] <= ms + min(HEARD_SLACK_MS, end[1] // 2):
        return sentence.text
    chars = [char for char, at in sentence.marks if at <= ms]
    return sentence.text[: max(chars, default=0)].rstrip()


def _last_ms(marks: list[tuple[int, int]]) -> int:
    return marks[-1][1] if marks else 0
