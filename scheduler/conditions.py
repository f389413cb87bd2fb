"""A rule's `when`: an expression in CEL over the session, the person, the event and the time.

CEL has no loops but those over given lists, and no side effects. What is left that could take long
is bounded here before anything runs: length, nested list macros, patterns, and the size of data.
"""

import functools
import math
import re
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# The package brings a shell of its own, whose import takes longer than all of ours.
sys.modules.setdefault("cel.cli", types.ModuleType("cel.cli"))
import cel  # noqa: E402

ROOTS = ("session", "user", "event", "now", "local")

LONGEST = 1000
MACROS = ("all", "exists", "exists_one")
"""CEL has `map` and `filter` too: they make new lists, of which a short expression can make one so
long that it takes half a minute."""
MOST_MACROS = 3
MOST_PATTERNS = 3
"""A pattern is compiled at each evaluation, which takes 10 ms at the worst."""
LONGEST_PATTERN = 100
MOST_VALUES = 2000
"""Values in the data of one evaluation, keys not counted."""
LONGEST_LIST = 100
LONGEST_TEXT = 4000

FUNCTIONS = ("size", "int", "uint", "double", "string", "bytes", "duration", "timestamp")
METHODS = ("contains", "startsWith", "endsWith", "matches", "size")

_TOKEN = re.compile(
    r"""(?P<text>r'[^'\n]*'|r"[^"\n]*"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d[\w.]*)"
    r"|(?P<sign>&&|\|\||[=!<>]=|.)",
    re.DOTALL,
)
_PLACE = re.compile(r"<input>:1:(\d+): (?:Syntax error: )?(.*)")
_COUNTED = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_MEANT = {"and": "&&", "or": "||", "not": "!"}
_WORDS = ("true", "false", "null", "in", "has")


class ConditionError(ValueError):
    """An expression that cannot be used. column: from 1, 0 if it is about the whole."""

    def __init__(self, message: str, column: int = 0) -> None:
        self.column = column
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a condition gave. value: None if it could not be told; then `error` says why."""

    value: bool | None
    error: str = ""


_HOLDS, _FAILS = Outcome(True), Outcome(False)


class Condition:
    """A compiled expression; raises ConditionError. The empty expression always holds."""

    def __init__(self, source: str) -> None:
        self.source = source.strip()
        self._program = _compiled(self.source) if self.source else None

    @property
    def roots(self) -> frozenset[str]:
        """Which of `ROOTS` it looks at."""
        return _roots(self.source)

    def evaluate(self, data: "Data") -> Outcome:
        """Never raises: whatever goes wrong is an Outcome without a value."""
        if self._program is None:
            return _HOLDS
        if data.trouble:
            return Outcome(None, data.trouble)
        try:
            value = self._program.execute(data.context)
        except KeyError as error:
            return Outcome(None, f"{str(error.args[0]).strip(chr(39))} is missing")
        except (TypeError, ValueError, RuntimeError, ArithmeticError, LookupError) as error:
            return Outcome(None, str(error).partition("\n")[0][:300])
        if isinstance(value, bool):
            return _HOLDS if value else _FAILS
        return Outcome(None, f"it gives {value!r:.80}, and should give true or false")


class Data:
    """What conditions look at, converted once for all the conditions of one moment.

    trouble: why it cannot be used, "" if it can.
    """

    __slots__ = ("context", "trouble")

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.trouble = _too_large(variables)
        self.context: Any = None
        if not self.trouble:
            try:
                self.context = cel.Context({name: variables.get(name) for name in ROOTS})
            except (TypeError, ValueError, OverflowError) as error:
                self.trouble = f"the data cannot be read: {str(error)[:200]}"


@functools.lru_cache(maxsize=4096)
def condition(source: str) -> Condition:
    """The same Condition for the same source; raises ConditionError."""
    return Condition(source)


def _too_large(variables: Mapping[str, Any]) -> str:
    # By hand and not recursive: the depth of an event's data is not ours to choose.
    waiting: list[Any] = [variables]
    values = 0
    while waiting:
        value = waiting.pop()
        values += 1
        if values > MOST_VALUES:
            return f"the data has more than {MOST_VALUES} values"
        if isinstance(value, str):
            if len(value) > LONGEST_TEXT:
                return f"the data has a text of more than {LONGEST_TEXT} characters"
        elif isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            if len(value) > LONGEST_LIST:
                return f"the data has a list of more than {LONGEST_LIST} items"
            waiting.extend(value)
    return ""


def _compiled(source: str) -> cel.Program:
    if len(source) > LONGEST:
        raise ConditionError(f"is longer than {LONGEST} characters; write several rules")
    source = " ".join(source.splitlines())
    tokens = list(tokenize(source))
    _check_signs(source, tokens)
    _check_macros(tokens)
    _check_patterns(tokens)
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise _syntax_error(str(error)) from None
    _check_names(tokens)
    return program


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression. kind: text, name, number or sign; column from 1."""

    kind: str
    text: str
    column: int


def tokenize(source: str) -> Iterator[Token]:
    """The pieces of an expression, blanks left out; what is wrong with them is for CEL to say."""
    for found in _TOKEN.finditer(source):
        if not found[0].isspace():
            yield Token(str(found.lastgroup), found[0], found.start() + 1)


def _check_signs(source: str, tokens: list[Token]) -> None:
    """What these checks would read differently from CEL is refused."""
    for quotes in ('"""', "'''"):
        if quotes in source:
            raise ConditionError('write texts in single quotes or "', source.index(quotes) + 1)
    for before, token in pairwise([Token("sign", "", 0), *tokens]):
        if token.text in _MEANT and token.kind == "name" and before.text != ".":
            raise ConditionError(f"write {_MEANT[token.text]} for {token.text}", token.column)
        if before.text == token.text == "/" and token.column == before.column + 1:
            raise ConditionError("comments go into the rule's description", before.column)


def _check_macros(tokens: list[Token]) -> None:
    """What is done for each item of a list takes its length times as long: only little may be."""
    within: list[bool] = []
    macros = 0
    for place, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text == "+" and any(within):
            raise ConditionError("'+' inside of a list macro; compare only there", token.column)
        if token.text == ")" and within:
            within.pop()
        if token.text != "(":
            continue
        before = tokens[place - 1] if place else token
        is_macro = before.text in MACROS and place > 1 and tokens[place - 2].text == "."
        if any(within) and (is_macro or before.text == "matches"):
            message = f"'{before.text}' inside of a list macro; compare only there"
            raise ConditionError(message, before.column)
        macros += is_macro
        if macros > MOST_MACROS:
            raise ConditionError(f"has more than {MOST_MACROS} list macros", before.column)
        within.append(is_macro)


def _check_patterns(tokens: list[Token]) -> None:
    """Only short ones, written out, and few."""
    patterns = 0
    for place, token in enumerate(tokens):
        if token.text != "matches" or token.kind != "name":
            continue
        patterns += 1
        if patterns > MOST_PATTERNS:
            raise ConditionError(f"has more than {MOST_PATTERNS} patterns", token.column)
        given = tokens[place + 2] if place + 2 < len(tokens) else None
        if given is None or given.kind != "text":
            raise ConditionError("'matches' takes a pattern written out in quotes", token.column)
        if len(given.text) > LONGEST_PATTERN:
            raise ConditionError(
                f"a pattern may have {LONGEST_PATTERN} characters at most", given.column
            )
        counts = [int(n) for found in _COUNTED.findall(given.text) for n in found if n]
        if math.prod(counts) > 20:
            raise ConditionError("a pattern may repeat its parts 20 times at most", given.column)
        try:
            cel.evaluate(f'"".matches({given.text})')
        except (RuntimeError, ValueError) as error:
            said = str(error).split("error: ")[-1].split(". Check function")[0]
            raise ConditionError(f"the pattern cannot be read: {said}", given.column) from None


def _check_names(tokens: list[Token]) -> None:
    bound = {name for name, _ in _bound(tokens)}
    for place, token in enumerate(tokens):
        if token.kind != "name" or token.text in _WORDS:
            continue
        before = tokens[place - 1].text if place else ""
        after = tokens[place + 1].text if place + 1 < len(tokens) else ""
        if before == ".":
            if after == "(" and token.text not in (*METHODS, *MACROS):
                raise ConditionError(_unknown(token.text, (*METHODS, *MACROS)), token.column)
        elif after == "(":
            if token.text not in FUNCTIONS:
                raise ConditionError(_unknown(token.text, FUNCTIONS), token.column)
        elif after == ":" and before in ("{", ","):
            continue
        elif token.text not in ROOTS and token.text not in bound:
            raise ConditionError(_unknown(token.text, ROOTS), token.column)


def _bound(tokens: list[Token]) -> Iterator[tuple[str, int]]:
    """The names that list macros give to the items."""
    for place, token in enumerate(tokens[:-2]):
        if token.text in MACROS and tokens[place + 1].text == "(":
            yield tokens[place + 2].text, tokens[place + 2].column


def _roots(source: str) -> frozenset[str]:
    tokens = list(tokenize(source))
    return frozenset(
        token.text
        for place, token in enumerate(tokens)
        if token.text in ROOTS and (place == 0 or tokens[place - 1].text != ".")
    )


def _unknown(name: str, known: tuple[str, ...]) -> str:
    from scheduler.model_problems import nearest  # rapidfuzz is only needed for mistakes

    near = nearest(name, list(known))
    hint = f"did you mean '{near}'?" if near else f"known here: {', '.join(known)}"
    return f"nothing is called '{name}'; {hint}"


def _syntax_error(said: str) -> ConditionError:
    found = _PLACE.search(said)
    if found is None:
        return ConditionError(f"cannot be read: {said.splitlines()[0][:200]}")
    message = found[2].strip()
    if "recognition error at: '= '" in message or "recognition error at: '='" in message:
        message = "a single '='; write == to compare"
    elif "<EOF>" in message and message.startswith("mismatched"):
        message = "it ends too early"
    return ConditionError(f"{message[:200]}", int(found[1]))
