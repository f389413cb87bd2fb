"""A bare Realtime client that holds every event it gets against the SDK's own models."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, get_args
from urllib.parse import urlencode

import numpy as np
import soxr
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect

from tests.support.serving import Serving
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm, pcm_to_bytes

Event = dict[str, Any]

OWN_FIELDS = {"session.id", "session.object"}
"""What the service sends beyond the SDK's models, and we too: the session object's identity."""


@cache
def _models() -> Mapping[str, type[BaseModel]]:
    union = get_args(RealtimeServerEvent)[0]
    return {get_args(m.model_fields["type"].annotation)[0]: m for m in get_args(union)}


def check(event: Event) -> None:
    """Fails for an event that the SDK would not know, or that has fields it would not know."""
    assert event["type"] in _models(), f"the SDK knows no event {event['type']}"
    model = _models()[event["type"]].model_validate(event, strict=True)
    unknown = set(_unknown_fields(model, "")) - OWN_FIELDS
    assert not unknown, f"{event['type']} has fields that the SDK does not know: {unknown}"


def _unknown_fields(value: object, path: str) -> list[str]:
    if isinstance(value, list):
        return [name for each in value for name in _unknown_fields(each, path)]
    if not isinstance(value, BaseModel):
        return []
    found = [f"{path}{name}" for name in value.model_extra or {}]
    for name in type(value).model_fields:
        found += _unknown_fields(getattr(value, name), f"{path}{name}.")
    return found


def pcm_24k(samples: Pcm) -> Pcm:
    """16 kHz speech as a client has it."""
    resampled: Pcm = soxr.resample(samples, HEARING_RATE, SPEAKING_RATE)
    return resampled


def append(samples: Pcm) -> Event:
    """An append event of 24 kHz PCM."""
    from base64 import b64encode

    return {
        "type": "input_audio_buffer.append",
        "audio": b64encode(pcm_to_bytes(samples)).decode(),
    }


def silence(seconds: float) -> Pcm:
    """24 kHz silence with the faint noise that every microphone has."""
    noise = np.random.default_rng(7).normal(0, 3, int(seconds * SPEAKING_RATE))
    return noise.astype(np.int16)


class WireClient:
    """One connection. `seen` are all events so far, in order.

    unchecked: types of events that may hold what the SDK does not know, as they echo the client.
    """

    unchecked: frozenset[str] = frozenset()

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[Event] = []

    async def send(self, *events: Event) -> None:
        """Sends them in order."""
        for event in events:
            await self.socket.send(json.dumps(event))

    async def receive(self) -> Event:
        """The next event; raises ConnectionClosed."""
        event: Event = json.loads(await self.socket.recv())
        self.seen.append(event)
        if not event["type"].startswith("overture.") and event["type"] not in self.unchecked:
            check(event)
        return event

    async def until(self, event_type: str) -> Event:
        """The next event of that type; what comes before it is in `seen`."""
        while True:
            event = await self.receive()
            if event["type"] == event_type:
                return event
            assert event["type"] != "error", event

    async def error(self) -> Event:
        """The next error event's `error`."""
        while True:
            event = await self.receive()
            if event["type"] == "error":
                error: Event = event["error"]
                return error

    def types(self) -> list[str]:
        """Types of all events so far, runs of the same one as one."""
        types = [event["type"] for event in self.seen]
        return [name for at, name in enumerate(types) if at == 0 or types[at - 1] != name]

    async def say(self, text: str, **response: Any) -> Event:
        """A typed turn; returns its `response.done`."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send(
            {"type": "conversation.item.create", "item": item},
            {"type": "response.create", "response": response},
        )
        return await self.until("response.done")


@asynccontextmanager
async def wire_client(
    serving: Serving, origin: str | None = None, **query: str
) -> AsyncIterator[WireClient]:
    """A connected client that has got `session.created`."""
    params = urlencode({"model": "cafe", "user": "u42"} | query)
    url = f"{serving.ws_url}/realtime?{params}"
    async with connect(url, origin=origin, compression=None) as socket:  # type: ignore[arg-type]
        client = WireClient(socket)
        first = await client.receive()
        assert first["type"] == "session.created"
        yield client
