"""The bus over RocketMQ 5 (its gRPC proxy). Import it lazily: it loads gRPC."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from messaging.bus import (
    CLOSE_S,
    BusError,
    BusUnavailableError,
    DeadLetter,
    Delivery,
    Handler,
    Retries,
    Subscription,
    check_body,
)
from messaging.handling import end
from messaging.rocketmq import names
from messaging.rocketmq.address import parse_address
from messaging.rocketmq.admin import DELAY, FIFO, NORMAL, Admin
from messaging.rocketmq.client import (
    LONGEST_DELAY_S,
    Client,
    ClientId,
    RocketMQError,
    ToSend,
)
from messaging.rocketmq.consumer import Consumer
from messaging.rocketmq.envelope import Envelope, Letter, open_letter
from messaging.rocketmq.housekeeper import Housekeeper
from messaging.rocketmq.subscription import Held, RocketMQSubscription
from messaging.tags import tag_filter
from messaging.topics import Topics

log = structlog.get_logger(__name__)

CONNECT_S = 5.0
PUBLISH_S = 2.0
SUBSCRIBE_S = 10.0
SETTLE_LOOK_S = 0.01
FAIL_FAST_S = 1.0
"""Away for longer than this, a publisher is told so at once."""
WATCH_S = 0.25
CLOCKS_S = 5.0
"""How far the clocks of two machines may differ: for what was published before a subscription."""
MOST_LETTERS = 10_000
MOST_REASON = 1000  # characters; RocketMQ takes 32 kB of properties in all

_PARTS: Sequence[tuple[Callable[[str], str], str]] = (
    (str, NORMAL),
    (names.keyed, FIFO),
    (names.later, DELAY),
)
"""What the topic, or group, for each kind of message is called."""


class RocketMQBus:
    """The port of the bus for one process.

    endpoint: HOST:PORT of the gRPC proxy, or a rocketmq:// address. broker: HOST:PORT of the
    broker itself, where topics and groups are made; see `parse_address`. strict: `start` raises if
    the proxy cannot be reached. finish_s: how long handlers may go on when they are closed.
    """

    def __init__(
        self,
        endpoint: str,
        instance: str,
        *,
        broker: str = "",
        topics: Topics | None = None,
        strict: bool = False,
        finish_s: float = CLOSE_S,
    ) -> None:
        address = parse_address(endpoint, broker)
        self.name = f"RocketMQ at {address.proxy}"
        self._address = address
        self._instance = instance
        self._topics = topics or Topics()
        self._strict = strict
        self._finish_s = finish_s
        self._admin = Admin(address.broker)
        self._housekeeper = Housekeeper(self._admin)
        self._id = ClientId(f"overture-{uuid.uuid4().hex}")
        self._client: Client | None = None
        self._down_since: float | None = None
        self._subscriptions: set[RocketMQSubscription] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._counts: Counter[tuple[str, str, str]] = Counter()

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """See the port."""
        return self._counts

    @property
    def trouble(self) -> str:
        """See the port."""
        if self._down_since is not None:
            return f"{self.name} cannot be reached; trying again several times a second"
        return next((each.trouble for each in self._subscriptions if each.trouble), "")

    async def start(self) -> None:
        """See the port."""
        self._client = client = Client(self._address.proxy)
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.ready()
        except TimeoutError as error:
            self._down_since = time.monotonic() - CONNECT_S
            if self._strict:
                await self.aclose()
                raise BusUnavailableError(
                    f"{self.name} cannot be reached. Does it run? (script/rocketmq status)"
                ) from error
        self._tasks = [
            asyncio.create_task(self._watch(client), name="rocketmq-watch"),
            asyncio.create_task(self._housekeeper.run(), name="rocketmq-house"),
        ]

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
        """See the port. Raises BusError for a delay of more than a day."""
        check_body(body)
        if delay_s > LONGEST_DELAY_S:
            raise BusError("RocketMQ holds a message back for a day at most")
        now = time.time()
        envelope = Envelope(
            id=id or uuid.uuid4().hex,
            tag=tag,
            key=key,
            born=now,
            due=now + max(0.0, delay_s),
            owner=owner,
            empty=not body,
        )
        await self._publish(topic, envelope, body)
        self._counts[topic, "", "published"] += 1
        return envelope.id

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
        """See the port. With the broker away it returns in spite of it, and goes on trying."""
        client = self._running()
        since = time.time() - CLOCKS_S
        wanted_tag = tag_filter(tags)

        def wanted(envelope: Envelope) -> bool:
            if delivery is not Delivery.ONCE and envelope.due < since:
                return False
            mine = envelope.owner == (self._instance if delivery is Delivery.OWNER else "")
            return mine and envelope.only in ("", group) and wanted_tag(envelope.tag)

        subscription = RocketMQSubscription(
            client,
            topic,
            group,
            handler,
            wanted=wanted,
            retries=retries or Retries(),
            at_once=at_once,
            counts=self._counts,
            finish_s=self._finish_s,
            bury=self._bury,
            left=self._left,
        )
        self._subscriptions.add(subscription)
        subscription.start(self._consumers(client, subscription, delivery))
        try:
            async with asyncio.timeout(SUBSCRIBE_S):
                # Either may come first, and neither is an event of its own.
                while not subscription.settled and not self._away:  # noqa: ASYNC110
                    await asyncio.sleep(SETTLE_LOOK_S)
        except TimeoutError:
            log.warning("subscribed, but no messages yet", topic=topic, why=self.trouble)
        except asyncio.CancelledError:
            await subscription.aclose()
            raise
        return subscription

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        """See the port. Raises BusUnavailableError without the broker's own port."""
        letters = await self._letters(topic, group)
        return [letter.dead_letter(topic, body) for letter, body in letters[:limit]]

    async def resend(self, topic: str, group: str, letter: str) -> bool:
        """See the port."""
        for found, body in await self._letters(topic, group):
            if found.letter == letter and found.message is not None:
                now = {"born": time.time(), "due": time.time(), "only": group}
                await self._publish(topic, found.message.model_copy(update=now), body)
                note = Letter(letter=letter, group=group, resent=True)
                await self._send_letter(topic, note, b"")
                self._counts[topic, group, "resent"] += 1
                return True
        return False

    async def aclose(self) -> None:
        """See the port."""
        await asyncio.gather(*(each.aclose() for each in list(self._subscriptions)))
        await end(*self._tasks)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @property
    def _away(self) -> bool:
        """Not for a moment only."""
        down, client = self._down_since, self._running()
        return down is not None and time.monotonic() - down > FAIL_FAST_S and not client.connected

    def _running(self) -> Client:
        if self._client is None:
            raise BusError("the bus has not started, or is closed")
        return self._client

    def _topic(self, topic: str) -> str:
        return names.encode(self._topics(topic))

    def _dead(self, topic: str) -> str:
        return names.dead(self._topic(topic))

    async def _publish(self, topic: str, envelope: Envelope, body: bytes) -> None:
        base, kind, line, due = self._topic(topic), NORMAL, "", 0.0
        if envelope.due > envelope.born:
            base, kind, due = names.later(base), DELAY, envelope.due
        elif envelope.key:
            base, kind, line = names.keyed(base), FIFO, names.line_of(envelope.key)
        tag = names.owner_tag(envelope.owner) if envelope.owner else ""
        await self._send(ToSend(base, envelope.properties(), body, line, due, tag), kind)

    async def _send(self, message: ToSend, kind: str) -> int:
        """Once the broker has it; a broker that is away for a moment is waited for."""
        client = self._running()
        if self._away:
            raise BusUnavailableError(self.trouble)
        last = f"{self.name} did not take the message within {PUBLISH_S:g} s"
        try:
            async with asyncio.timeout(PUBLISH_S):
                while True:
                    try:
                        await client.ready()
                        await self._housekeeper.make_topic(message.topic, kind)
                        return await client.send(message, self._id, PUBLISH_S)
                    except RocketMQError as error:
                        if error.unknown_name:
                            self._housekeeper.forget(message.topic)
                        elif not error.passing:
                            raise
                        last = str(error)
                    except BusUnavailableError as error:
                        last = str(error)
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise BusUnavailableError(last) from error

    def _consumers(
        self, client: Client, subscription: RocketMQSubscription, delivery: Delivery
    ) -> Sequence[Consumer]:
        """One for each kind of message that the topic may carry."""
        topic, group = self._topic(subscription.topic), self._topics(subscription.group)
        own = delivery is not Delivery.ONCE
        shared = (
            names.own_group(topic, group, delivery.value, self._instance)
            if own
            else names.shared_group(topic, group)
        )
        consumers = []
        for name, kind in _PARTS:
            there, its_group = name(topic), name(shared)
            consumers.append(
                Consumer(
                    client,
                    there,
                    its_group,
                    expression=names.owner_tag(self._instance)
                    if delivery is Delivery.OWNER
                    else "*",
                    hidden_s=subscription.hidden_s,
                    make=partial(self._housekeeper.make_group, its_group, there, kind, own),
                    remake=partial(self._housekeeper.remake_group, its_group, there),
                    room=subscription.room,
                    take=subscription.take,
                )
            )
        return consumers

    async def _left(self, subscription: RocketMQSubscription) -> None:
        """Groups that nobody else could use go with their subscription."""
        self._subscriptions.discard(subscription)
        await self._housekeeper.delete({each.group for each in subscription.consumers})

    async def _bury(self, held: Held, group: str, reason: str) -> None:
        letter = Letter(
            letter=uuid.uuid4().hex,
            group=group,
            reason=reason[:MOST_REASON],
            died=time.time(),
            attempt=max(1, held.failures),
            message=held.envelope,
        )
        await self._send_letter(held.message.topic, letter, held.received.body)

    async def _send_letter(self, topic: str, letter: Letter, body: bytes) -> None:
        there = self._dead(topic)
        offset = await self._send(ToSend(there, letter.properties(), body), NORMAL)
        try:
            await self._admin.shown(there, offset)
        except BusUnavailableError as error:
            log.info("dead letters cannot be read here", topic=there, why=str(error))

    async def _letters(self, topic: str, group: str) -> list[tuple[Letter, bytes]]:
        """Those not sent again yet, oldest first."""
        found: dict[str, tuple[Letter, bytes]] = {}
        async for stored in self._admin.read(self._dead(topic), MOST_LETTERS):
            letter = open_letter(stored.properties)
            if letter is None or letter.group != group:
                continue
            if letter.resent:
                found.pop(letter.letter, None)
            elif letter.message is not None:
                found[letter.letter] = (letter, stored.body)
        return list(found.values())

    async def _watch(self, client: Client) -> None:
        """Knows at any time whether the proxy is there."""
        while True:
            if client.connected:
                self._down_since = None
            elif self._down_since is None:
                self._down_since = time.monotonic()
                log.warning("the bus is away", bus=self.name)
            await asyncio.sleep(WATCH_S)
