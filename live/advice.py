"""Tells a client's developer of what was set and cannot be done here."""

from collections.abc import Callable, Sequence

from knowledge.passages import Tool
from live.events import Warned
from live.mind import Mind

MAX_WARNINGS = 16
"""Told to one session; who needs more has read none."""


class Advice:
    """One session's: nothing is said twice. follows: a language model answers."""

    def __init__(self, mind: Mind, tell: Callable[[Warned], None], *, follows: bool) -> None:
        self._mind = mind
        self._tell = tell
        self._follows = follows
        self._told: set[str] = set()

    def on(self, instructions: str | None, tools: Sequence[Tool] | None) -> None:
        """What a session or a response was asked to have."""
        if instructions and not self._follows:
            self._say(
                "instructions are kept but cannot be followed: this server answers from its "
                "own documents, without a language model"
            )
        for tool in tools or ():
            if not self._mind.can_be_called(tool.name):
                self._say(
                    f"nothing will call the function {tool.name!r}: without a language model a "
                    "function is called through the agent's intent of the same name"
                )

    def _say(self, message: str) -> None:
        if message not in self._told and len(self._told) < MAX_WARNINGS:
            self._told.add(message)
            self._tell(Warned(message))
