"""What an intents file says: the models of its YAML, and what is wrong with it.

phrases:                        # named pieces, written <please> in a template
  please: "(please|thanks)"
intents:
  orderDrink:
    sentences: ["(I'd like|can I have) [a] {drink} [<please>]"]
    slots:
      drink: {values: [latte, mocha], required: true, ask: "Which drink?"}
    form: {...}                 # read back, corrected, confirmed over several turns
  thanks:
    sentences: [thank you]
    reply: You're welcome.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from intents.templates import (
    PhraseRef,
    Template,
    TemplateError,
    expand_phrases,
    parse_template,
    references,
    slot_names,
)
from intents.words import words_of

YamlPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions that lead to a place in a YAML document."""

YES, NO, CANCEL, REPEAT = "yes", "no", "cancel", "repeat"
"""Intents with a meaning of their own: they answer, stop and repeat whatever is going on."""

MAX_SENTENCES = 500
MAX_VALUES = 2_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a definition: where it is, and what would be right."""

    path: YamlPath
    message: str


class DefinitionError(Exception):
    """The definition has mistakes; `problems` holds each with its place in the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        lines = (f"{'.'.join(map(str, p.path)) or 'file'}: {p.message}" for p in problems)
        super().__init__("; ".join(lines))


def _readable_template(text: str) -> str:
    try:
        parse_template(text)
    except TemplateError as error:
        raise ValueError(str(error)) from error
    return text


def _speakable(text: str) -> str:
    if not words_of(text):
        raise ValueError(f"'{text}' has no word that could be said; use letters or digits")
    return text


TemplateText = Annotated[str, StringConstraints(min_length=1), AfterValidator(_readable_template)]
Spoken = Annotated[str, AfterValidator(_speakable)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlotDefinition(_Model):
    """A thing to know about the intent.

    values: what it can be, as it is spoken. aliases: other words for a value.
    required: the form asks for it, with `ask`. removable: "no sugar" takes it away.
    not_offered: what people ask for in vain, and hear that it is not there.
    """

    values: Annotated[tuple[Spoken, ...], Field(min_length=1, max_length=MAX_VALUES)]
    aliases: Mapping[Spoken, str] = Field(default_factory=dict)
    required: bool = False
    ask: str = ""
    removable: bool = False
    not_offered: Annotated[tuple[Spoken, ...], Field(max_length=MAX_VALUES)] = ()


class FormDefinition(_Model):
    """How the intent is completed over several turns. Texts are templates over its slots.

    summary: the slots read back, e.g. "a [{size}] {drink}". confirm: asked after it.
    done, cancelled: said at the end; {summary} stands for the summary. change: asked after "no".
    not_offered: said of something that cannot be had, {value}.
    one_only: said when several were asked for at once ("a latte and a mocha"); the first is kept.
    corrections: templates of what people say to an open form.
    often_added: slots that most people name, in the order they name them; a speaker who pauses
        before the last of them is named is given more time.
    """

    summary: TemplateText
    confirm: TemplateText
    done: TemplateText
    cancelled: TemplateText = "All right, I have cancelled that."
    change: TemplateText = "What would you like to change?"
    not_offered: TemplateText = "Sorry, we have no {value}."
    one_only: TemplateText = "One at a time, please."
    corrections: Annotated[tuple[TemplateText, ...], Field(max_length=MAX_SENTENCES)] = ()
    often_added: tuple[str, ...] = ()


class IntentDefinition(_Model):
    """Something that a person can mean: how they say it, and what is answered.

    sentences: templates (see templates.py). reply: said at once, "" to leave the turn to
    knowledge. An intent with slots may have a form instead of a reply.
    """

    sentences: Annotated[tuple[TemplateText, ...], Field(min_length=1, max_length=MAX_SENTENCES)]
    slots: Mapping[str, SlotDefinition] = Field(default_factory=dict)
    reply: TemplateText | None = None
    form: FormDefinition | None = None


class IntentsFile(_Model):
    """One file of an agent's intents folder."""

    phrases: Mapping[str, TemplateText] = Field(default_factory=dict)
    intents: Annotated[Mapping[str, IntentDefinition], Field(min_length=1)]

    def templates_of(self, texts: tuple[str, ...]) -> list[Template]:
        """The texts as templates with their phrases put in."""
        phrases = {name: parse_template(text) for name, text in self.phrases.items()}
        return [expand_phrases(parse_template(text), phrases) for text in texts]


def parse_intents(data: object) -> IntentsFile:
    """The intents of one file's YAML data; raises DefinitionError with every mistake."""
    try:
        file = IntentsFile.model_validate(data)
    except ValidationError as error:
        raise DefinitionError(
            [Problem(_yaml_path(e["loc"]), _plain(e["msg"])) for e in error.errors()]
        ) from error
    problems = list(_phrase_problems(file))
    # Templates can only be expanded, and so checked, once no phrase contains itself.
    if not problems:
        for name, intent in file.intents.items():
            problems.extend(_intent_problems(file, name, intent))
    if problems:
        raise DefinitionError(problems)
    return file


def read_intents(folder: Path) -> list[IntentsFile]:
    """Every *.yaml below `folder`, by name; raises DefinitionError, YAMLError or OSError."""
    paths = sorted(folder.glob("*.yaml"))
    return [parse_intents(yaml.safe_load(path.read_text("utf-8"))) for path in paths]


def _yaml_path(loc: tuple[int | str, ...]) -> YamlPath:
    # pydantic marks a mistake in a mapping's key by a last step of its own.
    return loc[:-1] if loc and loc[-1] == "[key]" else loc


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _phrase_problems(file: IntentsFile) -> Iterator[Problem]:
    named = {name: parse_template(text) for name, text in file.phrases.items()}
    uses = {
        name: {part.name for part in references(t) if isinstance(part, PhraseRef)}
        for name, t in named.items()
    }
    for name, used in uses.items():
        for missing in sorted(used - named.keys()):
            yield Problem(("phrases", name), f"there is no phrase <{missing}>; add it to phrases")
        if name in _reachable(name, uses):
            yield Problem(("phrases", name), f"<{name}> contains itself; take it out")


def _reachable(name: str, uses: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(uses.get(name, ()))
    while waiting:
        phrase = waiting.pop()
        if phrase not in found:
            found.add(phrase)
            waiting.extend(uses.get(phrase, ()))
    return found


def _intent_problems(file: IntentsFile, name: str, intent: IntentDefinition) -> Iterator[Problem]:
    path: YamlPath = ("intents", name)
    if intent.form is not None and intent.reply is not None:
        yield Problem((*path, "reply"), "an intent with a form has no reply; remove one of them")
    if intent.form is not None and not intent.slots:
        yield Problem((*path, "form"), "a form needs slots to fill; add slots")
    for slot_name, slot in intent.slots.items():
        yield from _slot_problems((*path, "slots", slot_name), slot)
    slots = set(intent.slots)
    for where, text, allowed in _texts(intent, slots):
        yield from _reference_problems(file, (*path, *where), text, allowed)
    if intent.form is not None:
        for at, slot_name in enumerate(intent.form.often_added):
            if slot_name not in slots:
                where = (*path, "form", "often_added", at)
                yield Problem(where, f"there is no slot {slot_name}; {_one_of(slots)}")


def _slot_problems(path: YamlPath, slot: SlotDefinition) -> Iterator[Problem]:
    for said, value in slot.aliases.items():
        if value not in slot.values:
            yield Problem((*path, "aliases", said), f"'{value}' is none of the slot's values")
    if slot.required and not slot.ask:
        yield Problem(path, "a required slot needs a question; add ask")


def _texts(intent: IntentDefinition, slots: set[str]) -> Iterator[tuple[YamlPath, str, set[str]]]:
    """Every template of the intent, where it stands, and the slots that it may name."""
    for at, text in enumerate(intent.sentences):
        yield ("sentences", at), text, slots
    if intent.reply is not None:
        yield ("reply",), intent.reply, slots
    form = intent.form
    if form is None:
        return
    for at, text in enumerate(form.corrections):
        yield ("form", "corrections", at), text, slots
    yield ("form", "summary"), form.summary, slots
    for key in ("confirm", "done", "cancelled", "change", "one_only"):
        yield ("form", key), getattr(form, key), slots | {"summary"}
    yield ("form", "not_offered"), form.not_offered, {"value"}


def _reference_problems(
    file: IntentsFile, path: YamlPath, text: str, slots: set[str]
) -> Iterator[Problem]:
    parts = list(references(parse_template(text)))
    missing = [p.name for p in parts if isinstance(p, PhraseRef) and p.name not in file.phrases]
    for name in missing:
        yield Problem(path, f"there is no phrase <{name}>; add it to phrases")
    if not missing:
        for name in dict.fromkeys(slot_names(file.templates_of((text,))[0])):
            if name not in slots:
                yield Problem(path, f"there is no slot {{{name}}}; {_one_of(slots)}")


def _one_of(names: set[str]) -> str:
    return f"use {', '.join(sorted(names))}" if names else "add it to slots"
