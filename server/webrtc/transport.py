"""DTLS and SCTP for one call: aiortc's, with the media taken past its queues and tasks.

aiortc wakes a task for each datagram, parses RTP with everything that video needs, and hands each
frame to a thread and back. Here a datagram is unprotected, decoded and heard in the callback that
received it. What is used of aiortc beyond its public names is in this file only, and
tests/server/webrtc/test_transport.py fails when it changes.
"""

import contextlib
import struct
from collections.abc import Callable

import structlog
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCIceGatherer,
    RTCIceTransport,
    RTCSctpTransport,
)
from aiortc.rtcdtlstransport import RTCDtlsTransport
from OpenSSL.SSL import Error as TlsError
from pylibsrtp import Error as SrtpError

from server.webrtc.ice import IceConnection

log = structlog.get_logger("overture.webrtc")

MAX_STREAMS = 8
"""Data channels of a peer, of which one is used."""
MAX_FRAGMENTS = 2048
"""Pieces of messages not yet whole: twice what 1 MiB takes at the usual size."""


class IceTransport(RTCIceTransport):
    """aiortc's view of our ICE connection."""

    def __init__(self, connection: IceConnection) -> None:
        gatherer = RTCIceGatherer(iceServers=[])
        gatherer._connection = connection
        super().__init__(gatherer)


class DtlsTransport(RTCDtlsTransport):
    """Keys for the media; DTLS datagrams only go through its task."""

    def __init__(self, ice: IceTransport, role: str) -> None:
        """role: "client" says hello first, "server" waits for it."""
        certificate = RTCCertificate.generateCertificate()
        super().__init__(ice, [certificate])
        self._set_role(role)
        prints = {p.algorithm: p.value for p in certificate.getFingerprints()}
        self.fingerprint = prints["sha-256"]

    async def shake_hands(self, fingerprints: tuple[tuple[str, str], ...]) -> bool:
        """Until there are keys; False if the peer is not who the offer said."""
        wanted = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints]
        await self.start(RTCDtlsParameters(fingerprints=wanted))
        return self.state == "connected"

    def unprotect(self, data: bytes, *, rtcp: bool) -> bytes | None:
        """A datagram's packet; None before there are keys, or if it was not the peer's."""
        if self._task is None:
            return None
        try:
            packet: bytes = (self._rx_srtp.unprotect_rtcp if rtcp else self._rx_srtp.unprotect)(
                data
            )
        except SrtpError:
            return None
        return packet

    def protect(self, packet: bytes, *, rtcp: bool) -> bytes | None:
        """A packet's datagram; None before there are keys."""
        if self._task is None:
            return None
        data: bytes = (self._tx_srtp.protect_rtcp if rtcp else self._tx_srtp.protect)(packet)
        return data


class SctpTransport(RTCSctpTransport):
    """aiortc keeps whatever a peer sends, without a bound. on_abuse: why the peer has to go."""

    def __init__(self, dtls: DtlsTransport, port: int, on_abuse: Callable[[str], None]) -> None:
        super().__init__(dtls, port)
        self._on_abuse = on_abuse

    async def _abort(self) -> None:
        # aiortc expects ConnectionError only, and would keep its timers otherwise.
        with contextlib.suppress(TlsError):
            await super()._abort()

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except (AssertionError, ValueError, LookupError, TypeError, struct.error) as error:
            log.info("sctp_refused", reason=repr(error))
            self._on_abuse("what came on the data channel's transport is no SCTP")
            return
        streams = self._inbound_streams
        fragments = sum(len(stream.reassembly) for stream in streams.values())
        if len(streams) > MAX_STREAMS:
            self._on_abuse(f"more than {MAX_STREAMS} data channels")
        elif fragments > MAX_FRAGMENTS or self._advertised_rwnd < 0:
            self._on_abuse("a message on the data channel does not end")
