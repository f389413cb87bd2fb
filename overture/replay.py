"""`overture replay SESSION`: a recorded session through the machine once more."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from conversation import Endpointing, TurnPolicy
from conversation.commands import Command
from overture.errors import UserError
from sessions.journal_files import records, session_of
from sessions.journal_reading import JournalError, Recording, Step, read_record
from sessions.replaying import Difference, replay

Change = Callable[[TurnPolicy], TurnPolicy]


def replay_session(folder: Path, session: str, endpointing: Sequence[str], *, as_json: bool) -> int:
    """Replays every record of the session and prints what came of it; 1 if one differs.

    session: its id, the beginning of it, or a record's path. endpointing: what is to be tried,
    "complete_ms=200". Raises UserError when there is no such session.
    """
    change = _change(endpointing)
    differs = False
    for path in _find(folder, session):
        try:
            recording = read_record(path)
        except JournalError as error:
            raise UserError(str(error)) from None
        difference = replay(recording, change)
        differs = differs or difference is not None
        if as_json:
            print(orjson.dumps(_as_json(recording, difference)).decode())
        else:
            print("\n".join(_for_people(recording, difference)))
    return int(differs)


def _find(folder: Path, session: str) -> list[Path]:
    if "/" in session or session.endswith(".jsonl"):
        return [Path(session)]
    found = [path for path in records(folder) if session_of(path).startswith(session)]
    names = sorted({session_of(path) for path in found})
    if session in names:
        return [path for path in found if session_of(path) == session]
    if len(names) == 1:
        return found
    if not names:
        raise UserError(f"{folder} has no record of a session {session!r}")
    raise UserError(f"{session!r} could be {_some(names)}; give more of it")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")


def _change(endpointing: Sequence[str]) -> Change | None:
    """What `--endpointing complete_ms=200` makes of a policy."""
    known = [field.name for field in fields(Endpointing)]
    values: dict[str, int] = {}
    for setting in endpointing:
        name, _, value = setting.partition("=")
        if name not in known or not value.isdecimal():
            raise UserError(f"--endpointing {setting}: give one of {', '.join(known)}, as NAME=MS")
        values[name] = int(value)
    if not values:
        return None
    return lambda policy: replace(policy, endpointing=replace(policy.endpointing, **values))


def _for_people(recording: Recording, difference: Difference | None) -> list[str]:
    heading, steps = recording.heading, recording.steps
    began = datetime.fromtimestamp(heading.began, UTC)
    lasted = steps[-1].now - heading.clock if steps else 0.0
    commands = sum(len(step.commands or ()) for step in steps)
    lines = [
        f"{heading.session}  {began:%Y-%m-%d %H:%M:%S} UTC  user {heading.user}, "
        f"agent {heading.agent}, Overture {heading.software}",
        f"  {lasted:.1f} s, {len(steps)} events, {commands} commands",
    ]
    if recording.broken_off:
        lines.append(f"  the record breaks off: {recording.broken_off}")
    if difference is None:
        return [*lines, "  the commands are the same"]
    return [*lines, *_shown(difference, heading.clock)]


def _shown(difference: Difference, since: float) -> list[str]:
    lines = [f"  differs at {difference.at - since:.3f} s (line {difference.line}):"]
    lines += [_step(step, since) for step in difference.before]
    lines.append(f"    {difference.at - since:9.3f}  {difference.event}")
    lines.append(f"      recorded: {_commands(difference.recorded)}")
    failed = f"  ({difference.failure})" if difference.failure else ""
    lines.append(f"      now:      {_commands(difference.now)}{failed}")
    return lines


def _step(step: Step, since: float) -> str:
    said = f"  ->  {_commands(step.commands)}" if step.commands != () else ""
    return f"    {step.now - since:9.3f}  {step.event}{said}"


def _commands(commands: Iterable[Command] | None) -> str:
    if commands is None:
        return "the machine failed"
    return ", ".join(map(str, commands)) or "nothing"


def _as_json(recording: Recording, difference: Difference | None) -> dict[str, Any]:
    heading = recording.heading
    return {
        "session": heading.session,
        "user": heading.user,
        "path": str(recording.path),
        "began": heading.began,
        "events": len(recording.steps),
        "commands": sum(len(step.commands or ()) for step in recording.steps),
        "broken_off": recording.broken_off,
        "same": difference is None,
        "difference": None if difference is None else _difference_as_json(difference),
    }


def _difference_as_json(difference: Difference) -> dict[str, Any]:
    return {
        "line": difference.line,
        "at": difference.at,
        "event": _named(difference.event),
        "recorded": _all_named(difference.recorded),
        "now": _all_named(difference.now),
        "failure": difference.failure,
    }


def _named(value: Any) -> dict[str, Any]:
    return {"name": type(value).__name__, **dataclasses.asdict(value)}


def _all_named(commands: Iterable[Command] | None) -> list[dict[str, Any]] | None:
    return None if commands is None else [_named(command) for command in commands]
