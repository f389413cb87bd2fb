"""One subscription over RocketMQ: what was taken is handled, kept, tried again, or given back.

A failed message waits for its next attempt here, where the wait is exact, and the broker is told
to keep it for us meanwhile; the broker's own redelivery, two seconds late and without an order, is
for the messages of processes that died.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

import structlog

from messaging.bus import BusError, BusUnavailableError, Handler, Message, Retries
from messaging.handling import Ended, Handlers, end
from messaging.rocketmq.client import Client, Received
from messaging.rocketmq.consumer import Consumer
from messaging.rocketmq.envelope import Envelope, open_envelope

log = structlog.get_logger(__name__)

MOST_HELD = 256
"""Messages that may wait here for another attempt; then no more are taken until some are done."""
REMEMBERED = 4096
"""Handled ones, known again if a broker that was killed forgot that they were acknowledged."""
SHORTEST_HIDDEN_S = 1.0  # the proxy allows no less
GIVE_BACK_S = 2.0


@dataclass(slots=True, eq=False)
class Held:
    """A message that the broker has handed to us. until: loop time at which others get it."""

    consumer: Consumer
    received: Received
    envelope: Envelope
    message: Message
    failures: int
    until: float
    waiting: bool = False


Bury = Callable[[Held, str, str], Awaitable[None]]
"""Makes a dead letter of a message of a group, for a reason. Raises BusError."""


class RocketMQSubscription:
    """Consumers of one group, and the handlers that they share.

    wanted: whether a message is for this subscription at all. left: called once it has closed.
    """

    def __init__(
        self,
        client: Client,
        topic: str,
        group: str,
        handler: Handler,
        *,
        wanted: Callable[[Envelope], bool],
        retries: Retries,
        at_once: int,
        counts: Counter[tuple[str, str, str]],
        finish_s: float,
        bury: Bury,
        left: Callable[["RocketMQSubscription"], Awaitable[None]],
    ) -> None:
        self.topic = topic
        self.group = group
        self.hidden_s = max(retries.handling_s, SHORTEST_HIDDEN_S)
        self.consumers: Sequence[Consumer] = ()
        self._client = client
        self._wanted = wanted
        self._retries = retries
        self._at_once = at_once
        self._counts = counts
        self._finish_s = finish_s
        self._bury = bury
        self._left = left
        self._handlers = Handlers(
            handler, self._settle, self._pump, at_once=at_once, handling_s=retries.handling_s
        )
        self._held: dict[str, Held] = {}
        self._begun: dict[int, Held] = {}
        self._ready: deque[Held] = deque()
        self._lines: dict[str, deque[Held]] = {}
        self._handled: OrderedDict[str, None] = OrderedDict()
        self._roomy = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._chores: set[asyncio.Task[None]] = set()
        self._closing = False

    def start(self, consumers: Sequence[Consumer]) -> None:
        """Takes messages from now on."""
        self.consumers = consumers
        self._tasks = [
            asyncio.create_task(consumer.run(), name=f"rocketmq-{consumer.group}")
            for consumer in consumers
        ]
        self._tasks.append(asyncio.create_task(self._keep(), name=f"rocketmq-keep-{self.group}"))

    @property
    def settled(self) -> bool:
        """Whether the broker hands out messages to all its consumers."""
        return all(consumer.settled.is_set() for consumer in self.consumers)

    @property
    def trouble(self) -> str:
        """Why messages do not come, "" when they do."""
        return next((each.trouble for each in self.consumers if each.trouble), "")

    async def room(self) -> int:
        """Waits until more messages can be taken, and says how many."""
        while (free := self._free()) <= 0:
            self._roomy.clear()
            await self._roomy.wait()
        return free

    def take(self, consumer: Consumer, received: Received) -> None:
        """A message that the broker hands out."""
        known = self._held.get(received.message_id)
        if known is not None:  # we could not tell the broker in time that we still have it
            known.received = received
            known.until = self._now() + self.hidden_s
            return
        envelope = open_envelope(received.properties, received.message_id)
        message = envelope.message(self.topic, received.body, received.attempt)
        until = self._now() + self.hidden_s
        held = Held(consumer, received, envelope, message, received.attempt - 1, until)
        if received.message_id in self._handled or not self._wanted(envelope):
            self._do(self._acknowledge(held))
            return
        self._held[received.message_id] = held
        if message.key:
            line = self._lines.setdefault(message.key, deque())
            line.append(held)
            if len(line) > 1:
                return
        self._ready.append(held)
        self._pump()

    async def aclose(self) -> None:
        """See the port."""
        if self._closing:
            return
        self._closing = True
        for consumer in self.consumers:
            consumer.stop_taking()
        await self._handlers.aclose(self._finish_s)
        for held in self._held.values():
            self._do(self._give_back(held))
        await self._finish_chores()
        # Only now: the proxy takes nothing back from a consumer that it does not know.
        await end(*self._tasks)
        for consumer in self.consumers:
            self._do(consumer.leave())
        await self._finish_chores()
        await self._left(self)

    async def _finish_chores(self) -> None:
        if self._chores:
            await asyncio.wait(self._chores, timeout=GIVE_BACK_S)
        await end(*self._chores)

    def _free(self) -> int:
        if len(self._held) >= MOST_HELD:
            return 0
        return self._at_once - sum(not held.waiting for held in self._held.values())

    def _pump(self) -> None:
        """Begins what is ready, as far as handlers are free."""
        while self._ready and self._handlers.free:
            held = self._ready.popleft()
            if held.failures >= self._retries.attempts:  # its consumers died each time
                self._dead(held, "")
                continue
            message = replace(held.message, attempt=held.failures + 1)
            self._begun[id(message)] = held
            self._handlers.begin(message)
        if self._free() > 0:
            self._roomy.set()

    async def _settle(self, message: Message, ended: Ended, reason: str) -> None:
        held = self._begun.pop(id(message))
        if ended is Ended.HANDLED:
            self._count("handled")
            self._done(held)
        elif ended is Ended.FAILED:
            self._count("failed")
            held.failures += 1
            if held.failures >= self._retries.attempts:
                self._dead(held, reason)
            else:
                self._count("retried")
                held.waiting = True
                wait_s = self._retries.wait_s(held.failures)
                asyncio.get_running_loop().call_later(wait_s, self._again, held)
        # What was cut off is given back by aclose.

    def _again(self, held: Held) -> None:
        held.waiting = False
        if not self._closing:
            self._ready.append(held)
            self._pump()

    def _dead(self, held: Held, reason: str) -> None:
        self._do(self._buried(held, reason))

    async def _buried(self, held: Held, reason: str) -> None:
        while True:
            try:
                await self._bury(held, self.group, reason)
            except BusUnavailableError:
                await self._client.ready()
            except BusError as error:
                log.error("no dead letter", message=held.message.id, why=str(error))
                await asyncio.sleep(self.hidden_s)
            else:
                break
        self._count("dead")
        self._done(held)

    def _done(self, held: Held) -> None:
        """It needs no more handling; the next of its key may come."""
        self._handled[held.received.message_id] = None
        if len(self._handled) > REMEMBERED:
            self._handled.popitem(last=False)
        if key := held.message.key:
            line = self._lines[key]
            line.popleft()
            if line:
                self._ready.append(line[0])
            else:
                del self._lines[key]
        self._held.pop(held.received.message_id, None)
        self._do(self._acknowledge(held))
        self._pump()

    async def _acknowledge(self, held: Held) -> None:
        try:
            async with asyncio.timeout_at(held.until):
                while True:
                    try:
                        await held.consumer.acknowledge(held.received)
                        return
                    except BusUnavailableError:
                        await self._client.ready()
        except (BusError, TimeoutError) as error:  # it comes again, and is known then
            log.info("not acknowledged", message=held.message.id, why=str(error))

    async def _give_back(self, held: Held) -> None:
        try:
            await held.consumer.hide(held.received, SHORTEST_HIDDEN_S)
        except BusError as error:
            log.info("not given back", message=held.message.id, why=str(error))

    async def _keep(self) -> None:
        """Tells the broker again and again which messages we still have."""
        while True:
            await asyncio.sleep(self.hidden_s / 5)
            soon = self._now() + self.hidden_s / 2
            due = [held for held in self._held.values() if held.until < soon]
            await asyncio.gather(*(self._renew(held) for held in due))

    async def _renew(self, held: Held) -> None:
        if not self._client.connected:
            return
        try:
            until = self._now() + self.hidden_s
            await held.consumer.hide(held.received, self.hidden_s)
            held.until = until
        except BusError as error:  # it may come again meanwhile, and is known then
            log.info("not kept", message=held.message.id, why=str(error))

    def _do(self, chore: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(chore, name=f"rocketmq-chore-{self.group}")
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def _count(self, what: str) -> None:
        self._counts[self.topic, self.group, what] += 1

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
