"""The table of states as a drawing: `python -m outreach.drawing` prints what docs/ledger.md holds,
a Mermaid state diagram."""

import sys

from outreach.states import TRANSITIONS, State


def diagram() -> str:
    """The state diagram, one line a transition, in the table's order."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.MATCHED.name}"]
    for state, following in TRANSITIONS.items():
        lines += [f"    {state.name} --> {to.name}" for to in State if to in following]
    lines += [
        f"    {state.name} --> [*]" for state, following in TRANSITIONS.items() if not following
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(diagram())
