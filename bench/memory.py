"""Memory: what a session adds, and what is left when many have come and gone.

    bench/memory.py --visitors 200 --json memory.json

Resident memory of the server's process tree. First as many sessions as `--parallel` come, take
a turn and go: that fills caches and starts workers, and is the base. Then `--held` sessions that
have each taken a turn stay; then `--visitors` come, take a turn and go.
"""

import argparse
import asyncio
from collections.abc import Sequence

from bench.figures import Figures
from bench.metronome import Metronome
from bench.options import parser, report, run
from bench.realtime_client import RealtimeClient
from bench.recordings import Recording, load
from bench.server_under_test import ServerUnderTest, server
from bench.turn import Turn, speak
from bench.usage import MB, snapshot

SETTLE = 3.0
"""Seconds after sessions came or went at which memory is read."""


async def rss(under_test: ServerUnderTest) -> float:
    """Resident MB of the server and its children, after things have settled."""
    await asyncio.sleep(SETTLE)
    cost = (await snapshot(under_test)).cost
    return float("nan") if cost is None else cost.rss / MB


async def visitors(
    under_test: ServerUnderTest,
    recordings: Sequence[Recording],
    metronome: Metronome,
    *,
    count: int,
    parallel: int,
    scripted: bool,
) -> list[Turn]:
    """`count` sessions, `parallel` at a time; each takes one turn and leaves."""
    turns: list[Turn] = []

    async def visit(number: int) -> None:
        for each in range(number, count, parallel):
            client = RealtimeClient(metronome)
            await client.connect(under_test.target(f"bench-visitor-{each}"))
            turns.append(await speak(client, recordings[each % len(recordings)], scripted=scripted))
            await client.aclose()

    async with asyncio.TaskGroup() as group:
        for number in range(min(parallel, count)):
            group.create_task(visit(number))
    return turns


async def hold(
    under_test: ServerUnderTest,
    recordings: Sequence[Recording],
    metronome: Metronome,
    *,
    count: int,
    scripted: bool,
) -> float:
    """Resident MB while `count` sessions that have each taken a turn are still there."""
    clients = [RealtimeClient(metronome) for _ in range(count)]
    for number, client in enumerate(clients):
        await client.connect(under_test.target(f"bench-held-{number}"))
    await asyncio.gather(
        *(
            speak(client, recordings[n % len(recordings)], scripted=scripted)
            for n, client in enumerate(clients)
        )
    )
    held = await rss(under_test)
    await asyncio.gather(*(client.aclose() for client in clients))
    return held


async def measure(
    under_test: ServerUnderTest,
    recordings: Sequence[Recording],
    *,
    held: int = 16,
    count: int = 200,
    parallel: int = 16,
    scripted: bool = True,
) -> Figures:
    """Base, held, gone."""
    async with Metronome() as metronome:
        await visitors(
            under_test, recordings, metronome, count=parallel, parallel=parallel, scripted=scripted
        )
        base = await rss(under_test)
        full = await hold(under_test, recordings, metronome, count=held, scripted=scripted)
        before = await rss(under_test)
        turns = await visitors(
            under_test, recordings, metronome, count=count, parallel=parallel, scripted=scripted
        )
        after = await rss(under_test)
    return {
        "base_mb": round(base, 1),
        "held_mb": round(full, 1),
        "per_session_mb": round((full - base) / held, 2),
        "before_visitors_mb": round(before, 1),
        "after_visitors_mb": round(after, 1),
        "visitors": count,
        "growth_share": round(after / before - 1, 4),
        "unanswered": sum(bool(turn.problem) for turn in turns),
    }


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the measurement."""
    recordings = load(arguments.data, arguments.count)
    async with server(arguments.url, arguments.recognizer) as under_test:
        figures = await measure(
            under_test,
            recordings,
            held=arguments.held,
            count=arguments.visitors,
            parallel=arguments.parallel,
            scripted=arguments.recognizer == "scripted",
        )
    print(f"a session adds          {figures['per_session_mb']} MB")
    print(f"before the visitors     {figures['before_visitors_mb']} MB")
    share = f"{figures['growth_share']:+.1%}"
    print(f"after {figures['visitors']:4} visitors     {figures['after_visitors_mb']} MB ({share})")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--held", type=int, default=16)
    options.add_argument("--visitors", type=int, default=200)
    options.add_argument("--parallel", type=int, default=16)
    options.add_argument("--count", type=int, help="only so many different recordings")
    run(main, options.parse_args())
