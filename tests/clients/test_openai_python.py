"""The official Python client, unmodified: what its users do beyond a plain turn."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from aiortc import RTCSessionDescription
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.support.caller import Caller
from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import pcm_24k, silence
from voice.audio import SPEAKING_RATE, Pcm, pcm_to_bytes

FRAME = SPEAKING_RATE // 25
ORDER = {
    "type": "function",
    "name": "orderDrink",
    "description": "Places an order.",
    "parameters": {"type": "object", "properties": {"size": {"type": "string"}}},
}


def client_of(serving: Serving) -> AsyncOpenAI:
    """A client as its user would make it."""
    return AsyncOpenAI(
        api_key="unused", base_url=f"{serving.http_url}/v1", websocket_base_url=serving.ws_url
    )


@asynccontextmanager
async def talking(serving: Serving, **session: Any) -> AsyncIterator[AsyncRealtimeConnection]:
    """A connection whose session is set."""
    async with (
        asyncio.timeout(PATIENCE),
        client_of(serving).realtime.connect(model="cafe") as connection,
    ):
        settings: Any = {"type": "realtime"} | session
        await connection.session.update(session=settings)
        yield connection


async def ask(connection: AsyncRealtimeConnection, text: str) -> None:
    """A typed turn."""
    part: Any = {"type": "input_text", "text": text}
    await connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [part]}
    )
    await connection.response.create()


async def play(connection: AsyncRealtimeConnection, samples: Pcm) -> None:
    """A microphone."""
    for start in range(0, len(samples), FRAME):
        frame = pcm_to_bytes(samples[start : start + FRAME])
        await connection.input_audio_buffer.append(audio=b64encode(frame).decode())


async def until(connection: AsyncRealtimeConnection, event_type: str) -> Any:
    """The next event of that type."""
    async for event in connection:
        assert event.type != "error", event
        if event.type == event_type:
            return event
    raise AssertionError(f"the server left before {event_type}")


async def test_who_speaks_over_the_agent_stops_it(serving: Serving) -> None:
    async with talking(serving) as connection:
        await ask(connection, "When are you open?")
        for _ in range(10):
            await until(connection, "response.output_audio.delta")
        interruption = pcm_24k(speak("no wait I would like something else please"))
        await play(connection, np.concatenate([interruption, silence(1.0)]))
        await until(connection, "input_audio_buffer.speech_started")
        truncated = await until(connection, "conversation.item.truncated")
        done = await until(connection, "response.done")
        # Stock clients truncate by themselves too; that must not fail.
        await connection.conversation.item.truncate(
            item_id=truncated.item_id, content_index=0, audio_end_ms=truncated.audio_end_ms
        )
        await until(connection, "conversation.item.truncated")
    assert done.response.status == "cancelled"
    assert done.response.status_details.reason == "turn_detected"


async def test_a_function_is_called_and_its_output_is_said(serving: Serving) -> None:
    async with talking(serving, output_modalities=["text"], tools=[ORDER]) as connection:
        await ask(connection, "a large latte with oat milk please")
        asked = await until(connection, "response.done")
        assert asked.response.output[0].type == "message"  # "Shall I place that order?"
        await ask(connection, "yes please")
        call = await until(connection, "response.function_call_arguments.done")
        await until(connection, "response.done")
        output: Any = {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": json.dumps({"say": "Your number is 42."}),
        }
        await connection.conversation.item.create(item=output)
        await connection.response.create()
        said = await until(connection, "response.output_text.done")
    assert json.loads(call.arguments)["size"] == "large"
    assert said.text == "Your number is 42."


async def test_a_call_by_sdp_is_answered_joined_and_hung_up(serving: Serving) -> None:
    client, caller = client_of(serving), Caller()
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await client.realtime.calls.create(
                sdp=await caller.offer(),
                session={"type": "realtime", "model": "cafe", "instructions": "Be brief."},
            )
            call_id = answer.response.headers["Location"].rsplit("/", 1)[1]
            await caller.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            created = await caller.event("session.created")
            caller.ask("When do you close on Sunday?")
            async with client.realtime.connect(call_id=call_id) as joined:
                await until(joined, "session.created")
                done = await caller.event("response.done")
            await caller.until(lambda: caller.loudest > 3000)
            await client.realtime.calls.hangup(call_id)
            await caller.until(lambda: caller.is_over)
    finally:
        await caller.aclose()
    assert created["session"]["instructions"] == "Be brief."
    assert "5" in done["response"]["output"][0]["content"][0]["transcript"]


async def test_a_client_secret_opens_a_talk(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE):
        secret = await client_of(serving).realtime.client_secrets.create(
            session={"type": "realtime", "instructions": "Be brief."}
        )
        assert secret.value.startswith("ek_")
        guest = AsyncOpenAI(api_key=secret.value, websocket_base_url=serving.ws_url)
        async with guest.realtime.connect(model="cafe") as connection:
            created = await until(connection, "session.created")
    assert created.session.instructions == "Be brief."
