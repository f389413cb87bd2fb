"""RocketMQ's own protocol, spoken to the broker's port: what the gRPC proxy does not offer.

A frame is the length of all that follows (4 bytes), the length of the header with its kind in the
top byte (0: JSON), the header, the body.
"""

import asyncio
import itertools
import json
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from messaging.bus import BusError, BusUnavailableError

TIME_OUT_S = 3.0
MAX_FRAME = 64 * 1024 * 1024
VERSION = 493
"""Of the protocol as 5.x speaks it; brokers read some bodies by it."""


class RemotingError(BusError):
    """The broker answered with a code other than success."""

    def __init__(self, code: int, remark: str) -> None:
        super().__init__(
            f"the RocketMQ broker refused: {remark or 'no reason given'} (code {code})"
        )
        self.code = code


class Remoting:
    """One connection, one call at a time; `async with` opens and closes it.

    Raises BusUnavailableError where the broker cannot be reached or does not answer in 3 s.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> "Remoting":
        try:
            async with asyncio.timeout(TIME_OUT_S):
                self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise BusUnavailableError(
                f"the RocketMQ broker at {self._host}:{self._port} cannot be reached "
                f"({error or 'no answer'}); it is needed to make topics and groups"
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def call(
        self, code: int, fields: Mapping[str, str], body: bytes = b""
    ) -> tuple[Mapping[str, str], bytes]:
        """Header fields and body of the answer. Raises RemotingError if the broker refuses."""
        header = json.dumps(
            {
                "code": code,
                "language": "PYTHON",
                "version": VERSION,
                "opaque": next(self._numbers),
                "flag": 0,
                "extFields": dict(fields),
                "serializeTypeCurrentRPC": "JSON",
            }
        ).encode()
        frame = struct.pack(">ii", 4 + len(header) + len(body), len(header)) + header + body
        try:
            async with asyncio.timeout(TIME_OUT_S):
                self._writer.write(frame)
                await self._writer.drain()
                answer, content = await self._read()
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise BusUnavailableError(
                f"the RocketMQ broker at {self._host}:{self._port} did not answer ({error!r})"
            ) from error
        if answer.get("code") != 0:
            raise RemotingError(int(answer.get("code", -1)), str(answer.get("remark") or ""))
        return answer.get("extFields") or {}, content

    async def _read(self) -> tuple[dict[str, Any], bytes]:
        length, kind = struct.unpack(">iI", await self._reader.readexactly(8))
        size = kind & 0xFFFFFF
        if kind >> 24 or not 4 + size <= length <= MAX_FRAME:
            raise ValueError("not a frame of RocketMQ's remoting protocol")
        content = await self._reader.readexactly(length - 4)
        answer: dict[str, Any] = json.loads(content[:size])
        return answer, content[size:]
