"""Whole turns over a real socket, every event held against the SDK's models."""

import asyncio

import numpy as np

from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import WireClient, append, pcm_24k, silence, wire_client
from voice.audio import SPEAKING_RATE, Pcm

FRAME = SPEAKING_RATE // 25
TEXT_ONLY = {
    "type": "session.update",
    "session": {"type": "realtime", "output_modalities": ["text"]},
}
MANUAL = {
    "type": "session.update",
    "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
}


async def play(client: WireClient, samples: Pcm) -> None:
    """A microphone: 40 ms frames as fast as the server may be sent them."""
    for start in range(0, len(samples), FRAME):
        await client.send(append(samples[start : start + FRAME]))


async def test_a_typed_turn_is_answered_in_text_in_the_protocols_order(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(TEXT_ONLY)
        done = await client.say("When do you close on Sunday?")
    assert client.types() == [
        "session.created",
        "session.updated",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    response = done["response"]
    assert response["status"] == "completed"
    assert response["status_details"] == {"type": "completed"}
    assert response["usage"]["total_tokens"] == 0
    assert "5" in response["output"][0]["content"][0]["text"]


async def test_a_spoken_question_is_answered_aloud(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        question = np.concatenate([pcm_24k(speak("when do you close on sunday")), silence(1.5)])
        await play(client, question)
        done = await client.until("response.done")
    assert [
        name for name in client.types() if name != "response.output_audio_transcript.delta"
    ] == [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert done["response"]["status"] == "completed"
    heard = next(e for e in client.seen if e["type"].endswith("transcription.completed"))
    assert "sunday" in heard["transcript"].lower()
    assert heard["usage"]["type"] == "duration"
    assert heard["usage"]["seconds"] > 0.5


async def test_who_speaks_over_the_agent_stops_it_and_only_the_heard_words_stay(
    serving: Serving,
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving, extras="1") as client:
        await client.send({"type": "session.update", "session": {}})
        await begin_speaking(client)
        for _ in range(10):
            await client.until("response.output_audio.delta")
        await play(client, pcm_24k(speak("no wait I would like something else please")))
        done = await client.until("response.done")
        heard = next(e for e in client.seen if e["type"] == "overture.heard")
        spoken = "".join(
            e["delta"] for e in client.seen if e["type"] == "response.output_audio_transcript.delta"
        )
        await client.send({"type": "conversation.item.retrieve", "item_id": heard["item_id"]})
        kept = (await client.until("conversation.item.retrieved"))["item"]
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    order = client.types()
    assert order.index("input_audio_buffer.speech_started") < order.index("response.done")
    truncated = next(e for e in client.seen if e["type"] == "conversation.item.truncated")
    assert truncated["audio_end_ms"] > 0
    assert spoken.startswith(heard["text"])
    assert len(heard["text"]) < len(spoken)
    assert kept["status"] == "incomplete"
    assert kept["content"] == [{"type": "output_audio", "transcript": heard["text"]}]


async def begin_speaking(client: WireClient) -> None:
    """Has the agent say something that lasts."""
    text = "When are you open?"
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    await client.send(
        {"type": "conversation.item.create", "item": item}, {"type": "response.create"}
    )


async def test_a_response_can_be_cancelled_while_it_is_spoken(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await begin_speaking(client)
        await client.until("response.output_audio.delta")
        await client.send({"type": "response.cancel"})
        done = await client.until("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        again = await client.say("thank you", output_modalities=["text"])
        assert again["response"]["status"] == "completed"


async def test_a_second_response_is_refused_while_one_is_made(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await begin_speaking(client)
        await client.until("response.output_audio.delta")
        await client.send({"type": "response.create", "event_id": "eager"})
        error = await client.error()
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "eager"


async def test_truncating_twice_succeeds_twice(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        done = await client.say("thank you")
        truncate = {
            "type": "conversation.item.truncate",
            "item_id": done["response"]["output"][0]["id"],
            "content_index": 0,
            "audio_end_ms": 100,
        }
        await client.send(truncate, truncate)
        for _ in range(2):
            truncated = await client.until("conversation.item.truncated")
            assert truncated["audio_end_ms"] == 100


async def test_the_clients_metadata_comes_back_with_the_response(serving: Serving) -> None:
    metadata = {"client_event_id": "evt_1", "topic": "thanks"}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        done = await client.say("thank you", output_modalities=["text"], metadata=metadata)
    created = next(e for e in client.seen if e["type"] == "response.created")
    assert created["response"]["metadata"] == metadata
    assert done["response"]["metadata"] == metadata
    assert done["response"]["output_modalities"] == ["text"]


async def test_with_manual_turns_nothing_happens_until_the_client_commits(
    serving: Serving,
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(MANUAL)
        await play(client, pcm_24k(speak("when do you close on sunday")))
        await client.send({"type": "input_audio_buffer.commit"})
        await client.until("conversation.item.input_audio_transcription.completed")
        assert client.types() == [
            "session.created",
            "session.updated",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ]
        await client.send({"type": "response.create", "response": {"output_modalities": ["text"]}})
        done = await client.until("response.done")
    assert "5" in done["response"]["output"][0]["content"][0]["text"]


async def test_audio_thrown_away_is_not_answered(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(MANUAL)
        await play(client, pcm_24k(speak("hello")))
        await client.send(
            {"type": "input_audio_buffer.clear"}, {"type": "input_audio_buffer.commit"}
        )
        await client.until("input_audio_buffer.cleared")
        assert (await client.error())["code"] == "input_audio_buffer_commit_empty"


async def test_a_scripted_session_hears_its_script(serving: Serving) -> None:
    script = '[["do", 0.3, 0.5], ["you", 0.5, 0.6], ["have", 0.6, 0.8], ["tea", 0.8, 1.0]]'
    transcription = {"model": "scripted", "prompt": script}
    session = {"type": "realtime", "audio": {"input": {"transcription": transcription}}}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send({"type": "session.update", "session": session})
        await play(client, np.concatenate([pcm_24k(speak("banana banana")), silence(1.5)]))
        heard = await client.until("conversation.item.input_audio_transcription.completed")
    assert heard["transcript"] == "do you have tea"


async def test_items_keep_the_clients_ids_and_places(serving: Serving) -> None:
    def item(item_id: str, text: str) -> dict[str, object]:
        part = {"type": "input_text", "text": text}
        return {"id": item_id, "type": "message", "role": "user", "content": [part]}

    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        create = {"type": "conversation.item.create"}
        await client.send(
            create | {"item": item("b", "second")},
            create | {"item": item("a", "first"), "previous_item_id": "root"},
            create | {"item": item("ab", "between"), "previous_item_id": "a"},
            create | {"item": item("a", "again"), "event_id": "twice"},
        )
        error = await client.error()
        added = [e for e in client.seen if e["type"] == "conversation.item.added"]
        assert [(e["item"]["id"], e["previous_item_id"]) for e in added] == [
            ("b", None),
            ("a", None),
            ("ab", "a"),
        ]
        assert error["event_id"] == "twice"
        await client.send({"type": "conversation.item.delete", "item_id": "ab"})
        assert (await client.until("conversation.item.deleted"))["item_id"] == "ab"
        await client.send({"type": "conversation.item.retrieve", "item_id": "ab", "event_id": "e"})
        assert (await client.error())["param"] == "item_id"


async def test_a_function_result_is_kept_as_it_came(serving: Serving) -> None:
    output = {"type": "function_call_output", "call_id": "call_1", "output": "{}", "id": "out"}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send({"type": "conversation.item.create", "item": output})
        done = await client.until("conversation.item.done")
    assert {key: done["item"][key] for key in output} == output


async def test_extras_come_only_to_a_client_that_asked(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving, extras="1") as client:
        await client.say("When do you close on Sunday?", output_modalities=["text"])
        await client.until("overture.floor")
    sources = next(e for e in client.seen if e["type"] == "overture.sources")
    assert sources["sources"][0]["document"].endswith(".md")
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.say("When do you close on Sunday?", output_modalities=["text"])
        await client.send({"type": "session.update", "session": {}})
        await client.until("session.updated")
    assert not [name for name in client.types() if name.startswith("overture.")]
