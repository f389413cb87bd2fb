"""The bus on Redis Streams: what an embedded server uses, and several on one Redis.

A message that was published is kept until every group has handled it, whoever dies; see
redis_scripts.py for what is in Redis. Delivery.ALL and OWNER read plainly, without a group: such
a message is for a process that lives now, and if it ends, nobody else should have it.

Bounds: a topic holds MOST entries. What every group has handled is removed after STAY_S; if what
is not handled fills it, publishing raises BusFullError, and nothing is trimmed. A consumer of ALL
or OWNER keeps up to local.MAX_WAITING in memory, then loses the oldest and counts it.
"""

import asyncio
import re
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from messaging import redis_scripts as scripts
from messaging.bus import (
    CLOSE_S,
    BusFullError,
    BusUnavailableError,
    DeadLetter,
    Delivery,
    Handler,
    Message,
    Retries,
    Subscription,
    check_body,
)
from messaging.handling import end
from messaging.redis_group import GroupConsumer
from messaging.redis_link import RedisLink
from messaging.redis_messages import encoded, fields_of, message_of, paired, stream_of, text_of
from messaging.redis_private import PrivateConsumer

log = structlog.get_logger(__name__)

MOST = 100_000
"""Entries of a topic; at 300 bytes each about 40 MB."""

PROBE_S = 0.25
"""How often a Redis that did not take a message is asked whether it is back."""


class RedisStreamsBus:
    """The port of the bus for one process.

    redis: where; its connections are not used, the bus has its own.
    instance: this process's name, the same for all its buses' OWNER messages.
    strict: start() raises BusUnavailableError rather than go on trying.
    finish_s: how long handlers that run may go on when their subscription closes.
    """

    name = "Redis Streams"

    def __init__(
        self,
        redis: Redis,
        instance: str,
        *,
        strict: bool = False,
        finish_s: float = CLOSE_S,
        most: int = MOST,
    ) -> None:
        self._link = RedisLink(redis)
        self._instance = instance
        self._strict = strict
        self._finish_s = finish_s
        self._most = most
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._subscriptions: list[GroupConsumer | PrivateConsumer] = []
        self._refused = ""
        self._probe: asyncio.Task[None] | None = None

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """See the port."""
        return self._counts

    @property
    def trouble(self) -> str:
        """See the port."""
        troubles = [self._refused, *(each.trouble for each in self._subscriptions)]
        return next((trouble for trouble in troubles if trouble), "")

    async def start(self) -> None:
        """See the port."""
        try:
            await self._link.do("PING")
        except (RedisError, OSError, TimeoutError) as error:
            self._fails(error)
            if self._strict:
                raise BusUnavailableError(self._refused) from None

    async def publish(
        self,
        topic: str,
        body: bytes,
        *,
        id: str = "",
        key: str = "",
        tag: str = "",
        delay_s: float = 0.0,
        owner: str = "",
    ) -> str:
        """See the port."""
        check_body(body)
        message = Message(id or uuid.uuid4().hex, topic, tag, key, body, time.time())
        arguments = (
            *(self._most, max(0, round(delay_s * 1000))),
            *fields_of(message, encoded(owner)),
        )
        stream = stream_of(topic)
        try:
            if not await self._link.run(scripts.PUBLISH, stream, *arguments):
                why_full = await self._make_room(topic, stream)
                if not await self._link.run(scripts.PUBLISH, stream, *arguments):
                    raise BusFullError(why_full)
        except (RedisError, OSError, TimeoutError) as error:
            self._fails(error)
            raise BusUnavailableError(self._refused) from None
        self._refused = ""
        self._counts[topic, "", "published"] += 1
        return message.id

    async def _make_room(self, topic: str, stream: str) -> str:
        """Removes what every group has handled; returns what to say if that was not enough."""
        left, slowest = await self._link.run(scripts.TRIM, stream, "", self._most // 2)
        if left < self._most:
            return f"{self._most:,} messages of {topic!r} wait until they are due"
        group = slowest.decode("utf-8", "replace")
        return (
            f"{left:,} messages of {topic!r} wait, the oldest for group {group!r}: start its "
            f"consumers, or remove it with: redis-cli XGROUP DESTROY '{stream}' '{group}'"
        )

    async def subscribe(
        self,
        topic: str,
        group: str,
        handler: Handler,
        *,
        delivery: Delivery = Delivery.ONCE,
        tags: str = "*",
        retries: Retries | None = None,
        at_once: int = 16,
    ) -> Subscription:
        """See the port. Returns within a second or so even when Redis is away."""
        kind = GroupConsumer if delivery is Delivery.ONCE else PrivateConsumer
        consumer = kind(
            self._link,
            stream_of(topic),
            topic,
            group,
            handler,
            own=encoded(self._instance) if delivery is Delivery.OWNER else "",
            tags=tags,
            retries=retries or Retries(),
            at_once=at_once,
            counts=self._counts,
            finish_s=self._finish_s,
        )
        self._subscriptions.append(consumer)
        await consumer.start()
        return consumer

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        """See the port. Raises BusUnavailableError."""
        key = f"{stream_of(topic)}:dead:{encoded(group)}"
        try:
            found = await self._link.do("XRANGE", key, "-", "+", "COUNT", limit)
        except (RedisError, OSError, TimeoutError) as error:
            raise BusUnavailableError(_why(error)) from None
        letters = []
        for id, flat in found:
            fields = paired(flat)
            message = message_of(topic, id, fields, int(text_of(fields, b"attempt") or 1))
            died = int(id.split(b"-")[0]) / 1000
            reason = text_of(fields, b"reason")
            letters.append(DeadLetter(id.decode(), group, message, died, reason))
        return letters

    async def resend(self, topic: str, group: str, letter: str) -> bool:
        """See the port. Raises BusUnavailableError."""
        if not re.fullmatch(r"\d{1,18}-\d{1,18}", letter):
            return False
        stream = stream_of(topic)
        key = f"{stream}:dead:{encoded(group)}"
        try:
            sent = bool(await self._link.run(scripts.RESEND, stream, key, letter, group))
        except (RedisError, OSError, TimeoutError) as error:
            raise BusUnavailableError(_why(error)) from None
        self._counts[topic, group, "resent"] += sent
        return sent

    async def aclose(self) -> None:
        """Ends every subscription and connection."""
        await asyncio.gather(*(each.aclose() for each in self._subscriptions))
        if self._probe is not None:
            await end(self._probe)
        await self._link.aclose()

    def _fails(self, error: Exception) -> None:
        self._refused = f"Redis does not take messages: {_why(error)}"
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._until_back(), name="bus-probe")

    async def _until_back(self) -> None:
        """So that `trouble` ends when Redis is back, even if nobody publishes."""
        while self._refused:
            await asyncio.sleep(PROBE_S)
            try:
                await self._link.do("PING")
                self._refused = ""
            except (RedisError, OSError, TimeoutError) as error:
                self._refused = f"Redis does not take messages: {_why(error)}"


def _why(error: Exception) -> str:
    return str(error) or "no answer within a second"
