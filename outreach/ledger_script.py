"""The ledger's Lua script, with the table of states and the limits written into it."""

from pathlib import Path

from outreach.scripts import Script
from outreach.states import OVER, TRANSITIONS

MAX_WAITING = 200
"""Prompts in a person's mailbox, and as many that are held; a new one is suppressed then."""
KEEP_S = 90 * 86_400
"""How long a prompt's story is kept after its last step."""
FIRST_STEPS, LAST_STEPS = 10, 50
"""Of a story that grew long, its beginning and its end are kept."""
AWAY_S = 20.0
"""Whoever was away when a prompt was due, and comes back sooner, has only reloaded the page."""
LOOK_S = 60.0
"""Longest pause between two looks of the sweeper at something that is not over."""
CHANNEL = "overture:outreach:steps"
"""Where each step is published."""


def _lua() -> str:
    allowed = ", ".join(
        f"{state.value} = {{{', '.join(f'{to.value} = true' for to in sorted(after, key=str))}}}"
        for state, after in TRANSITIONS.items()
    )
    over = ", ".join(f"{state.value} = true" for state in sorted(OVER, key=str))
    limits = (
        f"local MAX_WAITING, KEEP_S, AWAY_S, LOOK_S = {MAX_WAITING}, {KEEP_S}, {AWAY_S}, {LOOK_S}\n"
        f"local FIRST_STEPS, LAST_STEPS, CHANNEL = {FIRST_STEPS}, {LAST_STEPS}, '{CHANNEL}'\n"
    )
    body = Path(__file__).with_name("ledger.lua").read_text()
    return f"local ALLOWED = {{{allowed}}}\nlocal OVER = {{{over}}}\n{limits}{body}"


LEDGER = Script(_lua())
