"""How fast the bus is, and how soon it flows again after its broker was killed.

    python -m bench.bus                              (all adapters; about 2 minutes)
    python -m bench.bus --adapter rocketmq --kill    (RocketMQ killed with -9 meanwhile, 5 times)

Latency: from the call of publish to the first line of the handler, one message each 10 ms, two
buses in this process. Throughput: as fast as 64 publishers can, until the last is handled. Kill: a
publisher goes on each 10 ms while the broker dies and is started again; the clock begins when its
port accepts a connection; lost is what publish had returned for and no handler ever got.
"""

import argparse
import asyncio
import shutil
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.bus_brokers import ADAPTERS, BusOf, RocketMQProcess, rocketmq_process
from bench.figures import Figures
from bench.options import report, run, say
from messaging.bus import Bus, BusUnavailableError, Message

EACH_S = 0.01
WARM_UP = 300
PUBLISHERS = 64
LAST_S = 60.0
"""How long a message may take before it counts as lost."""
RESULTS = Path(__file__).parent / "results" / "bus.json"


class Clock:
    """A handler that knows when each message was published."""

    def __init__(self) -> None:
        self.took_ms: list[float] = []
        self.handled: dict[str, float] = {}
        self._last = 0.0

    async def __call__(self, message: Message) -> None:
        self._last = now = time.perf_counter()
        self.took_ms.append((now - float(message.body)) * 1000)
        self.handled.setdefault(message.id, now)

    async def got(self, n: int) -> None:
        """Returns when it has handled so many different ones."""
        await self._until(lambda: len(self.handled) >= n)

    async def after(self, moment: float) -> float:
        """When the first was handled that was handled after a moment."""
        await self._until(lambda: self._last > moment)
        return min(at for at in self.handled.values() if at > moment)

    async def got_all(self, ids: Sequence[str]) -> None:
        """Returns when it has handled all of them."""
        await self._until(lambda: not set(ids) - self.handled.keys())

    @staticmethod
    async def _until(condition: Callable[[], bool]) -> None:
        """Looked at rather than signalled: signalling would be part of what is measured."""
        async with asyncio.timeout(LAST_S):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


async def latency(bus_of: BusOf, messages: int) -> Figures:
    """Milliseconds from publish to handler."""
    clock = Clock()
    publisher, consumer, topic = await _pair(bus_of, clock)
    try:
        await _publish(publisher, topic, WARM_UP)
        await clock.got(WARM_UP)
        clock.took_ms.clear()
        await _publish(publisher, topic, messages)
        await clock.got(WARM_UP + messages)
        return _percentiles(clock.took_ms)
    finally:
        await asyncio.gather(publisher.aclose(), consumer.aclose())


async def throughput(bus_of: BusOf, messages: int) -> float:
    """Messages a second, published and handled."""
    clock = Clock()
    publisher, consumer, topic = await _pair(bus_of, clock)
    try:
        left = iter(range(messages))
        begun = time.perf_counter()

        async def publish() -> None:
            for _ in left:
                await publisher.publish(topic, str(time.perf_counter()).encode())

        async with asyncio.TaskGroup() as tasks:
            for _ in range(PUBLISHERS):
                tasks.create_task(publish())
        await clock.got(messages)
        return round(messages / (max(clock.handled.values()) - begun))
    finally:
        await asyncio.gather(publisher.aclose(), consumer.aclose())


async def killed(process: RocketMQProcess) -> Figures:
    """Seconds from its port being open again to the first handled message, and what is lost."""
    clock = Clock()
    publisher, consumer, topic = await _pair(process.bus, clock)
    accepted: list[str] = []
    going = asyncio.create_task(_go_on_publishing(publisher, topic, accepted))
    try:
        await clock.got(100)
        await process.kill()
        starting = asyncio.create_task(process.start())
        opened = await _port_open(process.port)
        first = await clock.after(opened)
        await starting
        await clock.got(len(clock.handled) + 100)
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going
        with suppress(TimeoutError):
            await clock.got_all(accepted)
        return {
            "flows_after_s": round(first - opened, 3),
            "accepted": len(accepted),
            "lost": len(set(accepted) - clock.handled.keys()),
        }
    finally:
        going.cancel()
        await asyncio.gather(publisher.aclose(), consumer.aclose())


async def _pair(bus_of: BusOf, handler: Clock) -> tuple[Bus, Bus, str]:
    publisher, consumer = bus_of("publisher"), bus_of("consumer")
    topic = f"bench-{uuid.uuid4().hex[:12]}"
    await publisher.start()
    await consumer.start()
    await consumer.subscribe(topic, "bench", handler)
    return publisher, consumer, topic


async def _publish(bus: Bus, topic: str, messages: int) -> None:
    """One each 10 ms, whatever the one before takes."""
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for n in range(messages):
            await asyncio.sleep(max(0.0, begun + n * EACH_S - time.perf_counter()))
            tasks.create_task(bus.publish(topic, str(time.perf_counter()).encode()))


async def _go_on_publishing(bus: Bus, topic: str, accepted: list[str]) -> None:
    while True:
        # A refusal leaves it open whether the broker has the message; it is not counted.
        with suppress(BusUnavailableError):
            accepted.append(await bus.publish(topic, str(time.perf_counter()).encode()))
        await asyncio.sleep(EACH_S)


async def _port_open(port: int) -> float:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.002)
            continue
        writer.close()
        return time.perf_counter()


def _percentiles(took_ms: Sequence[float]) -> Figures:
    cuts = statistics.quantiles(took_ms, n=100, method="inclusive")
    return {
        "count": len(took_ms),
        "p50_ms": round(cuts[49], 3),
        "p99_ms": round(cuts[98], 3),
        "max_ms": round(max(took_ms), 3),
    }


def _spread(name: str, values: Sequence[float]) -> Figures:
    return {
        name: statistics.median(values),
        f"{name}_lowest": min(values),
        f"{name}_highest": max(values),
    }


async def measure(name: str, arguments: argparse.Namespace) -> Figures:
    """One adapter: every repeat, and the medians with what they spread over."""
    async with ADAPTERS[name]() as bus_of:
        runs, rates = [], []
        for n in range(arguments.repeats):
            runs.append(await latency(bus_of, arguments.messages))
            rates.append(await throughput(bus_of, arguments.messages))
            say(f"{name} {n + 1}: {runs[-1]}, {rates[-1]:,.0f}/s")
    return {
        **_spread("p50_ms", [each["p50_ms"] for each in runs]),
        **_spread("p99_ms", [each["p99_ms"] for each in runs]),
        **_spread("per_second", rates),
        "runs": runs,
    }


async def measure_kills(times: int) -> Figures:
    """RocketMQ, killed again and again."""
    async with rocketmq_process() as process:
        runs = []
        for n in range(times):
            runs.append(await killed(process))
            say(f"kill {n + 1}: {runs[-1]}")
    flows = [each["flows_after_s"] for each in runs]
    return {**_spread("flows_after_s", flows), "lost": sum(r["lost"] for r in runs), "runs": runs}


async def main(arguments: argparse.Namespace) -> None:
    """Measures what was asked for, prints it, writes it."""
    names = list(ADAPTERS) if arguments.adapter == "all" else [arguments.adapter]
    figures: Figures = {}
    print(f"{'publish to handler':20}{'p50 ms':>18}{'p99 ms':>18}{'messages/s':>16}")
    for name in names:
        figures[name] = found = await measure(name, arguments)
        cells = [
            f"{found[of]:g} ({found[f'{of}_lowest']:g}-{found[f'{of}_highest']:g})"
            for of in ("p50_ms", "p99_ms")
        ]
        print(f"{name:20}{cells[0]:>18}{cells[1]:>18}{found['per_second']:>16,.0f}", flush=True)
    if arguments.kill:
        figures["rocketmq_killed"] = found = await measure_kills(arguments.kills)
        print(
            f"RocketMQ killed, {arguments.kills} times: flows {found['flows_after_s']:g} s after "
            f"its port is open (at most {found['flows_after_s_highest']:g}); lost: {found['lost']}"
        )
    report(figures, arguments.json, None)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--adapter", choices=(*ADAPTERS, "all"), default="all")
    options.add_argument("--kill", action="store_true", help="also kill RocketMQ")
    options.add_argument("--kills", type=int, default=8, help="how often (default 8)")
    options.add_argument("--messages", type=int, default=2000)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--json", type=Path, default=RESULTS, help=f"default {RESULTS.name}")
    return options


if __name__ == "__main__":
    if shutil.which("java") is None:
        say("without Java RocketMQ cannot run; --adapter memory or redis can be measured")
    run(main, _options().parse_args())
