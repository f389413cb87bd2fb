"""A process of its own that begins to handle a message and never ends: to be killed.

python -m tests.messaging.dying_consumer URL TOPIC GROUP
"""

import asyncio
import os
import sys

from redis.asyncio import Redis

from messaging.bus import Bus, Message, Retries
from messaging.redis_streams import RedisStreamsBus


def _bus(url: str, instance: str) -> Bus:
    if url.startswith("rocketmq:"):
        from messaging.rocketmq.bus import RocketMQBus

        return RocketMQBus(url, instance)
    return RedisStreamsBus(Redis.from_url(url), instance)


async def main(url: str, topic: str, group: str) -> None:
    bus = _bus(url, "the one that dies")
    await bus.start()

    async def never_ends(message: Message) -> None:
        os.write(1, b"begun\n")
        await asyncio.Event().wait()

    await bus.subscribe(topic, group, never_ends, retries=Retries(handling_s=1.0))
    os.write(1, b"subscribed\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
