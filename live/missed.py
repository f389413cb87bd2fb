"""A prompt as it is said: at its time, or to somebody who may have missed it."""

from intents.words import words_of
from live.prompts_port import ToSay
from outreach.claims import Claim
from voice.sentences import split_sentences

MISSED = "In case you missed it,"

_SMALL = frozenset(
    words_of(
        "a an the your our my their his her its we you they he she it there this that these those "
        "all both some any one two three please today tomorrow now"
    )
)
"""Words that are written small after a comma; any other may be a name."""


def to_say(claim: Claim, lease_s: float) -> ToSay:
    """What a session says of a prompt that was just reserved for `lease_s`."""
    outreach = claim.entry.outreach
    text = outreach.text
    if claim.again:
        text = outreach.missed or in_case_missed(text)
    redis_now = claim.entry.until - lease_s
    return ToSay(
        outreach,
        tuple(split_sentences(text)),
        again=claim.again,
        attempts=max(1, outreach.attempts - claim.begun),
        expires_in=max(0.0, outreach.expires - redis_now),
    )


def in_case_missed(text: str) -> str:
    """The same with "in case you missed it" before it."""
    first, space, rest = text.partition(" ")
    if first.lower() in _SMALL:
        first = first.lower()
    return f"{MISSED} {first}{space}{rest}"
