"""What a rule says, with values of the event, the person and the conversation put in.

`{event.data.drink}` is a value; `[...]` is left out when a value in it is missing, and if the text
began with it, what follows begins with a capital letter; `{{`, `}}`, `[[` and `]]` are the
characters themselves.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from outreach.prompt import speakable

ROOTS = ("event", "user", "session", "local")
"""What values may be of; see variables.py."""

LONGEST_VALUE = 300
LONGEST_LIST = 20

_TOKEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{[^{}]*\}|[{}\[\]]|[^{}\[\]]+")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_-]+)+")


class ContentError(Exception):
    """This prompt cannot be worded; the message says which value it lacks, or what is wrong."""


class TemplateError(ValueError):
    """A text that no prompt could be made of; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class _Value:
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Optional:
    parts: tuple["str | _Value", ...]


_Part: TypeAlias = str | _Value | _Optional


class Template:
    """Raises TemplateError if the text cannot be one.

    >>> Template("Your {event.data.drink} is ready[, {user.name}].").render(
    ...     {"event": {"data": {"drink": "latte"}}, "user": {}}
    ... )
    'Your latte is ready.'
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = tuple(_parse(text))

    @property
    def roots(self) -> frozenset[str]:
        """The first names of the values that it needs, those of optional parts left out."""
        return frozenset(part.path[0] for part in self._parts if isinstance(part, _Value))

    def render(self, variables: Mapping[str, object]) -> str:
        """The words; raises ContentError when a value is missing outside of optional parts."""
        said = [self._rendered(part, variables) for part in self._parts]
        words = speakable("".join(said))
        beheaded = said[:1] == [""] and isinstance(self._parts[0], _Optional)
        return words[:1].upper() + words[1:] if beheaded else words

    def _rendered(self, part: _Part, variables: Mapping[str, object]) -> str:
        match part:
            case str():
                return part
            case _Value():
                return _value(part.path, variables)
            case _Optional():
                try:
                    return "".join(self._rendered(inner, variables) for inner in part.parts)
                except ContentError:
                    return ""


@functools.lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """The same Template for the same text."""
    return Template(text)


def _parse(text: str) -> list[_Part]:
    whole: list[_Part] = []
    inner: list[str | _Value] | None = None
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token == "[":
            if inner is not None:
                raise TemplateError("an optional part [...] cannot hold another one")
            inner = []
        elif token == "]":
            if inner is None:
                raise TemplateError("a ] without its [; write ]] for the character")
            if not any(isinstance(part, _Value) for part in inner):
                raise TemplateError(
                    "an optional part [...] needs a {value} that may be missing; "
                    "write [[ and ]] for the characters"
                )
            whole.append(_Optional(tuple(inner)))
            inner = None
        else:
            part = _part(token)
            if inner is None:
                whole.append(part)
            else:
                inner.append(part)
    if inner is not None:
        raise TemplateError("a [ without its ]; write [[ for the character")
    return whole


def _part(token: str) -> "str | _Value":
    if token in ("{{", "}}", "[[", "]]"):
        return token[0]
    if token in ("{", "}"):
        raise TemplateError(f"a lone {token}; write {token * 2} for the character")
    if not token.startswith("{"):
        return token
    path = token[1:-1].strip()
    root = path.partition(".")[0]
    if root not in ROOTS:
        known = ", ".join(f"{{{name}....}}" for name in ROOTS)
        raise TemplateError(f"nothing is known of {token}; values begin with {known}")
    if not _PATH.fullmatch(path):
        raise TemplateError(f"{token} should be names with dots between, such as {{user.name}}")
    return _Value(tuple(path.split(".")))


def _value(path: Sequence[str], variables: Mapping[str, object]) -> str:
    found: object = variables
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return _words(found, ".".join(path))


def _words(value: object, name: str) -> str:
    match value:
        case None | "":
            raise ContentError(f"{name} is missing")
        case bool():
            raise ContentError(f"{name} is {str(value).lower()}, which cannot be said as a word")
        case str():
            words = speakable(value)
            if not words:
                raise ContentError(f"{name} is missing")
            if len(words) > LONGEST_VALUE:
                raise ContentError(f"{name} is longer than {LONGEST_VALUE} characters")
            return words
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case [*items] if 0 < len(items) <= LONGEST_LIST:
            said = [_words(item, f"{name}[{place}]") for place, item in enumerate(items)]
            return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
        case [*_]:
            raise ContentError(f"{name} is a list of none, or of more than {LONGEST_LIST}")
        case _:
            raise ContentError(f"{name} is not a single value; name one inside of it")
