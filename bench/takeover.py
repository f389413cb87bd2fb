"""The instance that speaks a prompt is killed with -9: how soon does the person hear it after all?

    bench/takeover.py --times 20 --json bench/results/takeover.json

Two instances on one Redis. The person is connected to one of them; an event is posted, and at a
random moment from then until the middle of the prompt their instance is killed. They connect to the
other at once. Counted from there (their new session is open) to the first audible sample of the
prompt, which says "in case you missed it" if any of it had sounded before.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import httpx

from bench.chaos import MISSED, Process, Stage
from bench.figures import Figures, percentiles, summary
from bench.metronome import Metronome
from bench.options import parser, report, run
from bench.realtime_client import NoEventError, RealtimeClient
from bench.server_under_test import ServerUnderTest
from bench.turn import ANSWER_LIMIT

KILL_WITHIN = 1.0
"""Seconds after the event in which the owner dies: before its claim, and while it speaks."""
HEARD_LIMIT = 15.0


@dataclass(frozen=True, slots=True)
class Takeover:
    """One death. spoke: the prompt was audible before. worded: it was said again as such."""

    killed_after_ms: float
    spoke: bool
    heard_ms: float | None
    worded: bool


async def takeover(
    stage: Stage, processes: list[Process], metronome: Metronome, number: int, random: Random
) -> Takeover:
    """Kills the owner and listens at the other instance."""
    owner, other = number % 2, 1 - number % 2
    user = f"takeover-{number}"
    client = RealtimeClient(metronome)
    await client.connect(ServerUnderTest(stage.bases[owner], None).target(user))
    await client.quiet(ANSWER_LIMIT)
    await asyncio.sleep(1.5)
    event = {"type": "bench.ready", "user": user, "data": {"number": str(1000 + number)}}
    async with httpx.AsyncClient(base_url=stage.bases[other], timeout=5) as http:
        began = time.monotonic()
        (await http.post("/v1/events", json=event)).raise_for_status()
    await asyncio.sleep(random.uniform(0, KILL_WITHIN))
    running = processes[owner].running
    assert running is not None
    running.kill()
    killed = time.monotonic()
    spoke = client.ear.first_audible(began) is not None
    await client.aclose()
    again = RealtimeClient(metronome)
    await again.connect(ServerUnderTest(stage.bases[other], None).target(user))
    connected = time.monotonic()
    heard: float | None = None
    worded = False
    try:
        heard = await again.first_audible(connected, HEARD_LIMIT)
        await again.quiet(ANSWER_LIMIT)
        worded = any(MISSED in r.text.lower() for r in again.log.responses.values() if r.outreach)
    except NoEventError:
        pass
    await again.aclose()
    await processes[owner].blow()
    return Takeover(
        (killed - began) * 1000,
        spoke,
        None if heard is None else (heard - connected) * 1000,
        worded,
    )


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the latencies; the exit status is 1 if a prompt was lost or not worded."""
    random = Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="overture-takeover-") as folder:
        stage = Stage(Path(folder), "redis")
        async with AsyncExitStack() as stack:
            redis = Process("redis", stage.redis)
            processes = [
                Process("instance 1", lambda: stage.instance(0)),
                Process("instance 2", lambda: stage.instance(1)),
                Process("scheduler", stage.scheduler),
            ]
            for process in (redis, *processes):
                await process.up()
                stack.callback(process.down)
            metronome = await stack.enter_async_context(Metronome())
            done = [
                await takeover(stage, processes, metronome, number, random)
                for number in range(arguments.times)
            ]
    heard = [each.heard_ms for each in done if each.heard_ms is not None]
    unworded = sum(each.spoke and each.heard_ms is not None and not each.worded for each in done)
    figures: Figures = {
        "times": len(done),
        "spoke_before": sum(each.spoke for each in done),
        "heard_ms": summary(heard),
        "lost": len(done) - len(heard),
        "again_without_the_words": unworded,
        "each": [asdict(each) for each in done],
    }
    print(f"connected to heard, ms      {percentiles(figures['heard_ms'])}")
    print(f"spoken before the kill      {figures['spoke_before']} of {len(done)}")
    print(f"lost                        {figures['lost']}")
    print(f"again without the words     {unworded}")
    report(figures, arguments.json, arguments.compare)
    if figures["lost"] or unworded:
        raise SystemExit(1)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    run(main, options.parse_args())
