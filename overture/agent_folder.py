"""Reads an agent's folder; says every mistake in it at once, each with its place.

agents/cafe/
  agent.yaml     see agent_settings.py
  knowledge/     documents
  intents/       *.yaml, see intents/definition.py
  outreach/      *.yaml, rules for speaking first, see scheduler/rules.py
"""

import ast
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intents.definition import DefinitionError, IntentsFile, parse_intents
from overture.agent_settings import AgentSettings
from overture.errors import UserError
from scheduler.model_problems import nearest, read_model
from scheduler.rule_files import LoadedRules, load_rules
from scheduler.rules import Rule
from scheduler.triggers import AbandonedIntent, AbandonedIntentTrigger, IntentTrigger
from scheduler.yaml_source import Problem, YamlSource

PARTS = ("agent.yaml", "knowledge", "intents", "tools.py", "outreach")

FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""The folder's name is the agent's name on the wire (`model=cafe`), so it is kept plain."""


class AgentFolderError(UserError):
    """The folder has mistakes; the message has a line for each: file:line:column: what is right."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as its folder says it.

    name: the folder's name, which clients call `model`. documents: files below knowledge/.
    version: a hash of everything in the folder. rule_problems: of rules that are left out, as a
    rule with a mistake stops nothing else. notices: what an operator should know, these among it.
    """

    name: str
    folder: Path
    settings: AgentSettings
    intents: tuple[IntentsFile, ...]
    documents: tuple[Path, ...]
    version: str
    rules: tuple[Rule, ...] = ()
    rule_problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def knowledge_folder(self) -> Path:
        """Where the documents are; it need not exist."""
        return self.folder / "knowledge"


def load_agent(folder: Path) -> Agent:
    """The agent in `folder`; raises AgentFolderError with every mistake."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        hint = "make an agent with: overture new NAME"
        raise AgentFolderError([Problem(str(folder), 0, 0, f"{what}; {hint}")])
    problems = list(_folder_problems(folder))
    settings, found = _read_settings(folder / "agent.yaml")
    problems += found
    intents, found = _read_intents(folder / "intents")
    problems += found
    if problems or settings is None:
        raise AgentFolderError(problems)
    rules = read_rules(folder / "outreach", intents)
    return Agent(
        name=folder.resolve().name,
        folder=folder,
        settings=settings,
        intents=intents,
        documents=tuple(path for path in _files(folder / "knowledge")),
        version=content_hash(folder),
        rules=rules.rules,
        rule_problems=rules.problems,
        notices=tuple(f"{problem} (this rule is left out)" for problem in rules.problems),
    )


def read_rules(folder: Path, intents: Sequence[IntentsFile]) -> LoadedRules:
    """The rules in `folder` that are right; a rule of an intent that does not exist is not."""
    loaded = load_rules(folder)
    known = sorted({name for file in intents for name in file.intents})
    rules, problems = [], list(loaded.problems)
    for rule in loaded.rules:
        named = _intent_of(rule)
        if named is None or named in known:
            rules.append(rule)
            continue
        near = nearest(named, known)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(known) or 'none'}"
        file, _, line = loaded.places[rule.name].rpartition(":")
        message = f"rule '{rule.name}': there is no intent '{named}'; {hint}"
        problems.append(Problem(file, int(line), 1, message))
    return LoadedRules(tuple(rules), tuple(sorted(problems)), loaded.places)


def _intent_of(rule: Rule) -> str | None:
    match rule.trigger:
        case (
            IntentTrigger(intent=name)
            | AbandonedIntentTrigger(abandoned_intent=AbandonedIntent(intent=name))
        ):
            return name
        case _:
            return None


def content_hash(folder: Path) -> str:
    """Twelve hex digits over the names and bytes of the folder's files, hidden ones left out."""
    digest = hashlib.sha256()
    for path in _files(folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _files(folder: Path) -> list[Path]:
    """Every file below, sorted; without hidden ones and Python's caches."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(
            part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts
        )
    )


def _folder_problems(folder: Path) -> Iterator[Problem]:
    name = folder.resolve().name
    if not FOLDER_NAME.fullmatch(name):
        yield Problem(
            str(folder), 0, 0, "the folder's name may have letters, digits, '_', '.' and '-' only"
        )
    entries = {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    for entry in sorted(entries.difference(PARTS)):
        meant = nearest(entry, [part for part in PARTS if part not in entries])
        if meant:
            yield Problem(str(folder / entry), 0, 0, f"unknown; did you mean '{meant}'?")
    for part in ("knowledge", "intents"):
        if (folder / part).is_file():
            yield Problem(str(folder / part), 0, 0, "should be a folder")
    if not _files(folder / "knowledge") and not _files(folder / "intents"):
        yield Problem(
            str(folder),
            0,
            0,
            "has nothing to say: put documents in knowledge/ or intents in intents/",
        )
    yield from _tools_problems(folder / "tools.py")


def _tools_problems(path: Path) -> Iterator[Problem]:
    if not path.is_file():
        return
    try:
        ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        yield Problem(str(path), error.lineno or 1, error.offset or 1, f"not Python: {error.msg}")
    except ValueError as error:
        yield Problem(str(path), 0, 0, f"not Python: {error}")


def _read_settings(path: Path) -> tuple[AgentSettings | None, list[Problem]]:
    if not path.exists():
        return None, [Problem(str(path), 0, 0, "is missing; at the least it says `name: ...`")]
    return read_model(AgentSettings, YamlSource(path))


def _read_intents(folder: Path) -> tuple[tuple[IntentsFile, ...], list[Problem]]:
    intents: list[IntentsFile] = []
    problems: list[Problem] = []
    defined: dict[str, Problem] = {}
    for path in _files(folder):
        if path.suffix != ".yaml" or path.parent != folder:
            right = f"{folder}/{path.stem}.yaml"
            problems.append(
                Problem(str(path), 0, 0, f"is not read; intents are in files like {right}")
            )
            continue
        source = YamlSource(path)
        file, found = read_model(IntentsFile, source)
        problems += found or _meaning_problems(source)
        if file is None:
            continue
        intents.append(file)
        for name in file.intents:
            here = source.problem(("intents", name), "", at_key=True)
            if (before := defined.setdefault(name, here)) is not here:
                message = f"intent '{name}' is already defined in {before.file}:{before.line}"
                problems.append(Problem(here.file, here.line, here.column, message))
    return tuple(intents), problems


def _meaning_problems(source: YamlSource) -> list[Problem]:
    """What the intents room finds wrong with a file whose form is right."""
    try:
        parse_intents(source.data)
    except DefinitionError as error:
        return [source.problem(p.path, p.message) for p in error.problems]
    return []
