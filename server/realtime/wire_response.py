"""What `response.create` asks for, as the live session takes it."""

from dataclasses import dataclass
from typing import Any

from live.config import ResponseRequest
from live.history import History, HistoryError, Item
from server.realtime.client_events import ResponseParams
from server.realtime.errors import ClientError
from server.realtime.items import item_from_wire
from server.realtime.session_config import voice_of
from server.realtime.wire_session import WireSession
from server.realtime.wire_tools import choice_of, tools_of
from voice.synthesis import Voice

REFERENCE = "item_reference"
"""The kind of input that names an item of the conversation."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Where a response is asked for: its session, the agent's own voice, and those that exist."""

    session: WireSession
    voice: Voice
    voices: frozenset[str]
    history: History


def response_request(wanted: ResponseParams | None, asking: Asking) -> ResponseRequest:
    """The request; raises ClientError naming what cannot be had."""
    if wanted is None:
        return ResponseRequest()
    return ResponseRequest(
        audio=_audio(wanted),
        instructions=wanted.instructions,
        metadata=wanted.metadata or {},
        voice=_voice(wanted, asking),
        tools=None if wanted.tools is None else tools_of(wanted.tools),
        tool_choice=None if wanted.tool_choice is None else choice_of(wanted.tool_choice),
        max_output_tokens=wanted.max_output_tokens,
        in_conversation=wanted.conversation != "none",
        items=None if wanted.input is None else _items(wanted.input, asking.history),
    )


def _audio(wanted: ResponseParams) -> bool | None:
    if wanted.output_modalities is None:
        return None
    if len(wanted.output_modalities) > 1:
        raise ClientError(
            "invalid_value",
            "response.output_modalities: ask for audio, which comes with its transcript, or text",
            "response.output_modalities",
        )
    return "audio" in wanted.output_modalities


def _voice(wanted: ResponseParams, asking: Asking) -> Voice | None:
    output = wanted.audio.output if wanted.audio is not None else None
    if output is None:
        return None
    own = asking.session.audio.output
    if output.format is not None and output.format.get("type") != own.format.type:
        raise ClientError(
            "invalid_value",
            f"response.audio.output.format: this session's audio is {own.format.type}; change it "
            "with session.update",
            "response.audio.output.format",
        )
    if output.voice is None:
        return None
    return voice_of(output.voice, own.speed, asking.voice, asking.voices)


def _items(wanted: list[dict[str, Any]], history: History) -> tuple[Item, ...]:
    """Items of the client's, and those of the conversation that it refers to."""
    items: list[Item] = []
    for index, data in enumerate(wanted):
        where = f"response.input.{index}"
        if data.get("type") == REFERENCE:
            items.append(_referred(data.get("id"), where, history))
        else:
            items.append(item_from_wire(data, where))
    return tuple(items)


def _referred(item_id: object, where: str, history: History) -> Item:
    try:
        return history.get(str(item_id))
    except HistoryError as error:
        raise ClientError("invalid_value", f"{where}.id: {error}", f"{where}.id") from None
