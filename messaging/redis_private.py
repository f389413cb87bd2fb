"""A consumer of Delivery.ALL or OWNER on Redis Streams: reads plainly, keeps what waits itself."""

import asyncio
from collections import Counter

import structlog

from messaging import redis_scripts as scripts
from messaging.bus import Handler, Message, Retries
from messaging.handling import end
from messaging.local import MAX_WAITING, LocalConsumer, LocalGroup
from messaging.redis_group import AWAY, BLOCK_S, PAUSES_S, STAY_S, SWEEP_S
from messaging.redis_link import RedisLink
from messaging.redis_messages import Fields, encoded, fields_of, message_of, text_of

log = structlog.get_logger(__name__)

READ_AT_ONCE = 100
"""Entries of one read."""


class PrivateConsumer:
    """Reads a topic, or one instance's part of it, into a group in memory."""

    def __init__(
        self,
        link: RedisLink,
        stream: str,
        topic: str,
        group: str,
        handler: Handler,
        *,
        own: str,
        tags: str,
        retries: Retries,
        at_once: int,
        counts: Counter[tuple[str, str, str]],
        finish_s: float,
    ) -> None:
        """own: of which instance, as part of a key; "" for Delivery.ALL."""
        self._link = link
        self._topic = topic
        self._stream = stream
        self._read_from = f"{stream}:to:{own}" if own else stream
        self._nudge = f"{stream}:nudge"
        self._after = {self._nudge: b"0-0"}
        self._finish_s = finish_s
        self._group = LocalGroup(group)
        self._consumer = LocalConsumer(
            self._group,
            topic,
            handler,
            self._bury,
            tags=tags,
            retries=retries,
            at_once=at_once,
            counts=counts,
        )
        self._own = own
        self._tasks: list[asyncio.Task[None]] = []
        self.trouble = ""
        """Why it gets nothing now, "" when it does."""

    async def start(self) -> None:
        """Reads from now on, or from when Redis is there."""
        try:
            await self._enter()
        except AWAY as error:
            self._fails(error)
        self._tasks = [
            asyncio.create_task(self._read_all(), name=f"bus-read-{self._topic}"),
            asyncio.create_task(self._sweep(), name=f"bus-sweep-{self._topic}"),
        ]

    async def aclose(self) -> None:
        """Takes no more, and lets handlers that run finish."""
        await end(*self._tasks)
        await self._consumer.aclose(self._finish_s)
        self.trouble = ""

    async def _enter(self) -> None:
        last = await self._link.do("XREVRANGE", self._read_from, "+", "-", "COUNT", 1)
        self._after[self._read_from] = last[0][0] if last else b"0-0"

    async def _read_all(self) -> None:
        tries = 0
        look_s = 0.0
        while True:
            try:
                if self._read_from not in self._after:
                    await self._enter()
                found = await self._link.read(self._after, look_s, READ_AT_ONCE)
                entries = found.pop(self._read_from, [])
                for entry, fields in entries:
                    self._after[self._read_from] = entry
                    self._put(message_of(self._topic, entry, fields, 1), fields)
                for stream, nudges in found.items():
                    self._after[stream] = nudges[-1][0]
                if not entries:
                    look_s = await self._due()
            except Exception as error:  # the task's edge: nobody else reads what is for us
                if not isinstance(error, AWAY):
                    log.exception("reading messages failed", topic=self._topic)
                self._fails(error)
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                tries += 1
                continue
            tries = 0
            if self.trouble:
                log.info("messages flow again", topic=self._topic)
                self.trouble = ""

    async def _due(self) -> float:
        """Publishes what was delayed until now; returns how long to wait for more, in seconds."""
        again_ms = await self._link.run(scripts.MOVE_DUE, self._stream)
        return BLOCK_S if again_ms < 0 else min(BLOCK_S, again_ms / 1000)

    def _put(self, message: Message, fields: Fields) -> None:
        only_for = text_of(fields, b"for")
        if only_for and only_for != self._group.name:
            return  # a dead letter of another group, sent again
        if self._group.waiting >= MAX_WAITING:
            self._group.drop_oldest()
        self._group.put(message)
        self._group.hand_out()

    async def _bury(self, message: Message, reason: str) -> None:
        fields = fields_of(message, self._own)
        fields += ["reason", reason[:1000], "attempt", str(message.attempt)]
        key = f"{self._stream}:dead:{encoded(self._group.name)}"
        try:
            await self._link.do("XADD", key, "MAXLEN", "~", MAX_WAITING, "*", *fields)
        except AWAY as error:
            log.error("a dead letter is lost", message=message.id, reason=str(error))
            self._consumer.count("lost")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self._link.run(scripts.TRIM, self._stream, round(STAY_S * 1000), 0)
            except AWAY as error:
                log.warning("the bus was not swept", topic=self._topic, reason=str(error))

    def _fails(self, error: Exception) -> None:
        why = str(error) or "no answer within a second"
        if not self.trouble:
            log.warning("messages do not flow", topic=self._topic, reason=why)
        self.trouble = f"Redis gives no messages: {why}"
