"""Groups and consumers whose messages wait in this process.

The whole of the memory bus rests on these, and so do the ALL and OWNER subscriptions of Redis
Streams, whose messages nobody else could handle anyway.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import structlog

from messaging.bus import Handler, Message, Retries
from messaging.handling import Ended, Handlers
from messaging.tags import tag_filter

log = structlog.get_logger(__name__)

MAX_WAITING = 10_000
"""Messages of a topic that a group may have waiting, and dead letters that it keeps."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A message on its way to one group."""

    message: Message
    attempts: int = 0


@dataclass(slots=True, eq=False)
class LocalGroup:
    """What one group of consumers shares: its messages, and its lines of keys."""

    name: str
    ready: deque[Waiting] = field(default_factory=deque)
    lines: dict[str, deque[Waiting]] = field(default_factory=dict)
    """Of each key what is not handled yet; only the first of a line is ever ready."""
    waiting: int = 0
    members: deque["LocalConsumer"] = field(default_factory=deque)

    def put(self, message: Message) -> None:
        """A new one at the end."""
        waiting = Waiting(message)
        self.waiting += 1
        if message.key:
            line = self.lines.setdefault(message.key, deque())
            line.append(waiting)
            if len(line) > 1:
                return
        self.ready.append(waiting)

    def done(self, waiting: Waiting) -> None:
        """It needs no more handling; the next of its key may come."""
        self.waiting -= 1
        if key := waiting.message.key:
            line = self.lines[key]
            line.popleft()
            if line:
                self.ready.append(line[0])
            else:
                del self.lines[key]

    def drop_oldest(self) -> None:
        """Loses the one that waits longest of those that no handler has."""
        if self.ready:
            oldest = self.ready.popleft()
            self.done(oldest)
            log.error(
                "too many messages wait; the oldest is lost",
                topic=oldest.message.topic,
                group=self.name,
                message=oldest.message.id,
            )
            for member in list(self.members)[:1]:
                member.count("lost")

    def hand_out(self) -> None:
        """Gives ready messages to members in turn, as far as they have room."""
        while self.ready and (member := self._next_free()):
            member.begin(self.ready.popleft())

    def _next_free(self) -> "LocalConsumer | None":
        for _ in range(len(self.members)):
            self.members.rotate(-1)
            if self.members[-1].free:
                return self.members[-1]
        return None


class LocalConsumer:
    """One member of a group.

    dead: takes a message whose handler failed as often as the retries allow, and why.
    counts: see the port of the bus.
    """

    def __init__(
        self,
        group: LocalGroup,
        topic: str,
        handler: Handler,
        dead: Callable[[Message, str], Awaitable[None]],
        *,
        tags: str,
        retries: Retries,
        at_once: int,
        counts: Counter[tuple[str, str, str]],
    ) -> None:
        self.topic = topic
        self.group = group
        self._dead = dead
        self._wanted = tag_filter(tags)
        self._retries = retries
        self._counts = counts
        self._begun: dict[int, Waiting] = {}
        self._handlers = Handlers(
            handler,
            self._settle,
            group.hand_out,
            at_once=at_once,
            handling_s=retries.handling_s,
        )
        group.members.append(self)
        group.hand_out()

    @property
    def free(self) -> int:
        """How many more messages it may begin now."""
        return self._handlers.free

    def count(self, what: str) -> None:
        """One more of something that happened to a message."""
        self._counts[self.topic, self.group.name, what] += 1

    def begin(self, waiting: Waiting) -> None:
        """Handles a message, or passes over one whose tag it does not want."""
        if not self._wanted(waiting.message.tag):
            self.group.done(waiting)
            return
        waiting.attempts += 1
        message = replace(waiting.message, attempt=waiting.attempts)
        self._begun[id(message)] = waiting
        self._handlers.begin(message)

    async def aclose(self, finish_s: float) -> None:
        """Takes no more, lets handlers that run finish, gives the rest to the others."""
        if self in self.group.members:
            self.group.members.remove(self)
        await self._handlers.aclose(finish_s)
        self.group.hand_out()

    async def _settle(self, message: Message, ended: Ended, reason: str) -> None:
        waiting = self._begun.pop(id(message))
        if ended is Ended.HANDLED:
            self.count("handled")
            self.group.done(waiting)
        elif ended is Ended.CUT_OFF:
            self.group.ready.appendleft(waiting)
        elif waiting.attempts < self._retries.attempts:
            self.count("failed")
            self.count("retried")
            wait_s = self._retries.wait_s(waiting.attempts)
            asyncio.get_running_loop().call_later(wait_s, self._again, waiting)
        else:
            self.count("failed")
            self.count("dead")
            await self._dead(message, reason)
            self.group.done(waiting)

    def _again(self, waiting: Waiting) -> None:
        self.group.ready.append(waiting)
        self.group.hand_out()
