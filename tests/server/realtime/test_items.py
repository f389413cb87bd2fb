"""Items between the wire and the history."""

from typing import Any

import pytest

from live.history import Item
from server.realtime.errors import ClientError
from server.realtime.items import item_from_wire, item_to_wire


def message(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    """A message as a client sends it."""
    return {"type": "message", "role": role, "content": list(content)}


def test_the_parts_of_a_message_are_one_text() -> None:
    parts = [{"type": "input_text", "text": text} for text in ("a large", "latte")]
    item = item_from_wire(message("user", *parts))
    assert (item.role, item.text, item.spoken) == ("user", "a large latte", False)


def test_audio_with_a_transcript_is_taken_as_its_words() -> None:
    part = {"type": "input_audio", "audio": "AAAA", "transcript": "a latte"}
    assert item_from_wire(message("user", part)).text == "a latte"


def test_an_id_is_made_when_the_client_gives_none() -> None:
    part = {"type": "input_text", "text": "hello"}
    assert item_from_wire(message("user", part)).id.startswith("item_")
    assert item_from_wire(message("user", part) | {"id": "mine"}).id == "mine"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({}, "item.type"),
        ({"type": "mcp_call"}, "item.type"),
        (message("user"), "item.content"),
        (message("nobody", {"type": "input_text", "text": "x"}), "item.role"),
        (message("user", {"type": "input_text", "text": 5}), "item.content.0.text"),
        (message("user", {"type": "input_audio", "audio": "AAAA"}), "item.content.0"),
        (message("user", {"type": "input_image", "image_url": "data:"}), "item.content.0"),
        (message("user", {"type": "input_text", "text": "x"}) | {"id": "root"}, "item.id"),
        ({"type": "function_call_output", "output": ""}, "item.call_id"),
    ],
)
def test_what_cannot_be_kept_is_named(item: dict[str, Any], param: str) -> None:
    with pytest.raises(ClientError) as error:
        item_from_wire(item)
    assert error.value.param == param


def test_a_spoken_turn_has_no_transcript_until_it_is_known() -> None:
    unknown = item_to_wire(Item("i", "user", spoken=True))
    known = item_to_wire(Item("i", "user", "a latte", spoken=True))
    assert unknown["content"] == [{"type": "input_audio", "transcript": None}]
    assert known["content"] == [{"type": "input_audio", "transcript": "a latte"}]
