"""Topics and groups at the broker, made as they are needed, and reading a topic from its start."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from messaging.rocketmq import names
from messaging.rocketmq.remoting import Remoting, RemotingError
from messaging.rocketmq.stored import Stored, decode_stored

PULL = 11
GET_OFFSET = 14
SET_OFFSET = 15
PUT_TOPIC = 17
MAX_OFFSET = 30
MIN_OFFSET = 31
PUT_GROUP = 200
ALL_GROUPS = 201
DELETE_GROUP = 207
DELETE_TOPIC = 215
GET_TOPIC = 351

NO_SUCH_TOPIC = 17
NO_SUCH_OFFSET = 22
NOTHING_THERE = (19, 20, 21)  # not found, "retry at once", offset moved

NORMAL = "NORMAL"
FIFO = "FIFO"
DELAY = "DELAY"
"""What a topic takes, and nothing else."""

STALE_S = 3600.0
"""An instance renews its own groups each ten minutes; an hour without means that it is gone."""


class Admin:
    """What is asked of the broker itself. Every method raises BusUnavailableError or BusError."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def make_topic(self, topic: str, kind: str, queues: int = 8) -> None:
        """Makes it unless it is there; one that is there stays as the operator made it."""
        async with Remoting(self._address) as broker:
            if not await _there(broker, topic):
                await broker.call(
                    PUT_TOPIC,
                    {
                        "topic": topic,
                        "defaultTopic": "TBW102",
                        "readQueueNums": str(queues),
                        "writeQueueNums": str(queues),
                        "perm": "6",
                        "topicFilterType": "SINGLE_TAG",
                        "topicSysFlag": "0",
                        "order": "false",
                        "attributes": f"+message.type={kind}",
                    },
                )

    async def make_group(
        self, group: str, topic: str, *, orderly: bool, own: bool
    ) -> Mapping[int, str]:
        """Makes it unless it is there. A new one, and one that is an instance's `own`, begins with
        what is published from now on: by itself it might begin with the oldest message.

        Returns the offset of each queue at which it begins; nothing for one that was there.
        """
        begin: dict[int, str] = {}
        async with Remoting(self._address) as broker:
            # Asking for the one group by its name would make it, of the wrong kind.
            if own or group not in await _groups(broker):
                config = _group_config(group, topic, orderly)
                await broker.call(PUT_GROUP, {}, json.dumps(config).encode())
                for queue in range(await _queues(broker, topic)):
                    of = {"topic": topic, "queueId": str(queue)}
                    end, _ = await broker.call(MAX_OFFSET, of)
                    begin[queue] = end["offset"]
                    await _set_offset(broker, group, topic, queue, begin[queue])
        return begin

    async def begin_again(self, group: str, topic: str, begin: Mapping[int, str]) -> None:
        """Where a broker that was killed has forgotten at which offset a young group began."""
        async with Remoting(self._address) as broker:
            for queue, offset in begin.items():
                of = {"topic": topic, "queueId": str(queue)}
                asked = {"consumerGroup": group, "setZeroIfNotFound": "false", **of}
                try:
                    await broker.call(GET_OFFSET, asked)
                except RemotingError as error:
                    if error.code != NO_SUCH_OFFSET:
                        raise
                    await _set_offset(broker, group, topic, queue, offset)

    async def renew_group(self, group: str, topic: str, *, orderly: bool) -> None:
        """Says that its instance still lives."""
        async with Remoting(self._address) as broker:
            config = _group_config(group, topic, orderly)
            await broker.call(PUT_GROUP, {}, json.dumps(config).encode())

    async def delete_groups(self, groups: Collection[tuple[str, str]]) -> None:
        """Each with its topic; those that are not there don't matter."""
        async with Remoting(self._address) as broker:
            for group, topic in groups:
                await broker.call(DELETE_GROUP, {"groupName": group, "cleanOffset": "true"})
                for retry in (f"%RETRY%{group}+{topic}", f"%RETRY%{group}_{topic}"):
                    await broker.call(DELETE_TOPIC, {"topic": retry})

    async def stale_groups(self, now: float | None = None) -> Sequence[tuple[str, str]]:
        """Groups, with their topics, of instances that are gone. now: Unix time."""
        now = time.time() if now is None else now
        async with Remoting(self._address) as broker:
            groups = await _groups(broker)
        found = []
        for group, config in groups.items():
            for mark in config.get("subscriptionDataSet") or ():
                if names.AT in group and mark.get("version", 0) / 1000 < now - STALE_S:
                    found.append((group, str(mark.get("topic", ""))))
        return found

    async def shown(self, topic: str, offset: int) -> None:
        """Returns when `read` shows what was sent to a topic of one queue: the broker has a
        message a moment before its readers do."""
        async with Remoting(self._address) as broker:
            for _ in range(100):
                end, _ = await broker.call(MAX_OFFSET, {"topic": topic, "queueId": "0"})
                if int(end["offset"]) > offset:
                    return
                await asyncio.sleep(0.01)

    async def read(self, topic: str, most: int) -> AsyncIterator[Stored]:
        """The newest `most` messages of a topic of one queue, oldest first."""
        of = {"topic": topic, "queueId": "0"}
        async with Remoting(self._address) as broker:
            if not await _there(broker, topic):
                return
            end = int((await broker.call(MAX_OFFSET, of))[0]["offset"])
            at = int((await broker.call(MIN_OFFSET, of))[0]["offset"])
            at = max(at, end - most)
            while at < end:
                fields, body = await _pull(broker, of, at)
                for stored in decode_stored(body):
                    yield stored
                following = int(fields.get("nextBeginOffset", end))
                if following <= at:
                    return
                at = following


async def _set_offset(broker: Remoting, group: str, topic: str, queue: int, offset: str) -> None:
    of = {"topic": topic, "queueId": str(queue)}
    await broker.call(SET_OFFSET, {"consumerGroup": group, "commitOffset": offset, **of})


async def _there(broker: Remoting, topic: str) -> bool:
    try:
        await broker.call(GET_TOPIC, {"topic": topic})
    except RemotingError as error:
        if error.code == NO_SUCH_TOPIC:
            return False
        raise
    return True


async def _groups(broker: Remoting) -> dict[str, dict[str, Any]]:
    _, body = await broker.call(ALL_GROUPS, {})
    groups: dict[str, dict[str, Any]] = json.loads(body).get("subscriptionGroupTable", {})
    return groups


async def _queues(broker: Remoting, topic: str) -> int:
    _, body = await broker.call(GET_TOPIC, {"topic": topic})
    return int(json.loads(body).get("readQueueNums", 8))


async def _pull(broker: Remoting, of: dict[str, str], offset: int) -> tuple[dict[str, str], bytes]:
    fields = {
        "consumerGroup": "overture-reader",
        "queueOffset": str(offset),
        "maxMsgNums": "32",
        "sysFlag": "4",  # brings its own subscription
        "commitOffset": "0",
        "suspendTimeoutMillis": "0",
        "subscription": "*",
        "expressionType": "TAG",
        "subVersion": "0",
        **of,
    }
    try:
        answer, body = await broker.call(PULL, fields)
    except RemotingError as error:
        if error.code in NOTHING_THERE:
            return {}, b""
        raise
    return dict(answer), body


def _group_config(group: str, topic: str, orderly: bool) -> dict[str, Any]:
    return {
        "groupName": group,
        "consumeEnable": True,
        "consumeFromMinEnable": True,
        "consumeBroadcastEnable": False,
        "consumeMessageOrderly": orderly,
        "retryQueueNums": 1,
        # Our own retries decide; this is only how often a message may kill its consumer.
        "retryMaxTimes": 1000,
        # The broker keeps this for tools to look at; here it says when the group was last wanted.
        "subscriptionDataSet": [
            {
                "topic": topic,
                "expressionType": "TAG",
                "expression": "*",
                "version": int(time.time() * 1000),
            }
        ],
    }
