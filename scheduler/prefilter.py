"""Which rules can hold in which sessions at all, by comparing columns of values at once.

From a condition such as `session.turns > 3 && user.attributes.tier == "gold" && ...` the plain
comparisons are taken that must hold for the whole to hold. They are made for all sessions at once;
what passes them is given to CEL, unless the condition is nothing but such comparisons: then it
holds. Where a value is of a kind that is not compared here (a list, a number beyond exact floats),
CEL says.
"""

import functools
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scheduler.conditions import ROOTS, Token, tokenize
from scheduler.rules import Rule
from scheduler.triggers import AbandonedIntentTrigger, IdleTrigger, SessionStartTrigger

Literal: TypeAlias = str | float | bool
Mask: TypeAlias = NDArray[np.bool_]
Path: TypeAlias = tuple[str, ...]

EXACT = 2.0**53
"""Whole numbers up to here are the same as floats."""

_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?")
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path sign literal`, which must be true for the condition to be."""

    path: Path
    sign: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Needed:
    """What must hold for a condition to hold. whole: and nothing else must."""

    comparisons: tuple[Comparison, ...]
    whole: bool


@functools.lru_cache(maxsize=4096)
def needed(source: str) -> Needed:
    """What is plain in a condition."""
    found = list(_of_all(list(tokenize(source)))) if source else []
    return Needed(tuple(each for each in found if each is not None), None not in found)


def _of_all(tokens: list[Token]) -> Iterator[Comparison | None]:
    """Of each part that must hold, its comparison; None of one that is none."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.text in ("(", "[", "{")
        depth -= token.text in (")", "]", "}")
        if depth == 0 and token.kind == "sign" and token.text in ("||", "?"):
            yield None
            return
        if depth == 0 and token.kind == "sign" and token.text == "&&":
            parts.append([])
        else:
            parts[-1].append(token)
    for part in parts:
        if _enclosed(part):
            yield from _of_all(part[1:-1])
        else:
            yield _comparison(part)


def _enclosed(part: list[Token]) -> bool:
    if len(part) < 2 or part[0].text != "(" or part[-1].text != ")":
        return False
    depth = 0
    for place, token in enumerate(part):
        depth += token.kind == "sign" and token.text == "("
        depth -= token.kind == "sign" and token.text == ")"
        if depth == 0:
            return place == len(part) - 1
    return False


def _comparison(part: list[Token]) -> Comparison | None:
    place = next((i for i, t in enumerate(part) if t.kind == "sign" and t.text in _COMPARE), None)
    if place is None:
        negated = bool(part) and part[0].text == "!"
        path = _path(part[1:] if negated else part)
        return Comparison(path, "==", not negated) if path else None
    left, sign, right = part[:place], part[place].text, part[place + 1 :]
    path, literal = _path(left), _literal(right)
    if path is None:
        path, literal, sign = _path(right), _literal(left), _TURNED[sign]
    if path is None or literal is None:
        return None
    if isinstance(literal, bool) and sign != "==":
        return None
    if isinstance(literal, str) and sign not in ("==", "!="):
        return None
    return Comparison(path, sign, literal)


def _path(tokens: list[Token]) -> Path | None:
    names, dots = tokens[::2], tokens[1::2]
    if not names or len(tokens) % 2 == 0 or names[0].text not in ROOTS:
        return None
    if any(name.kind != "name" for name in names) or any(dot.text != "." for dot in dots):
        return None
    return tuple(name.text for name in names)


def _literal(tokens: list[Token]) -> Literal | None:
    sign = 1.0
    if len(tokens) == 2 and tokens[0].text == "-" and tokens[1].kind == "number":
        sign, tokens = -1.0, tokens[1:]
    if len(tokens) != 1:
        return None
    (token,) = tokens
    if token.kind == "number":
        return sign * float(token.text) if _NUMBER.fullmatch(token.text) else None
    if token.kind == "text":
        return None if "\\" in token.text or token.text[0] == "r" else token.text[1:-1]
    return {"true": True, "false": False}.get(token.text)


class Columns:
    """The values of all sessions, by path; each column is made when it is first asked for."""

    def __init__(self, seen: Sequence[Mapping[str, Any]]) -> None:
        self.count = len(seen)
        self._seen = seen
        self._columns: dict[Path, _Column] = {}
        self._masks: dict[Comparison, Mask] = {}

    def numbers(self, path: Path) -> NDArray[np.float64]:
        """nan where it is no number, or is not there."""
        return self._column(path).numbers

    def can_hold(self, comparison: Comparison) -> Mask:
        """Where it may be true; False only where it surely is not."""
        mask = self._masks.get(comparison)
        if mask is None:
            mask = self._column(comparison.path).can_hold(comparison.sign, comparison.literal)
            self._masks[comparison] = mask
        return mask

    def uncompared(self, comparison: Comparison) -> Mask:
        """Where the value is of a kind that is not compared here."""
        return self._column(comparison.path).other

    def _column(self, path: Path) -> "_Column":
        column = self._columns.get(path)
        if column is None:
            column = self._columns[path] = _Column([_at(each, path) for each in self._seen])
        return column


_MISSING = object()


def _at(seen: Mapping[str, Any], path: Path) -> object:
    found: Any = seen
    for step in path:
        found = found.get(step, _MISSING) if isinstance(found, Mapping) else _MISSING
    return found


class _Column:
    """numbers: nan where none. codes: of texts, -1 where none. flags: 1 true, 0 false, -1 none."""

    def __init__(self, values: Sequence[object]) -> None:
        count = len(values)
        self.numbers = np.full(count, np.nan)
        self.codes = np.full(count, -1, np.int64)
        self.flags = np.full(count, -1, np.int8)
        self.other = np.zeros(count, np.bool_)
        self._code_of: dict[str, int] = {}
        for place, value in enumerate(values):
            if isinstance(value, bool):
                self.flags[place] = value
            elif isinstance(value, str):
                self.codes[place] = self._code_of.setdefault(value, len(self._code_of))
            elif isinstance(value, int | float) and abs(value) <= EXACT:
                self.numbers[place] = value
            elif value is not _MISSING:
                self.other[place] = True
        self._numeric = ~np.isnan(self.numbers)
        self._different = (self.codes >= 0) | (self.flags >= 0)

    def can_hold(self, sign: str, literal: Literal) -> Mask:
        if isinstance(literal, bool):
            flagged: Mask = (self.flags == int(literal)) | self.other
            return flagged
        if isinstance(literal, str):
            same = self.codes == self._code_of.get(literal, -2)
            held: Mask = same if sign == "==" else ~same & (self._different | self._numeric)
        else:
            held = _COMPARE[sign](self.numbers, literal) & self._numeric
            if sign == "!=":
                held |= self._different  # of another kind: not equal, says CEL
        held |= self.other
        return held


class Prefilter:
    """For rules that a session's state starts."""

    def __init__(self, rules: Collection[Rule]) -> None:
        self.rules = tuple(rules)
        self._needed = [needed(rule.when.strip()) for rule in self.rules]

    def candidates(self, columns: Columns) -> Iterator[tuple[Rule, list[int], list[int]]]:
        """Each rule with the places of the sessions that its trigger and audience take in: those in
        which its condition holds, and those in which it may."""
        for rule, plain in zip(self.rules, self._needed, strict=True):
            mask = _triggered(rule, columns)
            unsure = np.full(columns.count, not plain.whole)
            for comparison in plain.comparisons:
                mask = mask & columns.can_hold(comparison)
                unsure |= columns.uncompared(comparison)
            holds: list[int] = np.flatnonzero(mask & ~unsure).tolist()
            may_hold: list[int] = np.flatnonzero(mask & unsure).tolist()
            if holds or may_hold:
                yield rule, holds, may_hold


def _triggered(rule: Rule, columns: Columns) -> Mask:
    mask = np.ones(columns.count, np.bool_)
    match rule.trigger:
        case IdleTrigger(idle=seconds):
            mask = columns.numbers(("session", "quiet_s")) >= seconds
        case AbandonedIntentTrigger(abandoned_intent=about):
            open_form = Comparison(("session", "form"), "==", about.intent)
            quiet = columns.numbers(("session", "quiet_s")) >= about.after
            mask = columns.can_hold(open_form) & quiet
        case SessionStartTrigger():
            mask = columns.numbers(("session", "age_s")) < rule.policy.ttl
        case _:
            pass
    if rule.audience is not None and rule.audience.users:
        of_them = [
            columns.can_hold(Comparison(("user", "id"), "==", user)) for user in rule.audience.users
        ]
        mask = mask & np.logical_or.reduce(of_them)
    return mask
