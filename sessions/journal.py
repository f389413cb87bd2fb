"""The journal port: what happened in a session, line by line, for replay, audit and evaluation.

A record is JSON lines. The first is the heading; each of the others is an array:

    ["e", now, EVENT, {fields}, [[COMMAND, {fields}], ...]]   what the machine was told, and said
    ["n", now, KIND, content]                                 what else is worth knowing

`now` is the session's clock, in seconds. Audio is never in it; people's words are.
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from numbers import Integral, Real
from typing import Any, Protocol

import orjson

from conversation.commands import Command
from conversation.events import Event
from conversation.policy import TurnPolicy

FORMAT = 1
"""Of the lines; a reader refuses what it does not know."""

BROKEN_OFF = "broken_off"
"""Kind of the note that ends a record which could not be kept up."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Of one session's record.

    began: Unix time. clock: the session's clock when its machine was made, with this policy.
    software: the version that wrote it.
    """

    session: str
    user: str
    agent: str
    agent_version: str
    software: str
    began: float
    clock: float
    policy: TurnPolicy
    format: int = FORMAT


@cache
def software() -> str:
    """The version that writes. The first call takes 20 ms."""
    return version("overture")


class Lines(Protocol):
    """Where one session's lines go. Neither waits nor raises: talk goes before its record."""

    def write(self, line: bytes) -> None:
        """Keeps the line, soon. It ends with a newline."""
        ...

    def break_off(self, reason: str) -> None:
        """Keeps nothing more of this session, and says so."""
        ...


class Record:
    """One session's record."""

    def __init__(self, lines: Lines, heading: Heading) -> None:
        self._lines = lines
        self._write(heading)

    def happened(self, event: Event, now: float, commands: Sequence[Command] | None) -> None:
        """The machine was told this; commands: what it said, None if it failed."""
        said = None if commands is None else [(type(each).__name__, each) for each in commands]
        self._write(("e", now, type(event).__name__, event, said))

    def note(self, kind: str, now: float, content: object) -> None:
        """Something else: what was recognized, found, asked of a model."""
        self._write(("n", now, kind, content))

    def _write(self, content: object) -> None:
        try:
            line = orjson.dumps(content, default=_plain, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError as error:  # a number beyond 64 bits, half a surrogate pair
            self._lines.break_off(f"cannot be written as JSON: {error}")
        else:
            self._lines.write(line)


class Journal(Protocol):
    """Keeps records of sessions."""

    def begin(self, heading: Heading) -> Record | None:
        """A new session's record; None where none is kept."""
        ...


class NoJournal:
    """Keeps nothing."""

    def begin(self, heading: Heading) -> Record | None:
        """See the port."""
        return None


_note: ContextVar[Callable[[str, object], None] | None] = ContextVar("note", default=None)


def noting(to: Callable[[str, object], None]) -> None:
    """From now on, `note` in this task writes there."""
    _note.set(to)


def note(kind: str, **content: Any) -> None:
    """For engines, which know of no session: a note in the record of the one they work for."""
    if (to := _note.get()) is not None:
        to(kind, content)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Integral):  # numpy's, from an engine
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"a {type(value).__name__} has no place in a record")
