"""Reads an agent's documents: Markdown and plain text, cut into chunks that can be found."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

QUESTIONS_FILE = "questions.txt"
"""One question a line that people may ask: for the recognizer's ear, not for answers."""

SUFFIXES = (".md", ".markdown", ".txt")
MAX_DOCUMENT_BYTES = 5_000_000
"""A book has about a million; a larger file is no prose, and would stall the start."""


class DocumentError(Exception):
    """A document cannot be read. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A paragraph, list item or table row of a document.

    document: its path below the knowledge folder. headings: from the outermost to the nearest.
    text: as it can be read out. line: where it starts, from 1.
    row: of a table's row, its (column, cell) pairs; else empty.
    leads: the first chunk under its heading, where the general thing is said.
    """

    document: str
    headings: tuple[str, ...]
    text: str
    line: int
    row: tuple[tuple[str, str], ...] = ()
    leads: bool = False


_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+(.*)")
_RULE = re.compile(r"\s*([-*_=])(?:\s*\1){2,}\s*$")
_TABLE_RULE = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"(\*\*|__|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))")


def read_documents(folder: Path) -> list[Chunk]:
    """The chunks of every document below `folder`; raises DocumentError.

    Hidden files and questions.txt are left out. No folder, no chunks.
    """
    chunks: list[Chunk] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or path.suffix.lower() not in SUFFIXES or name.name == QUESTIONS_FILE:
            continue
        if path.is_file():
            chunks.extend(parse_document(name.as_posix(), _read(path)))
    return chunks


def read_questions(folder: Path) -> list[str]:
    """The lines of questions.txt, without comments (#) and empty ones; none without the file."""
    path = folder / QUESTIONS_FILE
    if not path.is_file():
        return []
    lines = (line.strip() for line in _read(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def parse_document(name: str, text: str) -> list[Chunk]:
    """The chunks of one document; plain text is Markdown without marks."""
    return list(_Parser(name).chunks(text))


def _read(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_DOCUMENT_BYTES:
        raise DocumentError(f"{path} has {size:,} bytes; split it below {MAX_DOCUMENT_BYTES:,}")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from error
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}") from error


class _Parser:
    """Walks the lines of one document and hands out chunks as they end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._headings: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._start = 0
        self._columns: list[str] = []
        self._fenced = False
        self._leads = True

    def chunks(self, text: str) -> Iterator[Chunk]:
        lines = text.splitlines()
        for number, line in enumerate(lines, start=1):
            if _FENCE.match(line):
                self._fenced = not self._fenced
                yield from self._flushed()
            elif self._fenced:
                self._add(line, number)
            else:
                following = lines[number] if number < len(lines) else ""
                yield from self._line(line, number, following)
        yield from self._flushed()

    def _line(self, line: str, number: int, following: str) -> Iterator[Chunk]:
        heading = _HEADING.match(line)
        item = _ITEM.match(line)
        is_row = line.lstrip().startswith("|")
        if heading or item or is_row or not line.strip() or _RULE.match(line):
            yield from self._flushed()
        if not is_row:
            self._columns = []
        if heading:
            self._enter(len(heading[1]), _plain(heading[2]))
        elif is_row:
            yield from self._row(line, number, following)
        elif item:
            self._add(item[1], number)
        elif line.strip() and not _RULE.match(line):
            self._add(line.lstrip("> "), number)

    def _enter(self, level: int, title: str) -> None:
        self._headings = [(lv, text) for lv, text in self._headings if lv < level]
        self._headings.append((level, title))
        self._leads = True

    def _add(self, line: str, number: int) -> None:
        if not self._lines:
            self._start = number
        self._lines.append(line)

    def _flushed(self) -> Iterator[Chunk]:
        text = _plain(" ".join(self._lines))
        self._lines = []
        if text:
            yield self._chunk(text, self._start)

    def _row(self, line: str, number: int, following: str) -> Iterator[Chunk]:
        cells = [_plain(cell) for cell in line.strip().strip("|").split("|")]
        if _TABLE_RULE.match(line):
            return
        if not self._columns and _TABLE_RULE.match(following):
            self._columns = cells
            return
        columns = [*self._columns, *[""] * len(cells)]
        row = tuple((c, v) for c, v in zip(columns, cells, strict=False) if v)
        if row:
            yield self._chunk(spoken_row(row), number, row)

    def _chunk(self, text: str, line: int, row: tuple[tuple[str, str], ...] = ()) -> Chunk:
        leads, self._leads = self._leads, False
        headings = tuple(title for _, title in self._headings)
        return Chunk(self._name, headings, text, line, row, leads)


def spoken_row(row: Sequence[tuple[str, str]]) -> str:
    """A table row as a sentence: "Latte: small £3.20, large £4.00."."""
    (_, first), *rest = row
    named = ", ".join(f"{column} {cell}".strip() for column, cell in rest)
    return f"{first}: {named}." if named else first


def _plain(text: str) -> str:
    """Text without Markdown's marks."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())
