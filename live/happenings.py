"""What happens in conversations, for those who watch them: published, without anybody's words."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

import orjson
import structlog

from messaging.bus import Bus, BusError

log = structlog.get_logger(__name__)

MAX_WAITING = 1000
"""Happenings that wait for the bus; of more, the oldest are dropped. They are hints."""


class Happenings:
    """One process's, in the order they happened."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self._bus = bus
        self._topic = topic
        self._waiting: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue(MAX_WAITING)

    def tell(
        self,
        kind: str,
        user: str,
        session: str,
        *,
        intent: str = "",
        slots: Mapping[str, str] | None = None,
        form: str = "",
    ) -> None:
        """kind: "session_started", "turn", "intent" (a turn that meant one), "session_ended"."""
        body: dict[str, object] = {"kind": kind, "user": user, "session": session}
        body["at"] = time.time()
        if intent:
            body |= {"intent": intent, "slots": dict(slots or {})}
        if kind == "session_ended" or form:
            body["form"] = form
        if self._waiting.full():
            with contextlib.suppress(asyncio.QueueEmpty):
                self._waiting.get_nowait()
        self._waiting.put_nowait((kind, user, orjson.dumps(body)))

    async def publish(self) -> None:
        """For as long as the process runs."""
        while True:
            kind, user, body = await self._waiting.get()
            try:
                await self._bus.publish(self._topic, body, key=user, tag=kind)
            except BusError as error:
                log.info("happening_not_published", kind=kind, reason=str(error))
