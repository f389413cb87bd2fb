"""The table of issue 5: what speaking first must reach, and what was measured.

    bench/speak_first.py                 prints the table from bench/results/
    bench/speak_first.py --run           measures all of it first, one after the other (75 minutes)
    bench/speak_first.py --run --only outreach takeover

Each part is a command of its own, which writes its own file. Those that need a RocketMQ get one of
`script/rocketmq`, started for them on ports of its own.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bus_brokers import rocketmq_process
from bench.options import say
from bench.requirements import Requirement, markdown
from bench.server_under_test import ROOT

RESULTS = ROOT / "bench" / "results"

REQUIREMENTS = (
    Requirement(
        "`POST /v1/events` to first audible sample at an idle client, p50",
        "outreach.redis.sessions_1.event_to_ear_ms.p50",
        *(120, 40),
        "ms",
    ),
    Requirement(
        "the same, p99", "outreach.redis.sessions_1.event_to_ear_ms.p99", *(300, 100), "ms"
    ),
    Requirement(
        "the same, 16 live sessions, p50",
        "outreach.redis.sessions_16.event_to_ear_ms.p50",
        *(120, 40),
        "ms",
    ),
    Requirement(
        "the same, 16 live sessions, p99",
        "outreach.redis.sessions_16.event_to_ear_ms.p99",
        *(300, 100),
        "ms",
    ),
    Requirement(
        "the same through real RocketMQ, p50",
        "outreach.rocketmq.sessions_1.event_to_ear_ms.p50",
        *(150, 60),
        "ms",
    ),
    Requirement(
        "the same through real RocketMQ, p99",
        "outreach.rocketmq.sessions_1.event_to_ear_ms.p99",
        *(500, 150),
        "ms",
    ),
    Requirement("publish to handler through real RocketMQ, p50", "bus.rocketmq.p50_ms", 8, 3, "ms"),
    Requirement(
        "publish to handler through real RocketMQ, p99", "bus.rocketmq.p99_ms", 40, 10, "ms"
    ),
    Requirement(
        "messages flow again after RocketMQ was killed and its port is open again",
        "bus.rocketmq_killed.flows_after_s_highest",
        *(3, 1),
        "s",
    ),
    Requirement("messages lost by that", "bus.rocketmq_killed.lost", 0, 0, ""),
    Requirement(
        "owner killed with -9: heard after reconnecting to the other instance, max",
        "takeover.heard_ms.max",
        *(5000, 1000),
        "ms",
    ),
    Requirement("10,000 prompts under fire: lost", "chaos.lost", 0, 0, ""),
    Requirement(
        "10,000 prompts under fire: heard twice without “in case you missed it”",
        "chaos.heard_twice_without_the_words",
        *(0, 0),
        "",
    ),
    Requirement(
        "prompts begun over a speaking person, 100,000 simulated conversations",
        "floor_simulated.begun_over_a_speaking_person",
        *(0, 0),
        "",
    ),
    Requirement(
        "prompts begun over a speaking person, 200 acoustic conversations",
        "floor.talk.begun_over_a_speaking_person",
        *(0, 0),
        "",
    ),
    Requirement(
        "a sweep of 1,000 rules over 1,000 sessions, 2 % matching, max of its repeats",
        "sweep.sweep_s.max",
        *(1, 0.3),
        "s",
    ),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One command. arguments: `{broker}` is where the RocketMQ is that it needs."""

    name: str
    module: str
    arguments: Sequence[str] = ()

    @property
    def needs_broker(self) -> bool:
        """Whether a RocketMQ is to run beside it."""
        return any("{broker}" in argument for argument in self.arguments)


PARTS = (
    Part("sweep", "bench.sweep"),
    Part("bus", "bench.bus", ("--kill",)),
    Part(
        "outreach",
        "bench.outreach",
        ("--bus", "redis", "memory", "rocketmq", "--broker", "{broker}"),
    ),
    Part("takeover", "bench.takeover"),
    Part("floor", "bench.floor"),
    Part("floor_simulated", "bench.floor_simulated"),
    Part("chaos", "bench.chaos"),
)


async def measure(part: Part) -> bool:
    """Runs its command; whether it ended well."""
    began = time.monotonic()

    async def run(broker: str = "") -> int:
        given = [argument.format(broker=broker) for argument in part.arguments]
        out = ["--json", str(RESULTS / f"{part.name}.json")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", part.module, *given, *out, cwd=ROOT
        )
        return await process.wait()

    if part.needs_broker:
        async with rocketmq_process() as process:
            code = await run(process.url)
    else:
        code = await run()
    say(f"{part.name} took {time.monotonic() - began:.0f} s" + (" and failed" if code else ""))
    return code == 0


def results() -> Mapping[str, Any]:
    """What is in bench/results/ of these parts."""
    found = {}
    for part in PARTS:
        file = RESULTS / f"{part.name}.json"
        if file.is_file():
            found[part.name] = json.loads(file.read_text())
    return found


async def main() -> None:
    """The exit status is 1 if a command failed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--run", action="store_true", help="measure first")
    options.add_argument("--only", nargs="+", choices=[part.name for part in PARTS])
    arguments = options.parse_args()
    ended_well = True
    if arguments.run:
        for part in PARTS:
            if part.name in (arguments.only or [part.name]):
                ended_well &= await measure(part)
    print(markdown(results(), REQUIREMENTS))
    if not ended_well:
        raise SystemExit(1)


if __name__ == "__main__":
    asyncio.run(main())
