"""Reads rules from YAML: every mistake with its file and line, and no mistake stops the others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scheduler.model_problems import nearest, problems_of
from scheduler.rules import NAME, Rule
from scheduler.yaml_source import Problem, YamlPath, YamlSource

__all__ = ["LoadedRules", "Problem", "load_rules", "parse_rule", "parse_rules", "write_rule"]

LARGEST_FILE = 1_000_000
DEEPEST = 30
MOST_RULES = 5_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """The rules that are right, and what is wrong with the others.

    places: a rule's name to where it stands, "FILE:LINE".
    """

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]
    places: Mapping[str, str] = field(default_factory=dict)


def load_rules(folder: Path) -> LoadedRules:
    """Of every *.yaml file in `folder`; a folder that is not there has none."""
    reader = _Reader()
    if folder.exists() and not folder.is_dir():
        reader.problems.append(Problem(str(folder), 0, 0, "should be a folder"))
        return reader.loaded()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith((".", "_")) or path.is_dir():
            continue
        if path.suffix == ".yaml":
            reader.read_file(path)
        elif path.suffix in (".yml", ".json"):
            right = path.with_suffix(".yaml").name
            reader.problems.append(Problem(str(path), 0, 0, f"is not read; call it {right}"))
    return reader.loaded()


def parse_rules(text: str, file: str) -> LoadedRules:
    """Of one text: `rules: [...]`, or one rule by itself. file: what problems call it."""
    reader = _Reader()
    reader.read_text(text, file)
    return reader.loaded()


def parse_rule(text: str, name: str = "") -> Rule | tuple[Problem, ...]:
    """The one rule that a text is, of that name unless it is ""; else what is wrong with it.

    A large text takes a second: not on an event loop.
    """
    loaded = parse_rules(text, "rule")
    if loaded.problems:
        return loaded.problems
    if len(loaded.rules) != 1:
        return (
            Problem("rule", 1, 1, "should be one rule: `name: ...`, `trigger: ...`, `say: ...`"),
        )
    (rule,) = loaded.rules
    if not name or rule.name == name:
        return rule
    message = f"the name should be {name!r}; a rule is not renamed"
    if not re.fullmatch(NAME, name):
        message = (
            f"{name[:80]!r} cannot be a rule's name: that is small letters, digits and '_', "
            "beginning with a letter"
        )
    line = int(loaded.places[rule.name].rpartition(":")[2])
    return (Problem("rule", line, 1, message),)


def write_rule(rule: Rule) -> str:
    """The rule as YAML that `parse_rules` reads back as the same; what is default is left out."""
    content = rule.model_dump(mode="json", exclude_defaults=True)
    # Whole, because `session_start: {}` is all default, and it says which trigger it is.
    content["trigger"] = rule.trigger.model_dump(mode="json", exclude_none=True)
    # What every reader looks for first, in the order in which people write it.
    first = [
        key for key in ("name", "description", "status", "purpose", "trigger") if key in content
    ]
    ordered = {key: content[key] for key in (*first, *content)}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=100)


class _Reader:
    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.places: dict[str, str] = {}
        self.problems: list[Problem] = []

    def loaded(self) -> LoadedRules:
        return LoadedRules(tuple(self.rules.values()), tuple(sorted(self.problems)), self.places)

    def read_file(self, path: Path) -> None:
        try:
            size = path.stat().st_size
        except OSError as error:
            self.problems.append(Problem(str(path), 0, 0, f"cannot be read: {error.strerror}"))
            return
        if size > LARGEST_FILE:
            self.problems.append(_too_large(str(path)))
            return
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            self.problems.append(Problem(str(path), 0, 0, f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            said = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
            self.problems.append(Problem(str(path), 0, 0, said))
        else:
            self.read_text(text, str(path))

    def read_text(self, text: str, file: str) -> None:
        if len(text) > LARGEST_FILE:
            self.problems.append(_too_large(file))
            return
        if refused := next(_refused(text, file), None):
            self.problems.append(refused)
            return
        source = YamlSource.of_text(text, file)
        self.problems += source.problems
        if source.data is None:
            if not source.problems and text.strip():
                self.problems.append(source.problem((), "has no rules; it begins with `rules:`"))
            return
        for path, content in self._contents(source):
            self._read(source, path, content)

    def _contents(self, source: YamlSource) -> list[tuple[YamlPath, Any]]:
        data = source.data
        if not isinstance(data, dict):
            self.problems.append(source.problem((), "should be `rules:` and a list of rules"))
            return []
        if "rules" not in data:
            if "name" in data or "trigger" in data:
                return [((), data)]
            near = next((key for key in data if nearest(str(key), ["rules"])), None)
            hint = f"unknown key '{near}'; did you mean 'rules'?" if near else "'rules' is missing"
            self.problems.append(source.problem((near or "",), hint, at_key=True))
            return []
        for key in data:
            if key != "rules":
                message = f"unknown key '{key}'; a file has only `rules:`, with the rules below"
                self.problems.append(source.problem((key,), message, at_key=True))
        rules = data["rules"]
        if rules is None:
            return []
        if not isinstance(rules, list):
            message = "should be a list: each rule starts with `- name: ...`"
            self.problems.append(source.problem(("rules",), message))
            return []
        if len(rules) > MOST_RULES:
            message = f"has {len(rules)} rules; {MOST_RULES} are the most in a file"
            self.problems.append(source.problem(("rules",), message))
            return []
        return [(("rules", place), content) for place, content in enumerate(rules)]

    def _read(self, source: YamlSource, path: YamlPath, content: Any) -> None:
        try:
            rule = Rule.model_validate(content)
        except ValidationError as error:
            errors = [_without_tag(each) for each in error.errors()]
            self.problems += problems_of(Rule, source, errors, path)
            return
        here = source.problem((*path, "name"), "")
        if before := self.places.get(rule.name):
            message = f"there is a rule '{rule.name}' already, in {before}; rename one of them"
            self.problems.append(source.problem((*path, "name"), message))
            return
        if any(_within(source, path, problem) for problem in source.problems):
            return  # a key that is given twice: nobody knows which was meant
        self.rules[rule.name] = rule
        self.places[rule.name] = f"{here.file}:{here.line}"


def _within(source: YamlSource, path: YamlPath, problem: Problem) -> bool:
    first, last = source.lines(path)
    return first <= problem.line <= last


def _without_tag(error: ErrorDetails) -> ErrorDetails:
    """pydantic names which of the triggers it took it for; the file has no such level."""
    where = error["loc"]
    if len(where) > 1 and where[0] == "trigger":
        error["loc"] = (where[0], *where[2:])
    return error


def _refused(text: str, file: str) -> Iterator[Problem]:
    """What makes a small text a large document, or a deep one, before anything is built of it."""
    depth = 0
    try:
        for event in yaml.parse(text, _LOADER):
            mark = event.start_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            if isinstance(event, yaml.AliasEvent):
                message = f"'*{event.anchor}' repeats another part; rules are written out"
                yield Problem(file, line, column, message)
            elif isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    yield Problem(file, line, column, f"is nested more than {DEEPEST} deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        return  # YamlSource says it, with its place


def _too_large(file: str) -> Problem:
    return Problem(file, 0, 0, f"has more than {LARGEST_FILE} characters; make several files")
