"""Somebody who calls over WebRTC: a stock aiortc client with a microphone and a loudspeaker."""

import asyncio
import contextlib
import fractions
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aioice.ice
import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import Event, check
from voice.audio import HEARING_RATE, Pcm

FRAME = HEARING_RATE // 50
aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]  # tests talk to nobody but this machine
SDP = {"Content-Type": "application/sdp"}


class CallerMicrophone(MediaStreamTrack):
    """Silence in real time, until it is given something to say. said: frames so far."""

    kind = "audio"

    def __init__(self, on_frame: Callable[[], None]) -> None:
        super().__init__()
        self.said = 0
        self._on_frame = on_frame
        self._to_say: deque[Pcm] = deque()
        self._began: float | None = None
        self._frames = 0

    def say(self, samples: Pcm) -> None:
        """16 kHz speech, from the next frame on."""
        padded = np.concatenate([samples, np.zeros(-len(samples) % FRAME, np.int16)])
        self._to_say.extend(padded.reshape(-1, FRAME))

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(max(0.0, self._began + self._frames * 0.02 - loop.time()))
        samples = self._to_say.popleft() if self._to_say else np.zeros(FRAME, np.int16)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], layout="mono")
        frame.sample_rate = HEARING_RATE
        frame.pts = self._frames * FRAME
        frame.time_base = fractions.Fraction(1, HEARING_RATE)
        self._frames += 1
        self.said += 1
        self._on_frame()
        return frame


class Caller:
    """One call. `seen`: every event of the data channel; `loudest`: of what was heard so far."""

    def __init__(self, label: str = "oai-events") -> None:
        self.peer = RTCPeerConnection()
        self._changed = asyncio.Event()
        self.microphone = CallerMicrophone(self._changed.set)
        self.peer.addTrack(self.microphone)
        self.channel = self.peer.createDataChannel(label)
        self.channel.on("message", self._on_message)
        self.peer.on("track", self._on_track)
        self.peer.on("connectionstatechange", self._changed.set)
        self.seen: list[Event] = []
        self.heard_frames = 0
        self.loudest = 0
        self.location = ""
        self._listening: asyncio.Task[None] | None = None

    async def offer(self) -> str:
        """The SDP that a call begins with."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def take(self, answer: httpx.Response) -> None:
        """The server's answer; the connection comes about by itself then."""
        assert answer.status_code == 201, answer.text
        self.location = answer.headers["Location"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    def send(self, *events: Event) -> None:
        """Over the data channel."""
        for event in events:
            self.channel.send(json.dumps(event))

    def ask(self, text: str, modality: str = "audio") -> None:
        """A typed question, answered by voice or in "text"."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        create = {"type": "conversation.item.create", "item": item}
        response = {"output_modalities": [modality]}
        self.send(create, {"type": "response.create", "response": response})

    async def until(self, met: Callable[[], bool]) -> None:
        """Looks after each event, frame and change of state."""
        async with asyncio.timeout(PATIENCE):
            while not met():
                self._changed.clear()
                await self._changed.wait()

    async def event(self, event_type: str, number: int = 1) -> Event:
        """The first (or a later) event of that type, which may have come already."""

        def found() -> list[Event]:
            return [event for event in self.seen if event["type"] == event_type]

        await self.until(lambda: len(found()) >= number)
        return found()[number - 1]

    def types(self) -> list[str]:
        """Of all events so far."""
        return [event["type"] for event in self.seen]

    @property
    def is_over(self) -> bool:
        """Whether the server has hung up."""
        return self.peer.connectionState in {"closed", "failed"}

    async def aclose(self) -> None:
        """Hangs up."""
        await self.peer.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    def _on_message(self, message: str) -> None:
        event: Event = json.loads(message)
        if not event["type"].startswith("overture."):
            check(event)
        self.seen.append(event)
        self._changed.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                self.heard_frames += 1
                self.loudest = max(self.loudest, int(np.abs(frame.to_ndarray()).max()))
                self._changed.set()


async def post(serving: Serving, path: str, **request: Any) -> httpx.Response:
    """A POST to the server."""
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        return await http.post(serving.http_url + path, **request)


async def post_offer(
    serving: Serving, sdp: str, query: str = "model=cafe&user=u42", **headers: str
) -> httpx.Response:
    """`POST /v1/realtime/calls` with raw SDP."""
    path = f"/v1/realtime/calls?{query}"
    return await post(serving, path, content=sdp, headers=SDP | headers)


@asynccontextmanager
async def calling(serving: Serving, query: str = "model=cafe&user=u42") -> AsyncIterator[Caller]:
    """A call that is connected and has got `session.created`."""
    caller = Caller()
    try:
        await caller.take(await post_offer(serving, await caller.offer(), query))
        await caller.event("session.created")
        yield caller
    finally:
        await caller.aclose()
