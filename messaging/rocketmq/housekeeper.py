"""Keeping topics and groups at the broker in order: made, remembered, renewed, swept."""

import asyncio
import time
from collections.abc import Mapping

import structlog

from messaging.bus import BusError, BusUnavailableError
from messaging.rocketmq import names
from messaging.rocketmq.admin import FIFO, Admin

log = structlog.get_logger(__name__)

EACH_S = 600.0
YOUNG_S = 120.0
"""Brokers write offsets each 5 s by default; an outage may take a while."""
QUEUES = 8


class Housekeeper:
    """Of one instance. Where the broker's own port cannot be reached, an operator must have made
    topics and groups, and this says so in the log."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._made: set[str] = set()
        self._making = asyncio.Lock()
        self._young: dict[str, tuple[float, Mapping[int, str]]] = {}
        """Groups that we made lately: when (monotonic), and where each of their queues begins."""
        self._own_groups: dict[str, tuple[str, bool]] = {}
        """Of this instance alone: group -> (topic, whether orderly)."""

    def forget(self, topic: str) -> None:
        """It is not there any more."""
        self._made.discard(topic)

    async def make_topic(self, topic: str, kind: str) -> None:
        """Unless we know that it is there."""
        if topic in self._made:
            return
        async with self._making:  # one asks, however many publish at once
            if topic in self._made:
                return
            queues = 1 if topic.endswith(names.dead("")) else QUEUES  # letters are read in order
            try:
                await self._admin.make_topic(topic, kind, queues)
            except BusUnavailableError as error:  # then an operator must have made it
                log.info("topics are not made here", topic=topic, why=str(error))
            self._made.add(topic)

    async def make_group(self, group: str, topic: str, kind: str, own: bool) -> None:
        """And its topic. own: it is of this instance alone."""
        self._made.discard(topic)
        await self.make_topic(topic, kind)
        orderly = kind == FIFO
        again = group in self._own_groups
        if own:
            self._own_groups[group] = (topic, orderly)
        try:
            # One's own may be there from an earlier life; what it missed then is not for now.
            begin = await self._admin.make_group(
                group, topic, orderly=orderly, own=own and not again
            )
        except BusUnavailableError as error:
            log.info("groups are not made here", group=group, why=str(error))
        else:
            if begin:
                self._young[group] = (time.monotonic(), begin)

    async def remake_group(self, group: str, topic: str) -> None:
        """A broker that was killed has forgotten what it had not written to its disk yet."""
        made, begin = self._young.get(group, (0.0, {}))
        if begin and time.monotonic() - made < YOUNG_S:
            try:
                await self._admin.begin_again(group, topic, begin)
            except BusUnavailableError as error:
                log.info("a group may have missed messages", group=group, why=str(error))
        else:
            self._young.pop(group, None)

    async def delete(self, groups: set[str]) -> None:
        """Those of them that are of this instance alone: nobody else could use them."""
        own = [(group, self._own_groups.pop(group)[0]) for group in groups & set(self._own_groups)]
        if own:
            try:
                await self._admin.delete_groups(own)
            except BusError as error:  # swept later by another instance
                log.info("groups are left behind", groups=len(own), why=str(error))

    async def run(self) -> None:
        """Renews the groups of this instance, and deletes those of instances that are gone."""
        while True:
            try:
                for group, (topic, orderly) in list(self._own_groups.items()):
                    await self._admin.renew_group(group, topic, orderly=orderly)
                if stale := await self._admin.stale_groups():
                    await self._admin.delete_groups(stale)
                    log.info("groups of instances that are gone were deleted", groups=len(stale))
            except BusError as error:
                log.info("no house-keeping at the broker", why=str(error))
            await asyncio.sleep(EACH_S)
