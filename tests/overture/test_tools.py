"""An agent's own functions: how they are described, checked and called."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from live.tools import ToolContext, ToolError
from overture.tool_calls import MAX_OUTPUT_CHARS, MAX_THREADS, AgentTools
from overture.tools import ToolsError, load_tools

PATIENCE = 60.0
ANN = ToolContext("sess_1", "ann")
CAFE = Path(__file__).parents[2] / "agents" / "cafe"


def load(folder: Path, source: str) -> AgentTools:
    """The functions of a tools.py with this text."""
    (folder / "tools.py").write_text(source)
    return load_tools(folder / "tools.py")


def mistakes(folder: Path, source: str) -> list[str]:
    with pytest.raises(ToolsError) as wrong:
        load(folder, source)
    return [str(problem).replace(f"{folder}/", "") for problem in wrong.value.problems]


# What a model is told


def test_hints_and_docstring_become_the_description(tmp_path: Path) -> None:
    tools = load(
        tmp_path,
        """
from typing import Annotated, Literal
from pydantic import BaseModel, Field

class Item(BaseModel):
    name: str
    title: str = ""

def order(
    items: list[Item],
    size: Literal["small", "large"],
    number: Annotated[int, Field(description="as on the receipt", ge=1)] = 1,
) -> str:
    '''Takes an
    order.'''
    return ""

TOOLS = [order]
""",
    )
    (tool,) = tools.tools
    assert (tool.name, tool.description) == ("order", "Takes an order.")
    schema = tool.parameters
    assert schema is not None
    assert schema["type"] == "object"
    assert schema["required"] == ["items", "size"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["size"]["enum"] == ["small", "large"]
    assert schema["properties"]["number"] == {
        "description": "as on the receipt",
        "minimum": 1,
        "type": "integer",
    }
    # A property that is called "title" is no title.
    item = schema["$defs"]["Item"]
    assert set(item["properties"]) == {"name", "title"}
    assert "title" not in item
    json.dumps(schema)


def test_a_function_without_arguments_has_an_empty_object(tmp_path: Path) -> None:
    tools = load(tmp_path, "def now() -> str:\n    'The time.'\n    return 'x'\nTOOLS = [now]\n")
    (tool,) = tools.tools
    assert tool.parameters == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def test_for_whom_it_runs_is_not_the_model_s_to_say(tmp_path: Path) -> None:
    source = """
from live.tools import ToolContext

def who(context: ToolContext, greeting: str = "Hello") -> str:
    "Who talks."
    return f"{greeting} {context.user}"

TOOLS = [who]
"""
    tools = load(tmp_path, source)
    assert list((tools.tools[0].parameters or {})["properties"]) == ["greeting"]


def test_hints_may_be_text_and_dataclasses_may_live_in_the_file(tmp_path: Path) -> None:
    source = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Order:
    number: int

def status(order: Order) -> Order:
    "How far it is."
    return order

TOOLS = (status,)
"""
    assert [tool.name for tool in load(tmp_path, source).tools] == ["status"]


# Mistakes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(:\n", ["tools.py:1:7: not Python: invalid syntax"]),
        (
            "import json\n\nimport nothing_here\n",
            ["tools.py:3:1: does not load: ModuleNotFoundError: No module named 'nothing_here'"],
        ),
        (
            "def f():\n    return 1 / 0\n\nf()\n",
            ["tools.py:2:1: does not load: ZeroDivisionError: division by zero"],
        ),
        ("x = 1\n", ["tools.py: should list its functions: TOOLS = [order_status]"]),
        ("TOOLS = 7\n", ["tools.py: should list its functions: TOOLS = [order_status]"]),
        ("TOOLS = ['f']\n", ["tools.py: TOOLS should list functions, not 'f'"]),
        (
            "\ndef f(a, *b, **c):\n    pass\n\nTOOLS = [f]\n",
            [
                "tools.py:2:1: f: 'a' needs a type hint, such as: str",
                "tools.py:2:1: f: cannot take **c; name each argument",
                "tools.py:2:1: f: cannot take *b; name each argument",
                "tools.py:2:1: f: needs a docstring that says what it is for; the model reads it",
            ],
        ),
        (
            "def f(a: int, /):\n    'F.'\n\nTOOLS = [f]\n",
            ["tools.py:1:1: f: 'a' should not be positional-only"],
        ),
        (
            "def f(a: 'Nothing'):\n    'F.'\n\nTOOLS = [f]\n",
            [
                "tools.py:1:1: f: a type hint cannot be used: "
                "NameError: name 'Nothing' is not defined"
            ],
        ),
        (
            "def f():\n    'F.'\n\nTOOLS = [f, f]\n",
            ["tools.py:1:1: TOOLS lists two functions named 'f'"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, source: str, expected: list[str]) -> None:
    assert mistakes(tmp_path, source) == expected


def test_a_hint_that_no_json_fits_is_a_mistake(tmp_path: Path) -> None:
    source = "import threading\ndef f(a: threading.Lock):\n    'F.'\n\nTOOLS = [f]\n"
    (problem,) = mistakes(tmp_path, source)
    assert problem.startswith("tools.py:2:1: f: a type hint cannot be used: ")


# Calls

CALLED = """
import asyncio, threading
from datetime import date
from live.tools import ToolContext, ToolError

def add(a: int, b: int = 2) -> int:
    "Adds."
    return a + b

async def later(words: str) -> str:
    "Waits."
    await asyncio.sleep(0)
    return words

def who(context: ToolContext) -> str:
    "Who."
    return context.user

def weekday(day: date) -> dict:
    "Which day."
    return {"day": day, "name": day.strftime("%A")}

def fails(secret: str) -> str:
    "Fails."
    raise ValueError("the password is " + secret)

def refuses() -> str:
    "Refuses."
    raise ToolError("the kitchen is closed; try tomorrow")

def gives_up() -> str:
    "Gives up."
    raise SystemExit(3)

def nothing() -> None:
    "Nothing."

def unspeakable() -> object:
    "A lock."
    return threading.Lock()

def much() -> str:
    "Much."
    return "x" * 100_000

TOOLS = [add, later, who, weekday, fails, refuses, gives_up, nothing, unspeakable, much]
"""


@pytest.fixture
def tools(tmp_path: Path) -> AgentTools:
    return load(tmp_path, CALLED)


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("add", {"a": 1}, "3"),
        ("add", {"a": "1", "b": 4}, "5"),
        ("later", {"words": "It is ready."}, "It is ready."),
        ("who", {}, "ann"),
        ("weekday", {"day": "2026-11-21"}, '{"day":"2026-11-21","name":"Saturday"}'),
        ("nothing", {}, "null"),
    ],
)
async def test_a_result_is_text_or_json(
    tools: AgentTools, name: str, arguments: dict[str, object], output: str
) -> None:
    assert await tools.call(name, arguments, ANN) == output


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("fly", {}, "there is no function 'fly'"),
        ("add", {}, "add was not called: a: Field required"),
        ("add", {"a": "x"}, "add was not called: a: Input should be a valid integer"),
        ("add", {"a": 1, "c": 1}, "add was not called: c: Extra inputs are not permitted"),
        ("who", {"context": {"user": "bob"}}, "who was not called: context: Extra inputs"),
        ("refuses", {}, "the kitchen is closed; try tomorrow"),
        ("gives_up", {}, "gives_up failed"),
        ("unspeakable", {}, "unspeakable gave a result that is no JSON"),
    ],
)
async def test_what_went_wrong_is_told_so_that_a_model_can_do_better(
    tools: AgentTools, name: str, arguments: dict[str, object], told: str
) -> None:
    with pytest.raises(ToolError) as failed:
        await tools.call(name, arguments, ANN)
    assert str(failed.value).startswith(told)


async def test_what_an_exception_says_is_not_read_out(tools: AgentTools) -> None:
    with pytest.raises(ToolError) as failed:
        await tools.call("fails", {"secret": "swordfish"}, ANN)
    assert str(failed.value) == "fails failed"


async def test_a_long_result_is_cut(tools: AgentTools) -> None:
    output = await tools.call("much", {}, ANN)
    assert output.startswith("x" * MAX_OUTPUT_CHARS)
    assert output.endswith("(cut)")
    assert len(output) < MAX_OUTPUT_CHARS + 20


BLOCKING = """
import threading
GO, BEGUN = threading.Event(), threading.Semaphore(0)

def wait() -> str:
    "Waits."
    BEGUN.release()
    GO.wait()
    return threading.current_thread().name

TOOLS = [wait]
"""


async def test_plain_functions_run_beside_the_event_loop_a_few_at_once(tmp_path: Path) -> None:
    tools = load(tmp_path, BLOCKING)
    file = sys.modules[f"overture_tools_{tmp_path.name}"]
    calls = [asyncio.create_task(tools.call("wait", {}, ANN)) for _ in range(MAX_THREADS)]
    async with asyncio.timeout(PATIENCE):
        for _ in calls:
            assert await asyncio.to_thread(file.BEGUN.acquire, timeout=PATIENCE)
        with pytest.raises(ToolError, match="too many functions are running"):
            await tools.call("wait", {}, ANN)
        calls[0].cancel()
        await asyncio.gather(calls[0], return_exceptions=True)
        with pytest.raises(ToolError, match="too many"):  # given up, but still running
            await tools.call("wait", {}, ANN)
        file.GO.set()
        names = await asyncio.gather(*calls[1:])
        assert set(names) == {"tool-wait"}
        while (name := await _called(tools)) is None:
            await asyncio.sleep(0)
        assert name == "tool-wait"


async def _called(tools: AgentTools) -> str | None:
    """What the function gave; None while all threads are taken."""
    try:
        return await tools.call("wait", {}, ANN)
    except ToolError:
        return None


# The demo agent's


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-11-21T13:00", {"open": True, "closes": "Saturday at 8 pm"}),
        ("2026-11-22T08:59", {"open": False, "opens": "Sunday at 9 am"}),
        ("2026-11-22T17:00Z", {"open": False, "opens": "Monday at 7 am"}),
        ("2026-11-27T19:30", {"open": False, "opens": "Saturday at 8 am"}),
    ],
)
async def test_the_café_knows_whether_it_is_open(at: str, status: dict[str, object]) -> None:
    tools = load_tools(CAFE / "tools.py")
    assert json.loads(await tools.call("opening_status", {"at": at}, ANN)) == status


async def test_the_café_knows_whether_it_is_open_now() -> None:
    tools = load_tools(CAFE / "tools.py")
    assert "open" in json.loads(await tools.call("opening_status", {}, ANN))
