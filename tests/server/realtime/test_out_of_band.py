"""Responses out of the conversation, and silence, over a real socket."""

import asyncio
from typing import Any

import pytest

from tests.server.realtime.test_turns import TEXT_ONLY, begin_speaking
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import Event, wire_client

BESIDE: Event = {
    "conversation": "none",
    "output_modalities": ["text"],
    "metadata": {"topic": "hours"},
}
ASKED: Event = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "When do you close on Sunday?"}],
}

LONG: Event = ASKED | {"content": [{"type": "input_text", "text": "When are you open?"}]}
"""Its answer is spoken for a while."""


def create(**response: Any) -> Event:
    """A response.create."""
    return {"type": "response.create", "response": response}


async def test_in_text_it_is_answered_while_the_agent_speaks(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await begin_speaking(client)
        spoken = (await client.until("response.created"))["response"]["id"]
        await client.until("response.output_audio.delta")
        await client.send(create(**BESIDE, input=[ASKED]))
        beside = (await client.until("response.done"))["response"]
        if beside["id"] == spoken:  # on a machine so slow that the whole answer was spoken by then
            beside = (await client.until("response.done"))["response"]
        assert beside["conversation_id"] is None
        assert beside["metadata"] == {"topic": "hours"}
        assert beside["output_modalities"] == ["text"]
        (item,) = beside["output"]
        assert "5" in item["content"][0]["text"]
        of_items = [e for e in client.seen if e["type"].startswith("conversation.item.")]
        assert item["id"] not in [e["item"]["id"] for e in of_items]
        await client.send({"type": "conversation.item.retrieve", "item_id": item["id"]})
        assert (await client.error())["param"] == "item_id"


async def test_aloud_it_is_not_remembered_either(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(create(conversation="none", input=[LONG]))
        await client.until("response.output_audio.delta")
        await client.send({"type": "response.cancel"})
        done = await client.until("response.done")
        assert done["response"]["conversation_id"] is None
        assert done["response"]["output"][0]["content"][0]["type"] == "output_audio"
        assert not [name for name in client.types() if name.startswith("conversation.")]


async def test_input_may_refer_to_items_of_the_conversation(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(TEXT_ONLY)
        item = ASKED | {"id": "hours"}
        await client.send({"type": "conversation.item.create", "item": item})
        await client.say("thank you")
        reference = {"type": "item_reference", "id": "hours"}
        await client.send(create(**BESIDE, input=[reference]))
        done = await client.until("response.done")
        assert "5" in done["response"]["output"][0]["content"][0]["text"]


async def test_what_was_asked_of_other_items_may_stay_in_the_conversation(
    serving: Serving,
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(TEXT_ONLY, create(input=[ASKED]))
        done = await client.until("response.done")
        assert done["response"]["conversation_id"] is not None
        kept = {
            "type": "conversation.item.retrieve",
            "item_id": done["response"]["output"][0]["id"],
        }
        await client.send(kept)
        await client.until("conversation.item.retrieved")


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"conversation": "other"}, "response.conversation"),
        ({"input": [{"type": "item_reference", "id": "gone"}]}, "response.input.0.id"),
        ({"input": [{"type": "item_reference"}]}, "response.input.0.id"),
        ({"input": [ASKED, {"type": "picture"}]}, "response.input.1.type"),
        ({"input": [ASKED | {"role": "nobody"}]}, "response.input.0.role"),
        ({"input": ["words"]}, "response.input.0"),
        ({"output_modalities": ["text", "audio"]}, "response.output_modalities"),
        ({"max_output_tokens": -1}, "response.max_output_tokens"),
        ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, "response.audio.output.format"),
    ],
)
async def test_what_cannot_be_made_is_refused_with_its_field(
    serving: Serving, response: dict[str, Any], param: str
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(create(**response) | {"event_id": "mine"})
        error = await client.error()
        assert (error["param"], error["event_id"]) == (param, "mine")


async def test_an_image_is_refused_in_words_that_say_what_to_do(serving: Serving) -> None:
    part = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        item = ASKED | {"content": [part]}
        await client.send({"type": "conversation.item.create", "item": item})
        error = await client.error()
        assert error["param"] == "item.content.0"
        assert "images" in error["message"]


async def test_after_silence_the_agent_takes_the_word_in_the_protocols_order(
    serving: Serving,
) -> None:
    idle = {"type": "server_vad", "idle_timeout_ms": 1000}
    session = {"output_modalities": ["text"], "audio": {"input": {"turn_detection": idle}}}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send({"type": "session.update", "session": session})
        await client.say("thank you")
        client.seen.clear()
        done = await client.until("response.done")
    order = [name for name in client.types() if name != "rate_limits.updated"]
    assert order[:6] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
    ]
    silent = {
        event["item_id"]
        for event in client.seen
        if "item_id" in event and event["type"].startswith("input_")
    }
    assert len(silent) == 1
    assert "anything else" in done["response"]["output"][0]["content"][0]["text"]
