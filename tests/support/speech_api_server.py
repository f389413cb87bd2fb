"""A speech server behind OpenAI's interface, in the test's own process: it notes what it is asked.

It can be told to fail in the ways that servers do.
"""

import asyncio
import io
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soundfile
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from voice.audio import SPEAKING_RATE, Pcm, pcm_to_bytes

SECONDS_A_LETTER = 0.06
SILENCE_S = 0.2
"""Before and after what it says, as such servers' audio has."""

PART_BYTES = 4801
"""Odd, so that samples are cut in two."""


@dataclass
class SpeechApiServer:
    """Its answers, and what it was asked.

    transcript: what it hears. fails: statuses answered before all else, one a request.
    body: sent in place of an answer, with content_type. stalls_after, cut_after: bytes of audio
    after which it says nothing more, or closes. endless: its audio has no end.
    """

    url: str = ""
    transcript: str = ""
    fails: deque[int] = field(default_factory=deque)
    body: bytes | None = None
    content_type: str = "application/json"
    stalls: bool = False
    stalls_after: int | None = None
    cut_after: int | None = None
    endless: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an answer in audio was sent, or given up by the client."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the test is over: what stalls goes on."""

    async def transcribe(self, request: Request) -> Response:
        """POST /v1/audio/transcriptions."""
        async with request.form() as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            upload = form["file"]
            assert isinstance(upload, UploadFile)
            samples, rate = soundfile.read(io.BytesIO(await upload.read()), dtype="int16")
        self.asked.append({**fields, "samples": samples, "rate": rate})
        if (failure := await self._failure(request)) is not None:
            return failure
        return JSONResponse({"text": self.transcript, "usage": {"type": "duration"}})

    async def speak(self, request: Request) -> Response:
        """POST /v1/audio/speech."""
        wanted = await request.json()
        self.asked.append(wanted)
        if (failure := await self._failure(request)) is not None:
            return failure
        speech = spoken(wanted["input"], wanted.get("speed", 1.0))
        return StreamingResponse(self._parts(pcm_to_bytes(speech)), media_type="audio/pcm")

    async def _failure(self, request: Request) -> Response | None:
        self.keys.append(request.headers.get("authorization", ""))
        if self.stalls:
            await self.over.wait()
        if self.fails:
            status = self.fails.popleft()
            message = f"no: {self.keys[-1]}"
            return JSONResponse({"error": {"message": message}}, status, {"location": "/away"})
        if self.body is not None:
            return Response(self.body, media_type=self.content_type)
        return None

    async def _parts(self, data: bytes) -> AsyncIterator[bytes]:
        sent = 0
        try:
            while True:
                for at in range(0, len(data), PART_BYTES):
                    part = data[at : at + PART_BYTES]
                    for limit in (self.stalls_after, self.cut_after):
                        part = part if limit is None else part[: max(0, limit - sent)]
                    if part:
                        yield part
                        sent += len(part)
                    if self.cut_after is not None and sent >= self.cut_after:
                        raise ConnectionResetError("as it was told")
                    if self.stalls_after is not None and sent >= self.stalls_after:
                        await self.over.wait()
                    await asyncio.sleep(0)
                if not self.endless:
                    return
        finally:
            self.ended.set()


def spoken(text: str, speed: float) -> Pcm:
    """A tone as long as the text, with silence around it."""
    seconds = SECONDS_A_LETTER * len(text) / speed
    time = np.arange(round(seconds * SPEAKING_RATE)) / SPEAKING_RATE
    silence = np.zeros(round(SILENCE_S * SPEAKING_RATE))
    tone = np.concatenate([silence, np.sin(2 * np.pi * 330 * time) * 18_000, silence])
    pcm: Pcm = tone.astype(np.int16)
    return pcm


@asynccontextmanager
async def speech_api_server(transcript: str = "") -> AsyncIterator[SpeechApiServer]:
    """Runs one on a free port of loopback."""
    api = SpeechApiServer(transcript=transcript)
    app = Starlette(
        routes=[
            Route("/v1/audio/transcriptions", api.transcribe, methods=["POST"]),
            Route("/v1/audio/speech", api.speak, methods=["POST"]),
        ]
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        api.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # Its parts rather than `serve`, which looks only every 0.1 s whether it should end.
        await server.startup(sockets=[listening])
        try:
            yield api
        finally:
            api.over.set()
            server.force_exit = True
            await server.shutdown(sockets=[listening])


def unused_url() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        return f"http://127.0.0.1:{once.getsockname()[1]}/v1"
