"""A consumer of a group on Redis Streams (Delivery.ONCE)."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError, ResponseError

from messaging import redis_scripts as scripts
from messaging.bus import Handler, Message, Retries
from messaging.handling import CANCEL_AGAIN_S, Ended, Handlers, end
from messaging.local import MAX_WAITING
from messaging.redis_link import RedisLink
from messaging.redis_messages import encoded, fields_of, message_of, paired, text_of
from messaging.tags import tag_filter

log = structlog.get_logger(__name__)

BLOCK_S = 5.0
"""Longest blocking read. It ends sooner for a message; this bounds how late a silent Redis or a
message of a consumer that died is noticed, and costs a wake-up each time."""

PAUSES_S = (0.02, 0.05, 0.1, 0.2)
"""Between tries to reach a Redis that is away; the last one for as long as it takes."""

LEASE_MARGIN_S = 1.0
"""How much longer than its handler may take a message is left to a consumer: its failure has to
reach Redis before others take the message."""

SWEEP_S = 60.0
"""How often what is handled is trimmed, and consumers that are gone are forgotten."""

STAY_S = 60.0
"""How long entries that every group has handled stay, for consumers of ALL that lag behind."""

GONE_S = 3600.0
"""After how long a consumer that holds nothing and does not read is gone."""

AWAY = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class _Begun:
    """An entry whose handler runs. key: as Redis has it."""

    entry: bytes
    key: bytes
    owner: str


class GroupConsumer:
    """One member of a group; reads, and settles what its handlers have done."""

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
        del own  # of Delivery.OWNER only
        self._link = link
        self._stream = stream
        self._topic = topic
        self._group = group
        self._wanted = tag_filter(tags)
        self._retries = retries
        self._counts = counts
        self._finish_s = finish_s
        # Named anew each time: what a process of the same instance left behind is another's.
        self._consumer = f"{uuid.uuid4().hex[:12]}"
        handling_ms = round((retries.handling_s + LEASE_MARGIN_S) * 1000)
        self._me = (group, self._consumer, handling_ms, encoded(group))
        self._begun: dict[int, _Begun] = {}
        self._freed = asyncio.Event()
        self._after = {stream: b"0-0", f"{stream}:nudge": b"0-0"}
        self._handlers = Handlers(
            handler, self._settle, self._freed.set, at_once=at_once, handling_s=retries.handling_s
        )
        self._runner: asyncio.Task[None] | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._closing = False
        self._asleep = False
        self.trouble = ""
        """Why it gets nothing now, "" when it does."""

    async def start(self) -> None:
        """Takes part from now on, or as soon as Redis is there."""
        try:
            await self._enter()
        except AWAY as error:
            self._fails(error)
        self._runner = asyncio.create_task(self._run(), name=f"bus-{self._topic}")
        self._sweeper = asyncio.create_task(self._sweep(), name=f"bus-sweep-{self._topic}")

    async def aclose(self) -> None:
        """Takes no more, lets handlers that run finish, gives the rest to the others."""
        if self._closing:
            return
        self._closing = True
        while self._runner is not None and not self._runner.done():
            # Not while it takes: what Redis has given it would be nobody's until the lease ends.
            if self._asleep:
                self._runner.cancel()
            await asyncio.wait([self._runner], timeout=CANCEL_AGAIN_S)
        if self._sweeper is not None:
            await end(self._sweeper)
        await self._handlers.aclose(self._finish_s)
        self.trouble = ""

    async def _enter(self) -> None:
        try:
            await self._link.do("XGROUP", "CREATE", self._stream, self._group, "$", "MKSTREAM")
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _run(self) -> None:
        """Takes what there is and there is room for, then sleeps until there may be more."""
        tries = 0
        while not self._closing:
            try:
                wait_s = await self._take()
                self._succeeds()
                tries = 0
                self._asleep = True
                if wait_s > 0:
                    for stream, entries in (await self._link.read(self._after, wait_s, 1)).items():
                        self._after[stream] = entries[-1][0]
                while not self._handlers.free:
                    self._freed.clear()
                    await self._freed.wait()
            except Exception as error:  # the task's edge: nobody else would take what it should
                if not isinstance(error, AWAY):
                    log.exception("taking messages failed", topic=self._topic)
                self._fails(error)
                self._asleep = True
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                tries += 1
            self._asleep = False

    async def _take(self) -> float:
        """Returns for how long there is nothing to do unless something is published, seconds."""
        taken, again_ms, more, reached = await self._link.run(
            scripts.TAKE, self._stream, *self._me, self._handlers.free
        )
        for entry, attempt, fields in taken:
            await self._begin(entry, attempt, fields)
        if more or not self._handlers.free:
            return 0.0
        if _after(reached, self._after[self._stream]):
            self._after[self._stream] = reached
        return BLOCK_S if again_ms < 0 else min(BLOCK_S, again_ms / 1000)

    async def _begin(self, entry: bytes, attempt: int, flat: list[bytes]) -> None:
        """Handles it, or passes over it and those of its key after it until one is wanted."""
        following = (entry, attempt, flat)
        while following:
            entry, attempt, flat = following
            fields = paired(flat)
            begun = _Begun(entry, fields.get(b"key", b""), text_of(fields, b"owner"))
            message = message_of(self._topic, entry, fields, attempt)
            if self._wanted(message.tag):
                self._begun[id(message)] = begun
                self._handlers.begin(message)
                return
            following = await self._tell(scripts.DONE, begun.entry, begun.key, self._keep)

    @property
    def _keep(self) -> str:
        """For scripts: whether this consumer takes the next of a key."""
        return "0" if self._closing else "1"

    async def _settle(self, message: Message, ended: Ended, reason: str) -> None:
        begun = self._begun.pop(id(message))
        last = message.attempt >= self._retries.attempts
        arguments: list[str | int | bytes] = [begun.entry, begun.key]
        if ended is Ended.HANDLED:
            script = scripts.DONE
            arguments += [self._keep]
        elif ended is Ended.CUT_OFF:
            script = scripts.AGAIN
            arguments += [0]
        elif last:
            script = scripts.DEAD
            arguments += [self._keep, MAX_WAITING, *fields_of(message, begun.owner)]
            arguments += ["reason", reason[:1000], "attempt", message.attempt]
        else:
            script = scripts.AGAIN
            arguments += [round(self._retries.wait_s(message.attempt) * 1000)]
        following = await self._tell(script, *arguments)
        if ended is Ended.FAILED:
            self._count("failed")
            self._count("dead" if last else "retried")
        elif ended is Ended.HANDLED:
            self._count("handled")
        if following:
            await self._begin(*following)

    async def _tell(self, script: str, *arguments: str | int | bytes) -> Any:
        """Tries for as long as the message is ours: who cannot tell lets others have it again."""
        try:
            async with asyncio.timeout(LEASE_MARGIN_S + self._retries.handling_s):
                while True:
                    try:
                        return await self._link.run(script, self._stream, *self._me, *arguments)
                    except AWAY as error:
                        self._fails(error)
                        if self._closing:
                            return None
                        await asyncio.sleep(PAUSES_S[-1])
        except TimeoutError:
            return None

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self._link.run(scripts.TRIM, self._stream, round(STAY_S * 1000), 0)
                await self._link.run(scripts.SWEEP, self._stream, *self._me, round(GONE_S * 1000))
            except AWAY as error:
                log.warning("the bus was not swept", topic=self._topic, reason=str(error))

    def _count(self, what: str) -> None:
        self._counts[self._topic, self._group, what] += 1

    def _fails(self, error: Exception) -> None:
        why = str(error) or "no answer within a second"
        if not self.trouble:
            log.warning("messages do not flow", topic=self._topic, reason=why)
        self.trouble = f"Redis gives no messages: {why}"

    def _succeeds(self) -> None:
        if self.trouble:
            log.info("messages flow again", topic=self._topic)
        self.trouble = ""


def _after(one: bytes, other: bytes) -> bool:
    """Whether an entry's id is later than another's."""
    return [int(part) for part in one.split(b"-")] > [int(part) for part in other.split(b"-")]
