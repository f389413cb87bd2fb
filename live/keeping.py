"""A conversation's items between the session and its stored context."""

from time import time
from typing import Literal, cast

from knowledge.passages import Exchange, FunctionCall, FunctionOutput, Message
from live.history import Item
from sessions import context as stored

MAX_RAW = 32 * 1024
"""Characters of a function's call or output that are stored: what is longer is not, so that it
does not push the conversation itself out of the context."""


def to_stored(item: Item, sources: tuple[stored.Source, ...]) -> stored.Item | None:
    """The item as it is kept; None if there is nothing in it to be kept."""
    if item.kind == "message" and not item.text:
        return None
    if len(str(item.raw)) > MAX_RAW:
        return None
    return stored.Item(
        id=item.id,
        role=item.role,
        text=item.text,
        at=time(),
        sources=sources,
        spoken=item.spoken,
        complete=item.status == "completed",
        audio_ms=item.audio_ms,
        marks=item.marks,
        kind=item.kind,
        raw=item.raw,
        worked=_worked_to_stored(item.worked),
    )


def from_stored(kept: stored.Item) -> Item:
    """The item as it was."""
    status: Literal["completed", "incomplete"] = "completed" if kept.complete else "incomplete"
    return Item(
        id=kept.id,
        role=kept.role,
        text=kept.text,
        spoken=kept.spoken,
        status=status,
        audio_ms=kept.audio_ms,
        kind=kept.kind,
        marks=kept.marks,
        raw=dict(kept.raw),
        worked=tuple(_exchange(dict(each)) for each in kept.worked),
    )


def _worked_to_stored(worked: tuple[Exchange, ...]) -> tuple[dict[str, str], ...]:
    kept: list[dict[str, str]] = []
    for each in worked:
        match each:
            case Message(role, text):
                kept.append({"role": role, "text": text})
            case FunctionCall(call_id, name, arguments):
                kept.append({"call_id": call_id, "name": name, "arguments": arguments})
            case FunctionOutput(call_id, output):
                kept.append({"call_id": call_id, "output": output})
    return () if len(str(kept)) > MAX_RAW else tuple(kept)


def _exchange(kept: dict[str, str]) -> Exchange:
    if "name" in kept:
        return FunctionCall(kept["call_id"], kept["name"], kept["arguments"])
    if "output" in kept:
        return FunctionOutput(kept["call_id"], kept["output"])
    return Message(cast(Literal["user", "assistant", "system"], kept["role"]), kept["text"])
