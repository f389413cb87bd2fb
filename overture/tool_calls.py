"""Calls of an agent's own functions: checked, timed, their results as text."""

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from knowledge.passages import Tool
from live.tools import ToolContext, ToolError

MAX_OUTPUT_CHARS = 8_000
"""Of a function's result: the model reads it all before it says a word."""
MAX_THREADS = 8
"""Plain functions that run at once: one that hangs keeps its thread for ever."""

Arguments = dict[str, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Function:
    """One of them. arguments: checks a call's.

    takes_context: the name of the parameter for the ToolContext, "" if it has none.
    """

    tool: Tool
    call: Callable[..., Any]
    arguments: TypeAdapter[Arguments]
    takes_context: str


class AgentTools:
    """The functions of one tools.py; the port is live/tools.py."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._functions = {function.tool.name: function for function in functions}
        self.tools: Sequence[Tool] = tuple(function.tool for function in functions)
        self._threads = 0

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """The function's result: text as it is, anything else as JSON. Raises ToolError."""
        function = self._functions.get(name)
        if function is None:
            raise ToolError(f"there is no function '{name}'")
        try:
            given = function.arguments.validate_python(dict(arguments))
        except ValidationError as error:
            raise ToolError(_what_is_wrong(name, error)) from None
        if function.takes_context:
            given[function.takes_context] = context
        try:
            return _as_text(name, await self._run(function.call, given))
        except ToolError:
            raise
        except Exception as error:
            # Whatever an author's function does, the talk goes on. What went wrong inside is for
            # the log: a model would read it out.
            log.exception("tool_failed", tool=name)
            raise ToolError(f"{name} failed") from error

    async def _run(self, call: Callable[..., Any], given: Arguments) -> Any:
        if inspect.iscoroutinefunction(call):
            return await call(**given)
        if self._threads == MAX_THREADS:
            raise ToolError("too many functions are running; try again in a moment")
        self._threads += 1
        return await _in_thread(call, given, self._thread_ended)

    def _thread_ended(self) -> None:
        self._threads -= 1


async def _in_thread(call: Callable[..., Any], given: Arguments, ended: Callable[[], None]) -> Any:
    """Like asyncio.to_thread, but a function that never returns does not keep the process alive.

    ended: called on the event loop when the function has returned, however late.
    """
    loop = asyncio.get_running_loop()
    returned: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def tell(result: Any, failure: Exception | None) -> None:
        ended()
        if returned.done():
            return  # nobody waits any more
        if failure is None:
            returned.set_result(result)
        else:
            returned.set_exception(failure)

    def run() -> None:
        result, failure = None, None
        try:
            result = context.run(call, **given)
        except BaseException as error:  # SystemExit too: it must reach whoever waits
            failure = error if isinstance(error, Exception) else RuntimeError(repr(error))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=run, name=f"tool-{call.__name__}", daemon=True).start()
    return await returned


def _as_text(name: str, result: Any) -> str:
    if isinstance(result, str):
        text = result
    else:
        try:
            text = to_json(result).decode()
        except PydanticSerializationError as error:
            log.warning("tool_result_unusable", tool=name, reason=str(error))
            raise ToolError(f"{name} gave a result that is no JSON") from None
    if len(text) > MAX_OUTPUT_CHARS:
        log.warning("tool_result_cut", tool=name, characters=len(text))
        return text[:MAX_OUTPUT_CHARS] + " ... (cut)"
    return text


def _what_is_wrong(name: str, error: ValidationError) -> str:
    """For the model, which can call again with better arguments."""
    wrong = [
        f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
        for problem in error.errors()
    ]
    return f"{name} was not called: " + "; ".join(wrong[:5])
