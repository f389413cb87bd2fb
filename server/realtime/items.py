"""Conversation items between the wire and the history."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from live.history import ROOT, Item, new_item_id
from server.realtime.client_events import Id
from server.realtime.errors import ClientError
from server.realtime.incoming import validated


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Content(_Wire):
    type: Literal["input_text", "input_audio", "input_image", "output_text", "output_audio"]
    text: str | None = None
    transcript: str | None = None


class _Message(_Wire):
    type: Literal["message"]
    id: Id | None = None
    role: Literal["user", "assistant", "system"]
    content: Annotated[list[_Content], Field(min_length=1, max_length=64)]


class _FunctionCall(_Wire):
    type: Literal["function_call"]
    id: Id | None = None
    call_id: Id | None = None
    name: Annotated[str, Field(max_length=128)]
    arguments: str


class _FunctionCallOutput(_Wire):
    type: Literal["function_call_output"]
    id: Id | None = None
    call_id: Id
    output: str


_KINDS: Mapping[str, type[_Message] | type[_FunctionCall] | type[_FunctionCallOutput]] = {
    "message": _Message,
    "function_call": _FunctionCall,
    "function_call_output": _FunctionCallOutput,
}


def item_from_wire(data: dict[str, Any], where: str = "item") -> Item:
    """A client's item, with its own id or a new one; raises ClientError. where: its path."""
    kind = str(data.get("type"))
    if kind not in _KINDS:
        message = f"{where}.type should be one of {', '.join(_KINDS)}"
        raise ClientError("invalid_value", message, f"{where}.type")
    wire = validated(_KINDS[kind], data, where)
    assert isinstance(wire, (_Message, _FunctionCall, _FunctionCallOutput))
    if wire.id == ROOT:
        message = f"{where}.id: '{ROOT}' names the beginning"
        raise ClientError("invalid_value", message, f"{where}.id")
    item_id = wire.id or new_item_id()
    if isinstance(wire, _Message):
        return Item(id=item_id, role=wire.role, text=_text_of(wire, where))
    raw = wire.model_dump(exclude_none=True) | {"id": item_id, "status": "completed"}
    return Item(id=item_id, kind=wire.type, raw={"object": "realtime.item", **raw})


def _text_of(message: _Message, where: str) -> str:
    parts = enumerate(message.content)
    return " ".join(_words_of(part, f"{where}.content.{index}") for index, part in parts)


def _words_of(part: _Content, where: str) -> str:
    if part.type == "input_image":
        raise ClientError(
            "invalid_value",
            f"{where}: images are not understood; say in words what they show",
            where,
        )
    words = part.transcript if part.type in {"input_audio", "output_audio"} else part.text
    if words is None:
        raise ClientError(
            "invalid_value",
            f"{where}: this server takes text, or audio that has a transcript; "
            "to be heard, send audio with input_audio_buffer.append",
            where,
        )
    return words


def item_to_wire(item: Item) -> dict[str, Any]:
    """The item as events carry it. A spoken user item has a null transcript until it is known."""
    if item.kind != "message":
        return item.raw
    return {
        "id": item.id,
        "object": "realtime.item",
        "type": "message",
        "status": item.status,
        "role": item.role,
        "content": [_content(item)],
    }


def begun_item(item: Item) -> dict[str, Any]:
    """An agent's item that has nothing in it yet."""
    return item_to_wire(item) | {"status": "in_progress", "content": []}


def _content(item: Item) -> dict[str, Any]:
    side = "output" if item.role == "assistant" else "input"
    if item.spoken:
        known = item.text or (None if side == "input" else "")
        return {"type": f"{side}_audio", "transcript": known}
    return {"type": f"{side}_text", "text": item.text}
