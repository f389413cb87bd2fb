"""Taking the messages of one topic at the broker for one group, whatever happens to the broker."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from messaging.bus import BusError
from messaging.rocketmq.client import Client, ClientId, Received, RocketMQError

log = structlog.get_logger(__name__)

BEAT_S = 10.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.2
MOST_AT_ONCE = 32
"""Messages in one poll, as the proxy allows."""


class Consumer:
    """One group's reader of one topic.

    expression: the broker's own tag filter. hidden_s: how long a message that was taken stays
    with us unless renewed. make: makes topic and group at the broker. remake: called instead when
    the broker was away. room: waits until messages can be taken, and says how many. take: gets
    each.
    """

    def __init__(
        self,
        client: Client,
        topic: str,
        group: str,
        *,
        expression: str,
        hidden_s: float,
        make: Callable[[], Awaitable[None]],
        remake: Callable[[], Awaitable[None]],
        room: Callable[[], Awaitable[int]],
        take: Callable[["Consumer", Received], None],
    ) -> None:
        self.topic = topic
        self.group = group
        self.id = ClientId(f"overture-{uuid.uuid4().hex}")
        self.settled = asyncio.Event()
        """Set once the broker hands out messages to it for the first time."""
        self.trouble = ""
        self._stopped = False
        self._polls: list[asyncio.Task[None]] = []
        self._client = client
        self._expression = expression
        self._hidden_s = hidden_s
        self._make = make
        self._remake = remake
        self._queues: Sequence[Any] = ()
        self._room = room
        self._take = take

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._session()
            except* BusError as errors:
                error = errors.exceptions[0]
                refused = isinstance(error, RocketMQError)
                if not self.trouble:
                    log.warning("messages do not flow", topic=self.topic, why=str(error))
                else:
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                self.trouble = str(error)
                if refused:  # topic, group or broker may not be what they were
                    self._queues = ()
            except* Exception as errors:  # the task's edge: nobody else would take what it should
                log.error("taking messages failed", topic=self.topic, exc_info=errors)
                self.trouble = f"a mistake: {errors.exceptions[0]}"
                self._queues = ()
            # A proxy that is back needs a moment until it has found its broker.
            await asyncio.sleep(pause_s)
            await self._client.ready()
            if not self.trouble:
                pause_s = FIRST_PAUSE_S

    async def acknowledge(self, received: Received) -> None:
        """It is dealt with."""
        await self._client.acknowledge(self.group, received, self.id)

    async def hide(self, received: Received, hidden_s: float) -> None:
        """Keeps it, or gives it back, for so long from now on."""
        await self._client.hide(self.group, received, hidden_s, self.id)

    def stop_taking(self) -> None:
        """Takes no more; what it has can still be acknowledged and given back."""
        self._stopped = True
        for poll in self._polls:
            poll.cancel()

    async def leave(self) -> None:
        """Says good-bye; the proxy would find out by itself."""
        try:
            await self._client.leave(self.group, self.id)
        except BusError as error:
            log.debug("no farewell", group=self.group, why=str(error))

    async def _session(self) -> None:
        """Takes messages until something fails, which it raises."""
        try:
            await self._client.ready()
            if not self._queues:
                await self._make()
                self._queues = await self._client.brokers(self.topic, self.id)
            else:
                await self._remake()
            stream = await self._client.settle(self.group, self.topic, self._expression, self.id)
        except BusError as error:
            raise BaseExceptionGroup("settling", [error]) from error
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._client.listen(stream))
                tasks.create_task(self._beat())
                if not self._stopped:
                    self._polls = [tasks.create_task(self._poll(queue)) for queue in self._queues]
                self.settled.set()
        finally:
            stream.cancel()

    async def _poll(self, queue: Any) -> None:
        while True:
            most = min(await self._room(), MOST_AT_ONCE)
            received = await self._client.receive(
                self.group, queue, self._expression, most, self._hidden_s, self.id
            )
            self.trouble = ""
            for each in received:
                self._take(self, each)

    async def _beat(self) -> None:
        while True:
            await self._client.beat(self.group, self.id)
            self.trouble = ""
            await asyncio.sleep(BEAT_S)
