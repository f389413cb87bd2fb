"""Steps of prompts as they happen, read once from Redis and handed to all who follow."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from outreach.entry import Step
from outreach.errors import OutreachUnavailableError

if TYPE_CHECKING:
    from outreach.ledger import Ledger

log = structlog.get_logger("overture.operations")

WAITING = 256
"""Steps that a slow reader may be behind."""
AGAIN_S = 1.0
"""After Redis was away."""
MAX_RULES = 4096
"""Prompts whose rule is remembered, so that not every step asks for it."""

News = tuple[str, str, Step]


class Feed:
    """One follower's steps; the oldest are dropped, and counted, when it does not keep up."""

    def __init__(self, wants: Callable[[str, str], bool]) -> None:
        self.wants = wants
        self._steps: deque[News] = deque()
        self._missed = 0
        self._woken = asyncio.Event()

    def put(self, news: News) -> None:
        """One more."""
        if len(self._steps) == WAITING:
            self._steps.popleft()
            self._missed += 1
        self._steps.append(news)
        self._woken.set()

    def wake(self) -> None:
        """Steps may have been lost on the way to us."""
        self._woken.set()

    async def take(self, within_s: float) -> tuple[list[News], int]:
        """Those that came, and how many were dropped before them; nothing after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()
        steps, missed = list(self._steps), self._missed
        self._steps.clear()
        self._missed = 0
        return steps, missed


class Following:
    """Reads the ledger's changes, from when somebody first follows."""

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger = ledger
        self._feeds: set[Feed] = set()
        self._reading: asyncio.Task[None] | None = None
        self._rules: dict[str, str] = {}

    @contextmanager
    def feed(self, wants: Callable[[str, str], bool]) -> Iterator[Feed]:
        """Follows; wants(user, id): whether the step of such a prompt is asked for."""
        feed = Feed(wants)
        self._feeds.add(feed)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="outreach-steps")
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    async def rule_of(self, id: str) -> str:
        """The prompt's rule, "" if it is not known; raises OutreachUnavailableError."""
        if id not in self._rules:
            entry = await self._ledger.get(id)
            while len(self._rules) >= MAX_RULES:
                del self._rules[next(iter(self._rules))]
            self._rules[id] = entry.outreach.rule if entry else ""
        return self._rules[id]

    async def aclose(self) -> None:
        """Reads no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None

    async def _read(self) -> None:
        while True:
            try:
                async for news in self._ledger.changes():
                    for feed in tuple(self._feeds):
                        if feed.wants(news[0], news[1]):
                            feed.put(news)
            except OutreachUnavailableError as error:
                log.warning("steps cannot be followed now", reason=str(error))
            except Exception:
                log.exception("following steps failed; it is tried again")
            for feed in tuple(self._feeds):
                feed.wake()
            await asyncio.sleep(AGAIN_S)
