"""A YAML file that remembers where everything stands, so that a mistake can be pointed at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

YamlPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions that lead to a place in the document."""

# The C loader reads ten times as fast and gives the same positions; not every build has it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it is, and what would be right.

    line and column count from 1; line 0 means the file or folder as a whole.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class YamlSource:
    """A parsed file: plain `data`, `problems` of the YAML itself, and the place of each part.

    data is None when the file could not be read at all; then `problems` says why.
    """

    def __init__(self, path: Path) -> None:
        self._begin(str(path))
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            self.problems.append(Problem(self.file, 0, 0, f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            self.problems.append(
                Problem(
                    self.file, 0, 0, f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
                )
            )
        else:
            self._read(text)

    @classmethod
    def of_text(cls, text: str, file: str) -> "YamlSource":
        """Of a text that is in no file; `file` is what its problems call it."""
        source = cls.__new__(cls)
        source._begin(file)
        source._read(text)
        return source

    def _begin(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self.problems: list[Problem] = []
        self._root: yaml.Node | None = None

    def _read(self, text: str) -> None:
        try:
            self._parse(text)
        except yaml.MarkedYAMLError as error:
            self._unreadable(error)
        except (yaml.YAMLError, ValueError) as error:
            self.problems.append(Problem(self.file, 1, 1, f"is not valid YAML: {error}"))

    def problem(self, path: YamlPath, message: str, *, at_key: bool = False) -> Problem:
        """A Problem at `path`, or at the nearest part above it that exists.

        at_key: point at the key rather than at its value.
        """
        key, node = self._nearest(path)
        at = key if at_key else node
        if at is None:
            return Problem(self.file, 1, 1, message)
        return Problem(self.file, at.start_mark.line + 1, at.start_mark.column + 1, message)

    def lines(self, path: YamlPath) -> tuple[int, int]:
        """The first and the last line of the part at `path`, from 1."""
        _, node = self._nearest(path)
        if node is None:
            return 1, 1
        end = node.end_mark
        # A block ends where the next thing begins: at the start of a line that is not its own.
        return node.start_mark.line + 1, end.line + 1 if end.column else max(end.line, 1)

    def _nearest(self, path: YamlPath) -> tuple[yaml.Node | None, yaml.Node | None]:
        """The key and the value at `path`, or of the nearest part above it that exists."""
        node = key = self._root
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
        return key, node

    def _parse(self, text: str) -> None:
        loader = _LOADER(text)
        try:
            self._root = loader.get_single_node()
            if self._root is not None:
                self.problems.extend(self._repeated_keys(self._root))
                self.data = loader.construct_document(self._root)
        finally:
            loader.dispose()

    def _unreadable(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = error.problem or error.context or "something is wrong here"
        hint = "; indent with spaces, not tabs" if "'\\t'" in said else ""
        self.problems.append(Problem(self.file, line, column, f"is not valid YAML: {said}{hint}"))

    def _repeated_keys(self, node: yaml.Node) -> Iterator[Problem]:
        # YAML lets the last of two equal keys win silently, which is never what was meant.
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, value in node.value:
                name, line = str(key.value), key.start_mark.line + 1
                if name in seen:
                    message = f"'{name}' is already given in line {seen[name]}; keep one of them"
                    yield Problem(self.file, line, key.start_mark.column + 1, message)
                seen.setdefault(name, line)
                yield from self._repeated_keys(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from self._repeated_keys(item)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The key (or item) and the value that `step` leads to."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) == str(step):
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None
