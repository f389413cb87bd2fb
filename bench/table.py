"""The table of issue 3: every figure measured, one after the other, against a server of its own.

    bench/table.py --json bench/results/talk.json        (about 24 minutes)
    bench/table.py --quick                               (about 5 minutes, coarser)
    bench/table.py --only barge_in noise

Recognition is scripted where the figure is about the rest, embedded where it is about the whole.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import barge_in, idle, memory, noise, startup, talk, turns
from bench import orders as bench_orders
from bench.figures import Figures, percentiles
from bench.options import PROBLEMS, each_of, parser, report, run, say
from bench.recordings import Recording, load
from bench.requirements import markdown
from bench.server_under_test import ServerUnderTest, server
from bench.talk import Talk
from overture.agent_folder import load_agent

SCENE_LIMIT = 420.0
"""Seconds; a scene that takes longer has gone wrong and is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    recordings: list[Recording]
    folder: Path
    quick: bool

    def less(self, full: int, quick: int) -> int:
        """`full`, or `quick` when hurried."""
        return quick if self.quick else full


Scene = Callable[[Plan], Awaitable[Figures]]


async def _with_server(
    recognizer: str, measure: Callable[[ServerUnderTest], Awaitable[Figures]]
) -> Figures:
    async with server(None, recognizer) as under_test:
        return await measure(under_test)


async def talk_scene(
    plan: Plan, recognizer: str, sessions: int, turns: int, duty: float
) -> Figures:
    """bench/talk.py without each turn's detail."""
    wish = Talk(sessions, turns, duty, scripted=recognizer == "scripted")
    figures = await _with_server(recognizer, lambda s: talk.measure(s, plan.recordings, wish))
    return {name: value for name, value in figures.items() if name != "each_turn"}


async def most_sessions(plan: Plan) -> Figures:
    """The most sessions that keep their p50 under the limit, tried from the aim downwards."""
    found: Figures = {}
    for recognizer, limit_ms, ladder in (
        ("scripted", 500, (64, 48, 32, 24)),
        ("embedded", 1000, (16, 12, 8, 6)),
    ):
        for sessions in ladder:
            figures = await talk_scene(plan, recognizer, sessions, plan.less(3, 2), 0.25)
            found[f"{recognizer}_{sessions}"] = figures
            say(f"  {recognizer} {sessions}: {percentiles(figures['voice_to_voice_ms'])}")
            if _keeps_up(figures, limit_ms):
                found[recognizer] = sessions
                break
        else:
            found[recognizer] = 0
    return found


def _keeps_up(figures: Mapping[str, Any], limit_ms: float) -> bool:
    """A median under the limit is worth nothing when turns go unanswered."""
    median: float = figures["voice_to_voice_ms"].get("p50", limit_ms)
    unanswered: int = figures["unanswered"]
    return median < limit_ms and unanswered <= 0.02 * figures["turns"]


async def cut_short(plan: Plan) -> Figures:
    """All recordings as they are, and with both kinds of pause."""
    scenes = turns.variants(plan.recordings[: plan.less(len(plan.recordings), 32)], seed=0)

    async def measure(under_test: ServerUnderTest) -> Figures:
        return {
            name: await turns.measure(under_test, recordings, parallel=12, scripted=True)
            for name, recordings in scenes.items()
        }

    return await _with_server("scripted", measure)


async def orders(plan: Plan) -> Figures:
    """bench/orders.py: it needs no server, and the recordings as they are."""
    asked = argparse.Namespace(data=plan.folder, noise=None, trimmed=False, seed=0)
    return await bench_orders.measure(load_agent(bench_orders.CAFE), asked)


SCENES: Mapping[str, Scene] = {
    "startup": lambda plan: startup.measure(times=plan.less(3, 1)),
    "talk_1_scripted": lambda plan: talk_scene(plan, "scripted", 1, plan.less(24, 8), 1.0),
    "talk_1_embedded": lambda plan: talk_scene(plan, "embedded", 1, plan.less(24, 8), 1.0),
    "talk_8_scripted": lambda plan: talk_scene(plan, "scripted", 8, plan.less(4, 2), 0.25),
    "most_sessions": most_sessions,
    "turns": cut_short,
    "barge_in": lambda plan: _with_server(
        "embedded",
        lambda s: barge_in.measure(s, plan.recordings, times=plan.less(24, 8), scripted=False),
    ),
    "noise": lambda plan: _with_server(
        "embedded", lambda s: noise.measure(s, noise.KINDS, seeds=plan.less(4, 2))
    ),
    "idle": lambda plan: _with_server(
        "scripted", lambda s: idle.measure(s, seconds=plan.less(15, 6))
    ),
    "memory": lambda plan: _with_server(
        "scripted", lambda s: memory.measure(s, plan.recordings, count=plan.less(200, 64))
    ),
    "orders": orders,
}


async def main(arguments: argparse.Namespace) -> None:
    """Prints the table; writes everything that was measured."""
    plan = Plan(load(arguments.data), arguments.data, arguments.quick)
    results: Figures = {}
    for name in arguments.only or SCENES:
        began = time.monotonic()
        try:
            results[name] = await asyncio.wait_for(SCENES[name](plan), SCENE_LIMIT)
        except* (*PROBLEMS, TimeoutError) as problems:
            failed = "; ".join(repr(problem) for problem in each_of(problems))
            say(f"{name} failed: {failed}")
            results[name] = {"failed": failed}
        say(f"{name} took {time.monotonic() - began:.0f} s")
    print(markdown(results))
    report(results, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", nargs="+", choices=tuple(SCENES), metavar="SCENE")
    run(main, options.parse_args())
