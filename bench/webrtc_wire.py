"""A call as a bench's wire, made to cost its own process little.

A stock aiortc client takes as much CPU as the server that it measures. This one is made of the
same parts as our own peer, calling instead of called: media is sent and decoded in the callback,
and the quiet between two orders is encoded once for all clients. tests/server/webrtc holds the
server against stock clients.
"""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from aioice import Candidate
from aiortc import (
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCIceParameters,
    RTCSctpCapabilities,
)

from bench.microphone import Microphone, quiet_room
from bench.text_socket import ConnectionFailedError
from bench.wire import Target
from server.webrtc import rtp
from server.webrtc.ice import IceConnection, local_addresses
from server.webrtc.ice_config import IceConfig
from server.webrtc.offer import Offer, OfferError, parse_offer
from server.webrtc.opus import FRAME, TICKS, OpusDecoder, OpusEncoder, OpusError
from server.webrtc.transport import DtlsTransport, IceTransport, SctpTransport
from voice.audio import SPEAKING_RATE, Pcm

PATIENCE = 10.0
"""Seconds for the answer, and again for media and the data channel."""
OPUS = 111


@functools.cache
def _room() -> tuple[bytes, ...]:
    """A second of the quiet room, a packet each 20 ms."""
    encoder = OpusEncoder()
    samples = quiet_room().reshape(-1, FRAME)
    packets = [encoder.encode(frame) for frame in samples]
    return tuple(packet for packet in packets if packet)


class WebRtcWire:
    """See `bench.wire.Wire`."""

    hidden_lateness = 0.06

    def __init__(
        self, host: str, receive: Callable[[bytes], None], hear: Callable[[Pcm], None]
    ) -> None:
        self._receive = receive
        self._hear = hear
        self._ice = IceConnection(
            IceConfig(), local_addresses(host), self._on_media, controlling=True
        )
        self._path = IceTransport(self._ice)
        self._dtls = DtlsTransport(self._path, "client")
        self._sctp = SctpTransport(self._dtls, 5000, lambda _: self._lost())
        self._encoder = OpusEncoder()
        self._decoder = OpusDecoder(SPEAKING_RATE)
        self._type = OPUS
        self._ssrc = secrets.randbits(31) + 1
        self._sent = 0
        self._open = asyncio.Event()
        self._channel: RTCDataChannel | None = None
        self._gone = False

    @classmethod
    async def open(
        cls, target: Target, receive: Callable[[bytes], None], hear: Callable[[Pcm], None]
    ) -> "WebRtcWire":
        """Calls; raises ConnectionFailedError."""
        wire = cls(urlsplit(target.base).hostname or "", receive, hear)
        try:
            async with asyncio.timeout(PATIENCE):
                await wire._connect(await wire._call(target))
                await wire._open.wait()
        except (OSError, TimeoutError, OfferError, httpx.HTTPError) as problem:
            await wire.aclose()
            raise ConnectionFailedError(f"{target.base}: {problem!r}") from problem
        return wire

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up."""
        return not self._gone and self._dtls.state == "connected"

    def send(self, message: bytes) -> None:
        """One event on the data channel."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(message.decode())

    def send_audio(self, microphone: Microphone, count: int) -> None:
        """The next packets; `count` is a whole number of them."""
        for _ in range(count // FRAME):
            if microphone.hears_nothing(FRAME):
                microphone.take(FRAME)
                payload = _room()[self._sent % len(_room())]
            else:
                payload = self._encoder.encode(microphone.take(FRAME))
            packet = rtp.pack(
                self._type, self._sent, self._sent * TICKS, self._ssrc, payload, marker=False
            )
            self._sent += 1
            data = self._dtls.protect(packet, rtcp=False)
            if data is not None:
                self._ice.send_now(data)

    async def aclose(self) -> None:
        """Hangs up."""
        self._gone = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._sctp.stop()
                await self._dtls.stop()
                await self._path.stop()

    async def _call(self, target: Target) -> Offer:
        await self._ice.gather_candidates()
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.post(
                f"{target.base}/v1/realtime/calls?{target.query}",
                content=self._offer(),
                headers={"Content-Type": "application/sdp", **target.headers},
            )
        if answer.status_code not in (200, 201):
            said = f"{answer.status_code} {answer.text[:200]}"
            raise ConnectionFailedError(f"{target.base} refused the call: {said}")
        return parse_offer(answer.text)  # an answer says of its side what an offer says

    async def _connect(self, answer: Offer) -> None:
        for remote in answer.candidates:
            candidate = Candidate(
                foundation=remote.foundation,
                component=1,
                transport="udp",
                priority=remote.priority,
                host=remote.address,
                port=remote.port,
                type=remote.kind,
            )
            await self._ice.add_remote_candidate(candidate)
        await self._ice.add_remote_candidate(None)
        self._type = answer.opus
        if answer.setup == "active":
            self._dtls._set_role("server")
        await self._path.start(
            RTCIceParameters(usernameFragment=answer.ufrag, password=answer.password)
        )
        if not await self._dtls.shake_hands(answer.fingerprints):
            raise ConnectionFailedError("DTLS failed")
        capabilities = RTCSctpCapabilities(maxMessageSize=answer.max_message_size)
        await self._sctp.start(capabilities, answer.sctp_port)
        channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(label="oai-events"))
        channel.on("message", self._on_message)
        channel.on("open", self._open.set)
        channel.on("close", self._lost)
        self._channel = channel

    def _offer(self) -> str:
        transport = (
            f"a=ice-ufrag:{self._ice.local_username}",
            f"a=ice-pwd:{self._ice.local_password}",
            f"a=fingerprint:sha-256 {self._dtls.fingerprint}",
            "a=setup:actpass",
        )
        lines = (
            "v=0",
            f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0 1",
            f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}",
            "c=IN IP4 0.0.0.0",
            "a=mid:0",
            *transport,
            "a=sendrecv",
            "a=rtcp-mux",
            f"a=rtpmap:{OPUS} opus/48000/2",
            f"a=ssrc:{self._ssrc} cname:bench",
            *(f"a=candidate:{line}" for line in self._ice.candidate_lines),
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=mid:1",
            *transport,
            "a=sctp-port:5000",
        )
        return "\r\n".join(lines) + "\r\n"

    def _on_message(self, message: str | bytes) -> None:
        self._receive(message if isinstance(message, bytes) else message.encode())

    def _on_media(self, data: bytes) -> None:
        if rtp.is_rtcp(data):
            return
        packet = self._dtls.unprotect(data, rtcp=False)
        if packet is None:
            return
        with contextlib.suppress(ValueError, OpusError):
            samples, _ = self._decoder.decode(rtp.parse(packet).payload)
            self._hear(samples)

    def _lost(self) -> None:
        self._gone = True
