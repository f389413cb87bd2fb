"""The agent's own functions: agents/NAME/tools.py, loaded, described and called.

    def order_status(number: Annotated[int, Field(description="as on the receipt")]) -> str:
        \"""How far an order is.\"""

    TOOLS = [order_status]

The type hints become the JSON schema that a language model is given, the docstring says what the
function is for. Plain functions run in a thread of their own, `async def` on the event loop.
"""

import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NotRequired, Required, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter
from typing_extensions import TypedDict

from knowledge.passages import Tool
from live.tools import ToolContext
from overture.errors import UserError
from overture.tool_calls import AgentTools, Arguments, Function
from scheduler.yaml_source import Problem

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Names that every model's server takes."""


class ToolsError(UserError):
    """tools.py has mistakes; the message has a line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


def load_tools(path: Path) -> AgentTools:
    """The functions that TOOLS of this file lists. Runs the file; raises ToolsError."""
    module = _module(path)
    listed = getattr(module, "TOOLS", None)
    if not isinstance(listed, list | tuple):
        raise ToolsError(
            [Problem(str(path), 0, 0, "should list its functions: TOOLS = [order_status]")]
        )
    functions: list[Function] = []
    problems: list[Problem] = []
    for entry in listed:
        if not inspect.isfunction(entry):
            message = f"TOOLS should list functions, not {entry!r:.60}"
            problems.append(Problem(str(path), 0, 0, message))
            continue
        line = entry.__code__.co_firstlineno
        wrong = _mistakes(entry)
        if entry.__name__ in {function.tool.name for function in functions}:
            wrong.append(f"TOOLS lists two functions named '{entry.__name__}'")
        problems += [Problem(str(path), line, 1, message) for message in wrong]
        if not wrong:
            try:
                functions.append(_function(entry))
            except (PydanticUserError, NameError, TypeError) as error:
                message = f"{entry.__name__}: a type hint cannot be used: {_short(error)}"
                problems.append(Problem(str(path), line, 1, message))
    if problems:
        raise ToolsError(problems)
    return AgentTools(functions)


def _module(path: Path) -> ModuleType:
    name = f"overture_tools_{path.resolve().parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their own module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a file does when it is run is what is told here
        del sys.modules[name]
        raise ToolsError([_where(path, error)]) from None
    return module


def _where(path: Path, error: Exception) -> Problem:
    """The last line of the file itself that the error came through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return Problem(str(path), error.lineno or 1, error.offset or 1, f"not Python: {error.msg}")
    lines = [
        frame.lineno or 0
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    line = lines[-1] if lines else 0
    return Problem(str(path), line, 1 if line else 0, f"does not load: {_short(error)}")


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"


def _mistakes(function: Callable[..., Any]) -> list[str]:
    """What keeps a function from being described to a model."""
    name = function.__name__
    wrong = []
    if not NAME.fullmatch(name):
        wrong.append(f"{name}: a function needs a plain name, 64 letters, digits and '_' at most")
    if not inspect.getdoc(function):
        wrong.append(f"{name}: needs a docstring that says what it is for; the model reads it")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            wrong.append(f"{name}: cannot take {parameter}; name each argument")
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            wrong.append(f"{name}: '{parameter.name}' should not be positional-only")
        elif parameter.annotation is parameter.empty:
            wrong.append(f"{name}: '{parameter.name}' needs a type hint, such as: str")
    return wrong


def _function(function: Callable[..., Any]) -> Function:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    takes_context = ""
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if hint is ToolContext:
            takes_context = parameter.name
        elif parameter.default is parameter.empty:
            fields[parameter.name] = Required[hint]
        else:
            fields[parameter.name] = NotRequired[hint]
    made_at_run_time: Any = TypedDict  # which type checkers cannot follow
    typed = made_at_run_time(function.__name__, fields)
    typed.__pydantic_config__ = ConfigDict(extra="forbid")
    adapter: TypeAdapter[Arguments] = TypeAdapter(typed)
    schema = _without_titles(adapter.json_schema())
    description = " ".join((inspect.getdoc(function) or "").split())
    return Function(Tool(function.__name__, description, schema), function, adapter, takes_context)


def _without_titles(schema: Any) -> Any:
    """pydantic titles everything by its name, which says nothing and costs tokens."""
    if isinstance(schema, dict):
        return {
            key: {name: _without_titles(value) for name, value in inner.items()}
            if key == "properties" and isinstance(inner, dict)
            else _without_titles(inner)
            for key, inner in schema.items()
            if not (key == "title" and isinstance(inner, str))
        }
    if isinstance(schema, list):
        return [_without_titles(inner) for inner in schema]
    return schema
