"""The transition table as a drawing: `python -m conversation.drawing` prints what docs/floor.md
holds, a Mermaid state diagram."""

import sys

from conversation.floor import TRANSITIONS, Floor


def diagram() -> str:
    """The state diagram, one line a transition, in the table's order."""
    lines = ["stateDiagram-v2", f"    [*] --> {Floor.IDLE.name}"]
    lines += [f"    {a.name} --> {b.name} : {why}" for (a, b), why in TRANSITIONS.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(diagram())
