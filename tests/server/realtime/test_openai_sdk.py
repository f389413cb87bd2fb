"""The official Python SDK, unmodified, against the real server."""

import asyncio
from base64 import b64decode, b64encode

import numpy as np
from openai import AsyncOpenAI

from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import pcm_24k, silence
from voice.audio import SPEAKING_RATE, pcm_from_bytes, pcm_to_bytes

FRAME = SPEAKING_RATE // 25


def sdk(serving: Serving) -> AsyncOpenAI:
    """A client as its user would make it."""
    return AsyncOpenAI(
        api_key="unused", base_url=f"{serving.http_url}/v1", websocket_base_url=serving.ws_url
    )


async def test_a_text_turn(serving: Serving) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        sdk(serving).realtime.connect(model="cafe") as connection,
    ):
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "When do you close on Sunday?"}],
            }
        )
        await connection.response.create()
        answer = ""
        async for event in connection:
            assert event.type != "error"
            if event.type == "response.output_text.delta":
                answer += event.delta
            elif event.type == "response.done":
                break
    assert "5" in answer


async def test_an_audio_turn_and_a_truncate(serving: Serving) -> None:
    question = np.concatenate([pcm_24k(speak("when do you close on sunday")), silence(1.5)])
    audio: list[bytes] = []
    transcript = ""
    async with (
        asyncio.timeout(PATIENCE),
        sdk(serving).realtime.connect(model="cafe") as connection,
    ):
        for start in range(0, len(question), FRAME):
            frame = pcm_to_bytes(question[start : start + FRAME])
            await connection.input_audio_buffer.append(audio=b64encode(frame).decode())
        async for event in connection:
            assert event.type != "error"
            if event.type == "response.output_audio.delta":
                audio.append(b64decode(event.delta))
            elif event.type == "conversation.item.input_audio_transcription.completed":
                transcript = event.transcript
            elif event.type == "response.done":
                output = event.response.output or []
                break
        assert "sunday" in transcript.lower()
        spoken = pcm_from_bytes(b"".join(audio))
        assert len(spoken) > SPEAKING_RATE
        assert np.abs(spoken.astype(int)).max() > 3000
        item_id = output[0].id
        assert item_id is not None
        await connection.conversation.item.truncate(
            item_id=item_id, content_index=0, audio_end_ms=500
        )
        truncated = await connection.recv()
        assert truncated.type == "conversation.item.truncated"
        assert truncated.audio_end_ms == 500
