"""Steps of prompts as they happen, on whichever instance."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import orjson
import structlog
from pydantic import ValidationError

from outreach.entry import Step
from outreach.errors import OutreachUnavailableError
from outreach.ledger_script import CHANNEL
from outreach.scripts import unavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

MAX_BEHIND = 1000
"""Steps kept for one who reads slowly; the oldest are dropped."""
LISTEN_S = 1.0
RETRY_S = 0.5


class _Follower:
    def __init__(self) -> None:
        self.steps: deque[tuple[str, str, Step]] = deque(maxlen=MAX_BEHIND)
        self.news = asyncio.Event()


class Changes:
    """One subscription of this process for all who follow; none while nobody does."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._followers: set[_Follower] = set()
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._closed = False

    async def follow(self) -> AsyncIterator[tuple[str, str, Step]]:
        """(user, id, step), from about now on; what happens while Redis is away is missed."""
        follower = _Follower()
        self._followers.add(follower)
        try:
            while not self._closed:
                if self._listener is None or self._listener.done():
                    self._listener = asyncio.create_task(self._listen(), name="outreach-changes")
                while follower.steps:
                    yield follower.steps.popleft()
                follower.news.clear()
                await follower.news.wait()
        finally:
            self._followers.discard(follower)

    async def listening(self) -> None:
        """Returns once steps that happen from now on are seen; somebody must follow."""
        await self._listening.wait()

    async def aclose(self) -> None:
        """Ends all who follow."""
        self._closed = True
        for follower in self._followers:
            follower.news.set()
        while self._listener is not None and not self._listener.done():
            # redis-py may swallow a cancellation: then the next one gets through.
            self._listener.cancel()
            await asyncio.wait({self._listener}, timeout=0.1)

    async def _listen(self) -> None:
        while self._followers and not self._closed:
            try:
                with unavailable():
                    await self._subscribed()
            except OutreachUnavailableError as error:
                log.warning("steps of prompts cannot be followed now", reason=str(error))
                await asyncio.sleep(RETRY_S)

    async def _subscribed(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            try:
                while self._followers and not self._closed:
                    message = await subscription.get_message(timeout=LISTEN_S)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":
                        self._listening.set()
                    elif message["type"] == "message":
                        self._tell(message["data"])
            finally:
                self._listening.clear()

    def _tell(self, document: bytes) -> None:
        try:
            told = orjson.loads(document)
            change = (told["user"], told["id"], Step.model_validate(told["step"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            log.warning("a step of a prompt cannot be read", reason=str(error))
            return
        for follower in self._followers:
            follower.steps.append(change)
            follower.news.set()
