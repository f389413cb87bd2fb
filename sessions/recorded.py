"""The machine's events and commands out of JSON, exactly as they went in.

Writing them is orjson's: dataclasses become objects, enums their values, tuples arrays, and
infinity null. Reading follows the classes' own annotations, so a new event or field needs nothing
here; what a record has and this version has not is an error that names it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from conversation.commands import Command
from conversation.events import Event
from conversation.policy import TurnPolicy

Reader: TypeAlias = Callable[[Any], Any]


class RecordedError(ValueError):
    """What is recorded is nothing that this version knows. The message names it."""


def read_event(name: object, fields: object) -> Event:
    """An event from its class's name and its fields; raises RecordedError."""
    event: Event = _read_member(_members(Event), "event", name, fields)
    return event


def read_command(name: object, fields: object) -> Command:
    """A command from its class's name and its fields; raises RecordedError."""
    command: Command = _read_member(_members(Command), "command", name, fields)
    return command


def read_policy(fields: object) -> TurnPolicy:
    """A session's policy from its fields; raises RecordedError."""
    policy: TurnPolicy = _reader(TurnPolicy)(fields)
    return policy


def _read_member(kinds: Mapping[str, type], what: str, name: object, fields: object) -> Any:
    if not isinstance(name, str) or name not in kinds:
        raise RecordedError(f"this version knows no {what} {name!r}")
    return _reader(kinds[name])(fields)


@cache
def _members(union: Any) -> Mapping[str, type]:
    return {kind.__name__: kind for kind in get_args(union)}


@cache
def _reader(kind: Any) -> Reader:
    """What makes a value of this annotation out of JSON."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if isinstance(kind, UnionType):
        return _union_reader(get_args(kind))
    if kind is float:
        return _read_float
    if kind in (int, str, bool, NoneType):
        return _plain_reader(kind)
    raise TypeError(f"records cannot hold a {kind}")  # a mistake in the class, found by the tests


def _object_reader(kind: type) -> Reader:
    name = kind.__name__
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hints = get_type_hints(kind)
    needed = {
        field.name
        for field in fields.values()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise RecordedError(f"{name} should be an object, not {value!r:.80}")
        if unknown := value.keys() - fields.keys():
            raise RecordedError(f"{name} has a field that this version lacks: {_list(unknown)}")
        if missing := needed - value.keys():
            raise RecordedError(f"{name} lacks {_list(missing)}")
        return kind(**{key: _reader(hints[key])(each) for key, each in value.items()})

    return read


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _enum_reader(kind: type[Enum]) -> Reader:
    def read(value: Any) -> Any:
        try:
            return kind(value)
        except ValueError:
            raise RecordedError(f"this version knows no {kind.__name__} {value!r:.80}") from None

    return read


def _tuple_reader(kinds: tuple[Any, ...]) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise RecordedError(f"expected an array, not {value!r:.80}")
        if kinds[-1] is Ellipsis:
            return tuple(map(_reader(kinds[0]), value))
        if len(value) != len(kinds):
            raise RecordedError(f"expected {len(kinds)} values, not {value!r:.80}")
        return tuple(_reader(each)(part) for each, part in zip(kinds, value, strict=True))

    return read


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    """One of several classes is known by its fields' names, which no two of them share."""
    classes: dict[frozenset[str], type] = {
        frozenset(field.name for field in dataclasses.fields(kind)): kind
        for kind in kinds
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    }
    (plain,) = [k for k in kinds if k is not NoneType and k not in classes.values()] or [None]

    def read(value: Any) -> Any:
        if value is None and NoneType in kinds:
            return None
        if isinstance(value, dict):
            if kind := classes.get(frozenset(value)):
                return _reader(kind)(value)
        elif plain is not None:
            return _reader(plain)(value)
        raise RecordedError(f"this version knows nothing like {value!r:.80}")

    return read


def _plain_reader(kind: type) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise RecordedError(f"expected {kind.__name__}, not {value!r:.80}")
        return value

    return read


def _read_float(value: Any) -> float:
    if value is None:
        return float("inf")
    if type(value) not in (int, float):
        raise RecordedError(f"expected a number, not {value!r:.80}")
    return float(value)
