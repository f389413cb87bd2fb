"""What we report of a call's media (RFC 3550 §6.4): browsers show it, and mind if it is missing."""

import time
from struct import Struct

INTERVAL = 5.0
"""Seconds between two reports, as RFC 3550 §6.2 has it for a call of two."""

_SENDER = Struct("!BBHIIIIII")
_RECEIVER = Struct("!BBHI")
_BLOCK = Struct("!IIIIII")
_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970."""
_SR, _RR, _SDES = 200, 201, 202
_CNAME = 1


def report(
    ssrc: int,
    cname: str,
    *,
    timestamp: int,
    packets: int,
    octets: int,
    heard: tuple[int, int, int] | None,
) -> bytes:
    """A compound packet: sender or receiver report, then the name.

    heard: SSRC, extended highest sequence number and packets lost of what comes; None: nothing yet.
    """
    blocks = b"" if heard is None else _block(*heard)
    count = 0x80 | (heard is not None)
    if packets:
        now = time.time() + _NTP_EPOCH
        seconds, fraction = int(now), int((now % 1) * (1 << 32))
        words = (_SENDER.size + len(blocks)) // 4 - 1
        head = _SENDER.pack(
            count,
            _SR,
            words,
            ssrc,
            seconds & 0xFFFFFFFF,
            fraction,
            timestamp & 0xFFFFFFFF,
            packets & 0xFFFFFFFF,
            octets & 0xFFFFFFFF,
        )
    else:
        head = _RECEIVER.pack(count, _RR, (_RECEIVER.size + len(blocks)) // 4 - 1, ssrc)
    return head + blocks + _name(ssrc, cname)


def _block(ssrc: int, highest: int, lost: int) -> bytes:
    return _BLOCK.pack(ssrc, min(lost, 0x7FFFFF), highest & 0xFFFFFFFF, 0, 0, 0)


def _name(ssrc: int, cname: str) -> bytes:
    text = cname.encode()
    chunk = ssrc.to_bytes(4) + bytes((_CNAME, len(text))) + text
    chunk += bytes(4 - len(chunk) % 4)  # ends with one to four zeros, on a word
    return bytes((0x81, _SDES)) + (len(chunk) // 4).to_bytes(2) + chunk
