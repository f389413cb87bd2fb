"""The bus inside one process: for tests, the text mode and a server without a redis-server.

Several buses share a MemoryBroker as several processes share a broker. What waits ends with the
process.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from messaging.bus import (
    CLOSE_S,
    BusFullError,
    DeadLetter,
    Delivery,
    Handler,
    Message,
    Retries,
    Subscription,
    check_body,
)
from messaging.local import MAX_WAITING, LocalConsumer, LocalGroup

log = structlog.get_logger(__name__)


class MemoryBroker:
    """What the buses of one process share; it belongs to one event loop."""

    def __init__(self) -> None:
        self._shared: dict[str, dict[str, LocalGroup]] = {}
        self._private: dict[str, list[tuple[LocalGroup, str]]] = {}
        self._dead: dict[tuple[str, str], dict[str, tuple[DeadLetter, LocalGroup]]] = {}
        self._delayed = 0

    def shared(self, topic: str, name: str) -> LocalGroup:
        """The group of this name whose members share the work, made when first asked for."""
        return self._shared.setdefault(topic, {}).setdefault(name, LocalGroup(name))

    def private(self, topic: str, name: str, owner: str) -> LocalGroup:
        """A group for one subscription alone. owner: takes only what is for this instance."""
        group = LocalGroup(name)
        self._private.setdefault(topic, []).append((group, owner))
        return group

    def forget(self, topic: str, group: LocalGroup) -> None:
        """A private group gets nothing more."""
        self._private[topic] = [each for each in self._private[topic] if each[0] is not group]

    def put(self, message: Message, owner: str, later_s: float = 0.0) -> None:
        """Gives a message to every group that should have it, now or later; BusFullError."""
        if later_s > 0:
            if self._delayed >= MAX_WAITING:
                raise BusFullError(f"{MAX_WAITING:,} delayed messages wait already")
            self._delayed += 1
            asyncio.get_running_loop().call_later(later_s, self._put_due, message, owner)
            return
        shared = [] if owner else list(self._shared.get(message.topic, {}).values())
        for group in shared:
            if group.waiting >= MAX_WAITING:
                raise BusFullError(
                    f"{MAX_WAITING:,} messages of {message.topic!r} wait for {group.name!r}, "
                    "which handles none or is too slow"
                )
        private = [group for group, whose in self._private.get(message.topic, []) if whose == owner]
        for group in private:
            if group.waiting >= MAX_WAITING:
                group.drop_oldest()
        for group in [*shared, *private]:
            group.put(message)
            group.hand_out()

    def _put_due(self, message: Message, owner: str) -> None:
        self._delayed -= 1
        try:
            self.put(message, owner)
        except BusFullError as error:
            log.error("a delayed message is lost", message=message.id, reason=str(error))

    def bury(self, group: LocalGroup, message: Message, reason: str) -> None:
        """Keeps a dead letter."""
        letters = self._dead.setdefault((message.topic, group.name), {})
        if len(letters) >= MAX_WAITING:
            oldest = next(iter(letters))
            del letters[oldest]
            log.error("too many dead letters; the oldest is lost", group=group.name)
        letter = DeadLetter(uuid.uuid4().hex, group.name, message, time.time(), reason)
        letters[letter.letter] = (letter, group)

    def letters(self, topic: str, group: str) -> Sequence[DeadLetter]:
        """Oldest first."""
        return [letter for letter, _ in self._dead.get((topic, group), {}).values()]

    def resend(self, topic: str, group: str, letter: str) -> bool:
        """Gives a dead letter to the group it came from; False if there is none."""
        found = self._dead.get((topic, group), {}).pop(letter, None)
        if found is None:
            return False
        whose = found[1]
        whose.put(found[0].message)
        whose.hand_out()
        return True


class MemoryBus:
    """The port of the bus for one (pretended) process.

    broker: shared with other buses; by default one of its own.
    finish_s: how long handlers that run may go on when their subscription closes.
    """

    name = "memory"
    trouble = ""

    def __init__(
        self, instance: str, broker: MemoryBroker | None = None, *, finish_s: float = CLOSE_S
    ) -> None:
        self._instance = instance
        self._broker = broker or MemoryBroker()
        self._finish_s = finish_s
        self._subscriptions: list[_MemorySubscription] = []
        self._counts: Counter[tuple[str, str, str]] = Counter()

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """See the port."""
        return self._counts

    async def start(self) -> None:
        """There is nothing to connect."""

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
        self._broker.put(message, owner, delay_s)
        self._counts[topic, "", "published"] += 1
        return message.id

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
        """See the port."""
        if delivery is Delivery.ONCE:
            members = self._broker.shared(topic, group)
        else:
            owner = self._instance if delivery is Delivery.OWNER else ""
            members = self._broker.private(topic, group, owner)

        async def bury(message: Message, reason: str) -> None:
            self._broker.bury(members, message, reason)

        consumer = LocalConsumer(
            members,
            topic,
            handler,
            bury,
            tags=tags,
            retries=retries or Retries(),
            at_once=at_once,
            counts=self._counts,
        )
        subscription = _MemorySubscription(self._broker, consumer, delivery, self._finish_s)
        self._subscriptions.append(subscription)
        return subscription

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        """See the port."""
        return self._broker.letters(topic, group)[:limit]

    async def resend(self, topic: str, group: str, letter: str) -> bool:
        """See the port."""
        sent = self._broker.resend(topic, group, letter)
        self._counts[topic, group, "resent"] += sent
        return sent

    async def aclose(self) -> None:
        """Ends every subscription."""
        await asyncio.gather(*(each.aclose() for each in self._subscriptions))


class _MemorySubscription:
    """Leaves its group when closed."""

    def __init__(
        self,
        broker: MemoryBroker,
        consumer: LocalConsumer,
        delivery: Delivery,
        finish_s: float,
    ) -> None:
        self._broker = broker
        self._consumer = consumer
        self._private = delivery is not Delivery.ONCE
        self._finish_s = finish_s

    async def aclose(self) -> None:
        if self._private:
            self._broker.forget(self._consumer.topic, self._consumer.group)
        await self._consumer.aclose(self._finish_s)
