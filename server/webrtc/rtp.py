"""RTP packets of one audio stream (RFC 3550 §5.1), without what we never use."""

from dataclasses import dataclass
from struct import Struct

_HEADER = Struct("!BBHII")
_VERSION = 0x80
_PADDING, _EXTENSION, _CSRC_COUNT = 0x20, 0x10, 0x0F
_MARKER = 0x80


@dataclass(slots=True)
class Packet:
    """A packet as it came."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet:
    """Raises ValueError for what is no whole RTP packet."""
    if len(data) < _HEADER.size:
        raise ValueError("shorter than an RTP header")
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if flags & 0xC0 != _VERSION:
        raise ValueError("not RTP version 2")
    start, end = _HEADER.size + 4 * (flags & _CSRC_COUNT), len(data)
    if flags & _EXTENSION:
        if end < start + 4:
            raise ValueError("its header extension is cut off")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if flags & _PADDING:
        if not data[-1]:
            raise ValueError("no padding where it says there is some")
        end -= data[-1]
    if end < start:
        raise ValueError("its header is longer than the packet")
    return Packet(kind & 0x7F, sequence, timestamp, ssrc, data[start:end])


def pack(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, *, marker: bool
) -> bytes:
    """A packet with nothing but the fixed header. sequence, timestamp: wrapped here."""
    kind = payload_type | (_MARKER if marker else 0)
    header = _HEADER.pack(_VERSION, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return header + payload


def is_rtcp(data: bytes) -> bool:
    """Which of both a packet on a shared port is (RFC 5761 §4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def distance(later: int, earlier: int, bits: int) -> int:
    """How far `later` lies behind `earlier` on a counter that wraps; negative if before it."""
    half = 1 << (bits - 1)
    return (later - earlier + half) % (1 << bits) - half
