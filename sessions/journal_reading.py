"""Records of the journal, read back."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from conversation.commands import Command
from conversation.events import Event
from sessions.journal import BROKEN_OFF, FORMAT, Heading
from sessions.recorded import RecordedError, read_command, read_event, read_policy


class JournalError(Exception):
    """A record that cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the machine was told and what it said. commands: None if it failed. line: from 1."""

    line: int
    now: float
    event: Event
    commands: tuple[Command, ...] | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something else that was noted."""

    line: int
    now: float
    kind: str
    content: Any


@dataclass(frozen=True, slots=True)
class Recording:
    """A session's record. broken_off: why it ends before the session did, "" if it does not."""

    path: Path
    heading: Heading
    steps: tuple[Step, ...]
    notes: tuple[Note, ...]
    broken_off: str = ""


def read_record(path: Path) -> Recording:
    """The whole record; raises JournalError. A last line that a crash cut short is left out."""
    heading: Heading | None = None
    steps: list[Step] = []
    notes: list[Note] = []
    broken_off = ""
    for number, content in _lines(path):
        try:
            if heading is None:
                heading = _heading(content)
                continue
            match content:
                case ["e", now, name, told, said]:
                    steps.append(_step(number, now, name, told, said))
                case ["n", _, kind, {"reason": reason}] if kind == BROKEN_OFF:
                    broken_off = reason
                case ["n", now, str(kind), about]:
                    notes.append(Note(number, now, kind, about))
                case _:
                    raise RecordedError("this version knows no such line")
        except RecordedError as error:
            by = f" (written by Overture {heading.software})" if heading else ""
            raise JournalError(f"{path}:{number}: {error}{by}") from None
    if heading is None:
        raise JournalError(f"{path}: it is empty")
    return Recording(path, heading, tuple(steps), tuple(notes), broken_off)


def read_user(path: Path) -> str | None:
    """Whose record it is, whatever version wrote it; None if it does not say.

    Raises OSError.
    """
    with path.open("rb") as file:
        try:
            heading = orjson.loads(file.readline())
        except orjson.JSONDecodeError:
            return None
    user = heading.get("user") if isinstance(heading, dict) else None
    return user if isinstance(user, str) else None


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from None
    # What follows the last newline is nothing, or a line that was being written.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise JournalError(f"{path}:{number}: not JSON: {error}") from None


def _heading(content: Any) -> Heading:
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise RecordedError("it does not begin as a record does")
    if content["format"] != FORMAT:
        raise RecordedError(
            f"written in format {content['format']}, and this version reads {FORMAT}"
        )
    wanted = {field.name for field in fields(Heading)}
    if content.keys() != wanted:
        names = ", ".join(sorted(content.keys() ^ wanted))
        raise RecordedError(f"its heading differs from this version's in {names}")
    return Heading(**content | {"policy": read_policy(content["policy"])})


def _step(number: int, now: Any, name: Any, told: Any, said: Any) -> Step:
    if type(now) not in (int, float):
        raise RecordedError(f"expected a time, not {now!r:.80}")
    event = read_event(name, told)
    return Step(number, now, event, None if said is None else _commands(said))


def _commands(said: Any) -> tuple[Command, ...]:
    match said:
        case [*_] if all(isinstance(each, list) and len(each) == 2 for each in said):
            return tuple(read_command(name, fields) for name, fields in said)
        case _:
            raise RecordedError(f"expected commands, not {said!r:.80}")
