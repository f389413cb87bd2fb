"""`overture scheduler`: the scheduler alone, beside servers with OVERTURE_SCHEDULER=off."""

import asyncio
import signal
from contextlib import AsyncExitStack

from messaging.bus import BusError
from overture.agent_folder import Agent
from overture.errors import UserError
from overture.logs import set_up_logging
from overture.settings import Settings
from overture.speaking_first import instance_name, make_bus, make_scheduler, topics_of


def run_scheduler(settings: Settings, agent: Agent) -> int:
    """Runs until SIGTERM or Ctrl-C; the exit code. Raises UserError when it cannot start."""
    set_up_logging(level=settings.log_level, format=settings.log_format, words=settings.log_words)
    asyncio.run(_run(settings, agent))
    return 0


async def _run(settings: Settings, agent: Agent) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        where = await _start(settings, agent, stack)
        for notice in agent.notices:
            print(f"  notice       {notice}")
        print(f"Overture: the scheduler of {agent.settings.name} runs, on {where}", flush=True)
        await ended.wait()


async def _start(settings: Settings, agent: Agent, stack: AsyncExitStack) -> str:
    from sessions.connect import connect
    from sessions.private_redis import RedisUnavailableError

    try:
        redis = await connect(settings.redis_url, settings.data_dir)
    except RedisUnavailableError as error:
        raise UserError(str(error)) from None
    stack.push_async_callback(redis.aclose)
    if not redis.durable:
        raise UserError(
            "a scheduler by itself needs the Redis of the servers: name it with "
            "OVERTURE_REDIS_URL, or install redis-server to share one on this machine"
        )
    if settings.bus == "memory":
        raise UserError(
            "OVERTURE_BUS=memory stays within one process; use redis, or rocketmq://HOST:8081"
        )
    instance, topics = instance_name(settings), topics_of(settings)
    bus = make_bus(settings, redis, instance)
    try:
        await bus.start()
        stack.push_async_callback(bus.aclose)
        scheduler = make_scheduler(settings, agent, redis, bus, instance, topics)
        await scheduler.start()
        stack.push_async_callback(scheduler.aclose)
    except BusError as error:
        raise UserError(f"OVERTURE_BUS={settings.bus}: {error}") from None
    return f"{redis.description} and {bus.name}, as {instance}"
