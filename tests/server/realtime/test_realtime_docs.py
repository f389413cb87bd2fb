"""docs/realtime.md names every event and every field, and says what becomes of it."""

import re
from pathlib import Path
from typing import get_args

import pytest
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel

from server.realtime.client_events import ResponseParams
from server.realtime.wire_session import (
    AudioInput,
    AudioOutput,
    SemanticVad,
    ServerVad,
    WireSession,
)

PAGE = (Path(__file__).parents[3] / "docs" / "realtime.md").read_text("utf-8")
OURS = {"id", "object", "type"}
"""What the session object is known by; nobody sets it."""


def section(title: str) -> str:
    """The text under a heading."""
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def named_in(text: str) -> set[str]:
    """Events in a section's tables. `a.b`, `.c` in a row stands for `a.b` and `a.c`."""
    names: set[str] = set()
    for row in (line for line in text.splitlines() if line.startswith("|")):
        whole = ""
        for name in re.findall(r"`([a-z_.]+)`", row.split("|")[1]):
            if name.startswith("."):
                names.add(whole.rsplit(".", 1)[0] + name)
            else:
                whole = name
                names.add(name)
    return names


def types_of(union: object) -> set[str]:
    """The `type` of every model."""
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0] for model in models}


def test_every_client_event_is_in_the_table() -> None:
    assert types_of(RealtimeClientEvent) <= named_in(section("What a client may send"))


def test_every_server_event_is_in_the_table() -> None:
    assert types_of(RealtimeServerEvent) <= named_in(section("What the server sends"))


@pytest.mark.parametrize("model", [WireSession, AudioInput, AudioOutput, ServerVad, SemanticVad])
def test_every_field_of_the_session_is_in_the_table(model: type[BaseModel]) -> None:
    table = section("Fields of the session")
    fields = set(model.model_fields) - OURS - {"audio"}
    assert [name for name in fields if not re.search(rf"[`.]{name}`", table)] == []


def test_every_field_of_a_response_is_in_the_table() -> None:
    table = section("Fields of a response")
    fields = set(ResponseParams.model_fields) - {"audio"}
    assert [name for name in fields if f"`{name}`" not in table] == []
