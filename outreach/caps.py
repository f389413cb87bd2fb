"""What was said to a person lately, for caps and cooldowns.

The ledger notes what it publishes, and takes out again what ended unspoken; tests are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from outreach.keys import person_key
from outreach.scripts import Call, command

MOST = 1000
"""Prompts looked at; who heard more than that lately has reached any cap."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A prompt that went out to a person. at: Unix time of its first publishing."""

    at: float
    rule: str
    purpose: str
    id: str


def ask_recent(user: str, since: float) -> Call:
    """What `read_recent` reads: newest first. since: Unix time."""
    limits = ("+inf", since, "WITHSCORES", "LIMIT", 0, MOST)
    return command("ZREVRANGEBYSCORE", person_key(user, "spoken"), *limits)


def read_recent(found: Sequence[Any]) -> Sequence[Spoken]:
    """From members with their scores: in turn (RESP2), or in pairs (RESP3)."""
    flat = (
        [part for pair in found for part in pair]
        if found and isinstance(found[0], list | tuple)
        else found
    )
    return [
        Spoken(at=float(score), **orjson.loads(document))
        for document, score in zip(flat[::2], flat[1::2], strict=True)
    ]
