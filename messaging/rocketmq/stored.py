"""Messages as the broker stores and sends them, for reading a topic (RocketMQ's MessageDecoder)."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MAGIC_V1 = 0xDAA320A7
_MAGIC_V2 = 0xDAA320AB
_COMPRESSED = 0x1
_COMPRESSION_KIND = 0x7 << 8
_ZLIB_KINDS = (0, 3 << 8)
_BORN_ON_IPV6 = 1 << 4
_STORED_ON_IPV6 = 1 << 5


@dataclass(frozen=True, slots=True)
class Stored:
    """offset: its place in the queue."""

    offset: int
    properties: Mapping[str, str]
    body: bytes


def decode_stored(content: bytes) -> Iterator[Stored]:
    """One after another; what cannot be read (another compression) is passed over."""
    at = 0
    while at + 8 <= len(content):
        size, magic = struct.unpack_from(">iI", content, at)
        if size <= 8 or at + size > len(content):
            return
        if magic in (_MAGIC_V1, _MAGIC_V2):
            stored = _decode(content[at : at + size], magic == _MAGIC_V2)
            if stored is not None:
                yield stored
        at += size


def _decode(one: bytes, long_topic: bool) -> Stored | None:
    # size, magic, checksum, queue, flag: 20 bytes; then two offsets, flags, time of birth
    offset, _, flags, _ = struct.unpack_from(">qqiq", one, 20)
    at = 20 + 28
    at += 20 if flags & _BORN_ON_IPV6 else 8
    at += 8
    at += 20 if flags & _STORED_ON_IPV6 else 8
    at += 4 + 8  # times consumed again, offset in a transaction
    (length,) = struct.unpack_from(">i", one, at)
    at += 4
    body = one[at : at + length]
    at += length
    if flags & _COMPRESSED:
        if flags & _COMPRESSION_KIND not in _ZLIB_KINDS:
            return None
        body = zlib.decompress(body)
    (length,) = struct.unpack_from(">H" if long_topic else ">B", one, at)
    at += length + (2 if long_topic else 1)
    (length,) = struct.unpack_from(">H", one, at)
    text = one[at + 2 : at + 2 + length].decode()
    pairs = (pair.partition("\x01") for pair in text.split("\x02") if pair)
    return Stored(offset, {name: value for name, _, value in pairs}, body)
