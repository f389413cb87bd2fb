"""What the scripts of tests/clients/javascript note of a talk, and how to read it."""

from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[1] / "clients" / "javascript"

Notes = dict[str, Any]


def without_errors(notes: Notes) -> Notes:
    """The notes, held to this: neither the client nor the server complained."""
    assert notes["errors"] == []
    assert "error" not in notes["events"]
    return notes


def said(notes: Notes) -> str:
    """The words of the agent's last message, as the client's history has them."""
    messages = [item for item in notes["history"] if item.get("role") == "assistant"]
    part = messages[-1]["content"][0]
    text: str = part.get("text") or part.get("transcript") or ""
    return text


def asked(notes: Notes) -> str:
    """The words of the user's first message, spoken or typed."""
    message = next(item for item in notes["history"] if item.get("role") == "user")
    part = message["content"][0]
    text: str = part.get("text") or part.get("transcript") or ""
    return text
