"""Sentence templates: the small notation in which an agent's author writes what people say.

    [please] (I'd like|can I have) [a] [{size}] {drink} <polite>

`(a|b)` either, `[a|b]` either or nothing, `{slot}` a value of a slot, `<phrase>` a named piece.
The same notation writes what the agent says; there `[...]` is left out when a slot in it is empty.
It is the notation of Home Assistant's intents.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

MAX_TEMPLATE_CHARS = 2_000
MAX_DEPTH = 20
"""Of brackets in brackets; deeper is a mistake, and would exhaust the stack."""


class TemplateError(ValueError):
    """The template cannot be read. The message says where and what would be right."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words that are said as they stand."""

    text: str


@dataclass(frozen=True, slots=True)
class SlotRef:
    """A value of the slot `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class PhraseRef:
    """The named phrase `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `options`, or nothing if optional."""

    options: tuple["Template", ...]
    optional: bool


Part: TypeAlias = Text | SlotRef | PhraseRef | Choice
Template: TypeAlias = tuple[Part, ...]

_NAME = re.compile(r"[A-Za-z]\w*")
_SPECIAL = re.compile(r"[()\[\]{}<>|]")
_CLOSES = {"(": ")", "[": "]", "{": "}", "<": ">"}


def parse_template(text: str) -> Template:
    """Reads a template; raises TemplateError naming the column of what is wrong."""
    if len(text) > MAX_TEMPLATE_CHARS:
        raise TemplateError(f"longer than {MAX_TEMPLATE_CHARS} characters; split it in several")
    options, at = _options(text, 0, "", 0)
    if at < len(text):
        raise TemplateError(f"'{text[at]}' at column {at + 1} closes nothing; remove it")
    return options[0] if len(options) == 1 else (Choice(options, optional=False),)


def _options(text: str, at: int, closer: str, depth: int) -> tuple[tuple[Template, ...], int]:
    """Alternatives up to `closer`, which is left to the caller, and where they end."""
    if depth > MAX_DEPTH:
        raise TemplateError(f"brackets more than {MAX_DEPTH} deep; name the pieces as phrases")
    options: list[Template] = []
    parts: list[Part] = []
    while at < len(text):
        char = text[at]
        if char == "|":
            options.append(tuple(parts))
            parts = []
            at += 1
        elif char in "([":
            inner, end = _options(text, at + 1, _CLOSES[char], depth + 1)
            if end >= len(text):
                raise TemplateError(f"'{char}' at column {at + 1} needs a '{_CLOSES[char]}'")
            parts.append(Choice(inner, optional=char == "["))
            at = end + 1
        elif char in "{<":
            part, at = _reference(text, at)
            parts.append(part)
        elif char in ")]}>":
            if char != closer:
                raise TemplateError(f"'{char}' at column {at + 1} closes nothing; remove it")
            break
        else:
            special = _SPECIAL.search(text, at)
            end = special.start() if special else len(text)
            parts.append(Text(text[at:end]))
            at = end
    return (*options, tuple(parts)), at


def _reference(text: str, at: int) -> tuple[Part, int]:
    closer = _CLOSES[text[at]]
    end = text.find(closer, at)
    if end < 0:
        raise TemplateError(f"'{text[at]}' at column {at + 1} needs a '{closer}'")
    name = text[at + 1 : end].strip()
    if not _NAME.fullmatch(name):
        raise TemplateError(f"'{name}' at column {at + 2} is no name; use letters, digits and _")
    return (SlotRef(name) if closer == "}" else PhraseRef(name)), end + 1


def references(template: Template) -> Iterator[SlotRef | PhraseRef]:
    """Every slot and phrase that the template names, in order."""
    for part in template:
        match part:
            case SlotRef() | PhraseRef():
                yield part
            case Choice(options):
                for option in options:
                    yield from references(option)
            case Text():
                pass


def expand_phrases(template: Template, phrases: Mapping[str, Template]) -> Template:
    """The template with its phrases put in; they must exist and not contain themselves."""
    return tuple(_expanded(part, phrases) for part in template)


def _expanded(part: Part, phrases: Mapping[str, Template]) -> Part:
    match part:
        case PhraseRef(name):
            return Choice((expand_phrases(phrases[name], phrases),), optional=False)
        case Choice(options, optional):
            return Choice(tuple(expand_phrases(o, phrases) for o in options), optional)
        case _:
            return part


def literal_texts(template: Template) -> Iterator[str]:
    """Every piece of plain text in an expanded template."""
    for part in template:
        match part:
            case Text(text):
                yield text
            case Choice(options):
                for option in options:
                    yield from literal_texts(option)
            case _:
                pass


def sentences_of(template: Template, limit: int) -> list[str]:
    """Every sentence of an expanded template without slots, `limit` of them at most."""
    texts = [""]
    for part in template:
        match part:
            case Text(text):
                pieces = [text]
            case Choice(options, optional):
                pieces = [s for option in options for s in sentences_of(option, limit)]
                pieces += [""] if optional else []
            case _:
                raise ValueError("sentences_of takes templates without slots and phrases")
        texts = [text + piece for text in texts for piece in pieces][:limit]
    return texts


def sample(template: Template, pick_value: Callable[[str], str], rng: random.Random) -> str:
    """One sentence of an expanded template; `pick_value` says a value of the slot it is given.

    An optional piece is said half of the time: the recorded orders of real people name each
    optional slot in 40 to 50 of 100.
    """
    said: list[str] = []
    for part in template:
        match part:
            case Text(text):
                said.append(text)
            case SlotRef(name):
                said.append(pick_value(name))
            case Choice(options, optional):
                if not optional or rng.random() < 0.5:
                    said.append(sample(rng.choice(options), pick_value, rng))
            case PhraseRef(name):
                raise ValueError(f"<{name}> was not expanded")
    return "".join(said)


def render(template: Template, values: Mapping[str, str]) -> str:
    """What the agent says: pieces whose slots have values; the first option that fits.

    Tidied, see `tidy`.
    """
    return tidy(_rendered(template, values))


def tidy(text: str) -> str:
    """One space between words, none before a mark, and "an" before a vowel."""
    text = " ".join(text.split())
    text = re.sub(r"\s+([.,!?;:])", r"\1", text)
    return re.sub(r"\b([Aa])(?= [aeiouAEIOU])", r"\1n", text)


def _rendered(template: Template, values: Mapping[str, str]) -> str:
    said: list[str] = []
    for part in template:
        match part:
            case Text(text):
                said.append(text)
            case SlotRef(name):
                said.append(values.get(name, ""))
            case Choice(options):
                fitting = (o for o in options if _fits(o, values))
                said.append(_rendered(next(fitting, ()), values))
            case PhraseRef(name):
                raise ValueError(f"<{name}> was not expanded")
    return "".join(said)


def _fits(template: Template, values: Mapping[str, str]) -> bool:
    """Are all slots outside inner brackets filled?"""
    return all(values.get(part.name) for part in template if isinstance(part, SlotRef))


def slot_names(template: Template) -> Sequence[str]:
    """The names of the slots in the template, in order."""
    return [part.name for part in references(template) if isinstance(part, SlotRef)]
