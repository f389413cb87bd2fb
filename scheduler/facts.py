"""What the policy decides on, and what each of its checks says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from scheduler.conditions import Outcome


class Spoken(Protocol):
    """Something that was said to the person, or will be. at: Unix time."""

    @property
    def at(self) -> float: ...
    @property
    def rule(self) -> str: ...
    @property
    def purpose(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is decided on, as plain values. None: it could not be read.

    now: Unix time (Redis'). zone: the person's, "" if unknown; agent_zone is taken instead.
    stopped: whether all outreach is stopped; stopped_why in words ("by ana: wrong prices").
    consent: purpose, or "*" for all, to whether they agreed; a purpose that is not in it was never
    asked. recent: what was published to them, back to `look_back` at the least.
    condition: what the rule's `when` gave. born: when the reason arose. attempts: how often it was
    begun. present: whether they have a live session; floor: of that session, for the record.
    unread: name of a fact above that is None, to why it could not be read.
    test: an operator sends it to themself.
    """

    user: str
    now: float | None
    born: float | None
    stopped: bool | None
    consent: Mapping[str, bool] | None
    recent: Sequence[Spoken] | None
    condition: Outcome | None
    present: bool | None
    zone: str = ""
    agent_zone: str = "UTC"
    stopped_why: str = ""
    floor: str = ""
    attempts: int | None = 0
    test: bool = False
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. reason: why it failed, or what it saw. until: of what passes by itself, when."""

    name: str
    passed: bool
    reason: str = ""
    until: float | None = None
    evidence: Mapping[str, JsonValue] = field(default_factory=dict)
