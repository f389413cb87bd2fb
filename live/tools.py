"""The agent's own functions: the port, and how one is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from knowledge.passages import Tool


@dataclass(frozen=True, slots=True)
class ToolContext:
    """For whom a function runs."""

    session_id: str
    user: str


class ToolError(Exception):
    """The function failed. The message is told to the answerer, so it should say what to do."""


class Toolbox(Protocol):
    """The agent's own functions, the same for every session of the process."""

    @property
    def tools(self) -> Sequence[Tool]:
        """What may be called."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Runs one of `tools` and returns its result as text, JSON unless it is plain words.

        arguments: the call's JSON object, not yet checked against the tool's schema.
        Never blocks the event loop. Raises ToolError; may be cancelled when it takes too long.
        """
        ...


class NoTools:
    """An agent without functions."""

    tools: Sequence[Tool] = ()

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """There are none to call."""
        raise ToolError(f"there is no function '{name}'")
