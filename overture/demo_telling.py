"""The demo's narrative: lines with times, and a prompt's story as the ledger has it."""

import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

WIDTH = 96


class Narrator:
    """Writes lines; times are minutes and seconds since it was made."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._began = time.monotonic()
        self.acts = 0

    def title(self, name: str) -> None:
        """A new rule's part begins."""
        self.acts += 1
        self._write(f"\n{self.acts}. {name}")

    def tell(self, text: str) -> None:
        """What a reader should know, wrapped."""
        for line in textwrap.wrap(text, WIDTH - 3):
            self._write(f"   {line}")

    def at(self, who: str, what: str) -> None:
        """Something happened now."""
        seconds = time.monotonic() - self._began
        lead = f"   {int(seconds // 60)}:{seconds % 60:04.1f}  {who:<16} "
        lines = textwrap.wrap(what, WIDTH - len(lead)) or [""]
        self._write(lead + lines[0])
        for line in lines[1:]:
            self._write(" " * len(lead) + line)

    def rows(self, rows: Sequence[str]) -> None:
        """Lines of a table, as they are."""
        for row in rows:
            self._write(f"   {row}")

    def _write(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def story_rows(story: Mapping[str, Any]) -> list[str]:
    """Every step of a prompt: when, as what, how long it was in it, and on what grounds."""
    rows = []
    for step in story["steps"]:
        moment = datetime.fromtimestamp(step["at"], UTC)
        grounds = ", ".join(
            f"{name.replace('_', ' ')} {_short(value)}"
            for name, value in step["evidence"].items()
            if isinstance(value, str | int | float) and value not in ("", None)
        )
        words = "; ".join(filter(None, (step["words"], step["reason"], grounds)))
        rows.append(
            f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}  {step['state']:<10} {words}"
        )
    return rows


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
