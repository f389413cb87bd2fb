"""A loopback server that speaks just enough Realtime to answer speech with a tone."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import orjson
from websockets.asyncio.server import ServerConnection, serve

from bench.wire import Target

SILENCE = 24_000 // 10
"""Samples of silence that end a turn: 100 ms, so that any longer pause cuts it short."""

TONE = (8_000 * np.sin(2 * np.pi * 440 * np.arange(4_800) / 24_000)).astype("<i2")


async def _session(socket: ServerConnection) -> None:
    async def say(event: dict[str, object]) -> None:
        await socket.send(orjson.dumps(event), text=True)

    await say({"type": "session.created", "session": {}})
    speaking, quiet, number = False, 0, 0
    async for message in socket:
        event = orjson.loads(message)
        if event["type"] != "input_audio_buffer.append":
            continue
        samples = np.frombuffer(b64decode(event["audio"]), "<i2")
        if np.abs(samples.astype(int)).max() > 1_000:
            if not speaking:
                await say({"type": "input_audio_buffer.speech_started"})
            speaking, quiet = True, 0
        elif speaking:
            quiet += len(samples)
            if quiet >= SILENCE:
                speaking, number = False, number + 1
                name = f"resp_{number}"
                await say({"type": "input_audio_buffer.committed", "item_id": f"item_{number}"})
                await say({"type": "response.created", "response": {"id": name}})
                await say(
                    {
                        "type": "response.output_audio.delta",
                        "response_id": name,
                        "delta": b64encode(TONE.tobytes()).decode(),
                    }
                )
                done = {"id": name, "status": "completed", "status_details": None}
                await say({"type": "response.done", "response": done})


@asynccontextmanager
async def tone_server() -> AsyncIterator[Target]:
    """Where a client finds it."""
    async with serve(_session, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Target(f"http://127.0.0.1:{port}", "model=tone")
