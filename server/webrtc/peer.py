"""One call's way to its client: ICE, DTLS, the voices both ways, and the data channel."""

import asyncio
import logging
from collections.abc import Callable

import structlog
from aioice import Candidate
from aiortc import RTCDataChannel, RTCIceParameters, RTCSctpCapabilities

from server.host import Limits
from server.realtime import errors
from server.realtime.errors import Close
from server.realtime.rates import Allowance
from server.webrtc import answer, rtcp, rtp
from server.webrtc.channel import LABEL, ChannelLine
from server.webrtc.ice import IceConnection
from server.webrtc.ice_config import IceConfig
from server.webrtc.incoming_audio import IncomingAudio
from server.webrtc.offer import Offer
from server.webrtc.outgoing_audio import OutgoingAudio
from server.webrtc.transport import DtlsTransport, IceTransport, SctpTransport
from voice.audio import Pcm

log = structlog.get_logger("overture.webrtc")

logging.getLogger("aioice").setLevel(logging.WARNING)
"""It tells each check of each pair of addresses at INFO."""

HANG_UP_PATIENCE = 2.0
"""Seconds that saying goodbye may take."""


class Peer:
    """The client of one offer. hear: gets its voice, 16 kHz; nothing is heard before it is set.

    line: carries the events, from the beginning. `answer`, then `run` until the call is over.
    """

    def __init__(
        self,
        offer: Offer,
        ice: IceConfig,
        addresses: tuple[str, ...],
        limits: Limits,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._offer = offer
        self._limits = limits
        self._clock: Callable[[], float] = loop.time
        self._ice = IceConnection(ice, addresses, self._on_media, controlling=offer.ice_lite)
        self._path = IceTransport(self._ice)
        role = "server" if answer.our_setup(offer) == "passive" else "client"
        self._dtls = DtlsTransport(self._path, role)
        self._dtls.on("statechange", self._on_dtls)
        self._sctp: SctpTransport | None = None
        if offer.application is not None:
            self._sctp = SctpTransport(self._dtls, answer.SCTP_PORT, self._on_abuse)
            self._sctp.on("datachannel", self._on_channel)
        self._ears = IncomingAudio(offer.opus, self._on_voice)
        self._voice = OutgoingAudio(offer.opus, self._send_rtp)
        self._packets = Allowance(
            limits.messages_per_second, 2.0 * limits.messages_per_second, self._clock()
        )
        self.hear: Callable[[Pcm], None] | None = None
        self.line = ChannelLine(
            self._voice,
            events=self._sctp is not None,
            limit=limits.frame_bytes,
            hang_up=self.aclose,
        )

    async def answer(self) -> str:
        """Our SDP, with all candidates in it. Raises NoPortError."""
        await self._ice.gather_candidates()
        local = answer.Local(
            ufrag=self._ice.local_username,
            password=self._ice.local_password,
            fingerprint=self._dtls.fingerprint,
            candidates=self._ice.candidate_lines,
            ssrc=self._voice.ssrc,
        )
        return answer.answer(self._offer, local)

    async def run(self) -> None:
        """Connects and reports until cancelled; why that ends the call, the line is told."""
        limit = self._limits.connect_s
        try:
            async with asyncio.timeout(limit):
                await self._connect()
        except TimeoutError:
            self.line.lose(Close(errors.POLICY, f"no media path came about within {limit:.0f} s"))
            return
        began = self._clock()
        while True:
            await asyncio.sleep(min(rtcp.INTERVAL, self._limits.ping_s))
            now = self._clock()
            if now - self._ice.heard_at > self._limits.ping_s:
                self.line.lose(Close(errors.INTERNAL, "nothing came from the client any more"))
            elif not self.line.is_open and now - began > limit:
                reason = f"no data channel '{LABEL}' was opened within {limit:.0f} s"
                self.line.lose(Close(errors.POLICY, reason))
            self._report()

    async def aclose(self) -> None:
        """Says goodbye and lets go of everything; bounded in time."""
        self._voice.close()
        try:
            async with asyncio.timeout(HANG_UP_PATIENCE):
                if self._sctp is not None:
                    await self._sctp.stop()
                await self._dtls.stop()
                await self._path.stop()
        except TimeoutError:
            log.warning("call_not_closed", reason=f"took over {HANG_UP_PATIENCE:.0f} s")
        self._dtls.remove_all_listeners()
        if self._sctp is not None:
            self._sctp.remove_all_listeners()

    async def _connect(self) -> None:
        offer = self._offer
        for remote in offer.candidates:
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
        # The end of candidates is never told: a client that names none is found by its checks.
        await self._path.start(
            RTCIceParameters(
                usernameFragment=offer.ufrag, password=offer.password, iceLite=offer.ice_lite
            )
        )
        if self._path.state != "completed":
            return  # closed meanwhile
        if not await self._dtls.shake_hands(offer.fingerprints):
            reason = "the client's certificate is not the one of its offer, or DTLS failed"
            self.line.lose(Close(errors.POLICY, reason))
        elif self._sctp is not None:
            capabilities = RTCSctpCapabilities(maxMessageSize=offer.max_message_size)
            await self._sctp.start(capabilities, offer.sctp_port)

    def _on_media(self, data: bytes) -> None:
        if rtp.is_rtcp(data) or not self._packets.take(1, self._clock()):
            return
        packet = self._dtls.unprotect(data, rtcp=False)
        if packet is None:
            return
        try:
            self._ears.take(rtp.parse(packet))
        except ValueError as error:
            log.debug("rtp_refused", reason=str(error))

    def _on_voice(self, samples: Pcm) -> None:
        if self.hear is not None:
            self.hear(samples)

    def _send_rtp(self, packet: bytes) -> None:
        data = self._dtls.protect(packet, rtcp=False)
        if data is not None:
            self._ice.send_now(data)

    def _report(self) -> None:
        voice, ears = self._voice, self._ears
        heard = None if ears.ssrc is None else (ears.ssrc, ears.highest, ears.lost)
        packet = rtcp.report(
            voice.ssrc,
            answer.STREAM,
            timestamp=voice.timestamp,
            packets=voice.packets,
            octets=voice.octets,
            heard=heard,
        )
        data = self._dtls.protect(packet, rtcp=True)
        if data is not None:
            self._ice.send_now(data)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self.line.take(channel)

    def _on_abuse(self, reason: str) -> None:
        self.line.lose(Close(errors.POLICY, reason))

    def _on_dtls(self) -> None:
        if self._dtls.state in {"closed", "failed"}:
            self.line.lose(Close(errors.NORMAL, "the client hung up, or its network is gone"))
