"""RTP packets: what is packed is parsed again, and nothing that comes can do harm."""

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from server.webrtc import rtcp, rtp


def test_a_packet_of_ours_is_what_aiortc_reads() -> None:
    data = rtp.pack(111, 65536 + 7, (1 << 32) + 960, 1234, b"opus", marker=True)
    read = RtpPacket.parse(data)
    assert (read.payload_type, read.sequence_number, read.timestamp) == (111, 7, 960)
    assert (read.ssrc, read.payload, read.marker) == (1234, b"opus", 1)
    assert rtp.parse(data) == rtp.Packet(111, 7, 960, 1234, b"opus")


def test_csrcs_extensions_and_padding_are_no_payload() -> None:
    head = bytes((0x80 | 0x20 | 0x10 | 2, 111)) + bytes(10)
    data = head + b"CSRCcsrc" + b"\xbe\xde\x00\x01ext!" + b"opus" + b"\x00\x00\x03"
    assert rtp.parse(data).payload == b"opus"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x00" * 20,
        b"\x90" + bytes(11),
        b"\x8f" + bytes(12),
        b"\xa0" + bytes(12),
    ],
)
def test_what_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"header|version|padding|extension"):
        rtp.parse(data)


@given(st.binary(max_size=80))
def test_any_datagram_is_parsed_or_refused(data: bytes) -> None:
    try:
        packet = rtp.parse(data)
    except ValueError:
        return
    assert len(packet.payload) <= len(data) - 12


@pytest.mark.parametrize(("later", "earlier", "far"), [(5, 3, 2), (1, 65535, 2), (65535, 1, -2)])
def test_counters_wrap(later: int, earlier: int, far: int) -> None:
    assert rtp.distance(later, earlier, 16) == far


def test_reports_are_what_aiortc_reads() -> None:
    data = rtcp.report(7, "overture", timestamp=960, packets=3, octets=99, heard=(8, 65540, 2))
    assert rtp.is_rtcp(data)
    sender, name = RtcpPacket.parse(data)
    assert isinstance(sender, RtcpSrPacket)
    assert (sender.ssrc, sender.sender_info.packet_count) == (7, 3)
    assert sender.reports[0].highest_sequence == 65540
    assert isinstance(name, RtcpSdesPacket)
    nothing_sent = rtcp.report(7, "overture", timestamp=0, packets=0, octets=0, heard=None)
    receiver, _ = RtcpPacket.parse(nothing_sent)
    assert isinstance(receiver, RtcpRrPacket)
    assert receiver.reports == []
