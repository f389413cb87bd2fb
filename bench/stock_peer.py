"""Overture with calls on aiortc as it comes, to measure ours against: `python -m bench.stock_peer`
takes what `overture` takes.

Everything but the peer is the same: server, session, voice activity, uvloop. The peer is an
RTCPeerConnection with a track each way, as aiortc's own examples have it: Opus in stereo at
48 kHz and 96 kbit/s, a thread each for coding, and silence sent like speech.
"""

import asyncio
import fractions
import sys
from collections import deque
from collections.abc import Callable

import aioice.ice
import av
import numpy as np
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

import server.webrtc.peer
from overture.cli import main
from server.host import Limits
from server.realtime import errors
from server.realtime.errors import Close
from server.webrtc.channel import ChannelLine
from server.webrtc.ice_config import IceConfig
from server.webrtc.offer import Offer
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm

FRAME = SPEAKING_RATE // 50
_SILENCE = np.zeros(FRAME, np.int16)


class StockVoice(MediaStreamTrack):
    """A track that is pulled: what is to be said, else silence, 20 ms at a time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._to_say: deque[Pcm] = deque()
        self._held = False
        self._began: float | None = None
        self._frames = 0

    def play(self, samples: Pcm) -> None:
        padded = np.concatenate([samples, np.zeros(-len(samples) % FRAME, np.int16)])
        self._to_say.extend(padded.reshape(-1, FRAME))

    def hold(self) -> None:
        self._held = True

    def resume(self) -> None:
        self._held = False

    def clear(self) -> None:
        self._to_say.clear()
        self._held = False

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(max(0.0, self._began + self._frames * 0.02 - loop.time()))
        samples = self._to_say.popleft() if self._to_say and not self._held else _SILENCE
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = SPEAKING_RATE
        frame.pts = self._frames * FRAME
        frame.time_base = fractions.Fraction(1, SPEAKING_RATE)
        self._frames += 1
        return frame


class StockPeer:
    """What `server.webrtc.peer.Peer` is to a call, on aiortc's RTCPeerConnection."""

    def __init__(self, offer: Offer, _: IceConfig, __: tuple[str, ...], limits: Limits) -> None:
        self._offer = offer
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_channel)
        self._peer.on("connectionstatechange", self._on_state)
        self._voice = StockVoice()
        self._listening: asyncio.Task[None] | None = None
        self.hear: Callable[[Pcm], None] | None = None
        self.line = ChannelLine(
            self._voice,
            events=offer.application is not None,
            limit=limits.frame_bytes,
            hang_up=self.aclose,
        )

    async def answer(self) -> str:
        await self._peer.setRemoteDescription(RTCSessionDescription(self._offer.text, "offer"))
        self._peer.addTrack(self._voice)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return self._peer.localDescription.sdp

    async def run(self) -> None:
        """aiortc connects by itself."""

    async def aclose(self) -> None:
        await self._peer.close()
        if self._listening is not None:
            self._listening.cancel()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self.line.take(channel)

    def _on_state(self) -> None:
        if self._peer.connectionState in {"closed", "failed"}:
            self.line.lose(Close(errors.NORMAL, "the client hung up"))

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.create_task(self._listen(track), name="stock-ears")

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARING_RATE)
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                for part in resampler.resample(frame):
                    if self.hear is not None:
                        self.hear(part.to_ndarray()[0])
        except MediaStreamError:
            return


if __name__ == "__main__":
    server.webrtc.peer.Peer = StockPeer  # type: ignore[assignment, misc]  # what is measured
    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]  # as ours does on loopback
    sys.exit(main())
