"""Prints the part of requirements.lock that a server needs: hashes and all, without the tools
that only developers use.

    python deploy/runtime_lock.py requirements.lock > runtime.lock

The lock says of each package what it is there for ("# via"). What leads to Overture itself other
than by its development group stays, and so does what builds its installation.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

OURS = "overture (pyproject.toml)"
BUILDS = "hatchling"
"""The one development package that the image needs: it builds the editable installation."""

_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==\S+")
_VIA = re.compile(r"^    #(?: via)?\s*(\S.*)?$")


def blocks_of(lock: str) -> Mapping[str, str]:
    """Each package's lines, by its name."""
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if line.startswith("#"):
            continue
        if found := _PACKAGE.match(line):
            name = found[1]
        blocks.setdefault(name, []).append(line)
    return {name: "\n".join(lines) for name, lines in blocks.items()}


def parents_of(block: str) -> set[str]:
    """What a package is there for."""
    named = (_VIA.match(line) for line in block.splitlines())
    return {found[1] for found in named if found is not None and found[1]}


def runtime(lock: str) -> str:
    """The lock's packages that a server needs; raises ValueError if it cannot tell."""
    blocks = blocks_of(lock)
    parents = {name: parents_of(block) for name, block in blocks.items()}
    needed = {name for name in blocks if OURS in parents[name]} | {BUILDS}
    if len(needed) == 1 or BUILDS not in blocks:
        raise ValueError("the lock does not say what its packages are for; make it with uv")
    while more := {name for name in blocks if parents[name] & needed} - needed:
        needed |= more
    return "\n".join(blocks[name] for name in blocks if name in needed) + "\n"


if __name__ == "__main__":
    sys.stdout.write(runtime(Path(sys.argv[1]).read_text("utf-8")))
