"""The table of issue 4: calls and WebSockets, measured one after the other, a server for each.

    bench/wires.py --json bench/results/wires.json       (about 15 minutes)
    bench/wires.py --quick                               (about 6 minutes, coarser)
    bench/wires.py --only talk idle

Recognition is scripted where the figure is about the wire. The page's figures are taken in
Chromium (bench/page.py).
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bench import idle, talk, webrtc_cpu
from bench.figures import Figures, percentiles
from bench.options import PROBLEMS, each_of, parser, report, run, say
from bench.recordings import Recording, load
from bench.requirements import Better, Requirement, markdown
from bench.server_under_test import server
from bench.talk import Talk

SCENE_LIMIT = 600.0
"""Seconds; a scene that takes longer has gone wrong and is given up."""

REQUIREMENTS = (
    Requirement(
        "voice to voice p50, 1 session over WebRTC, recognition free",
        "talk.voice_to_voice_ms.p50",
        *(340, 250),
        "ms",
    ),
    Requirement(
        "sessions in one process at p50 < 500 ms over WebRTC, recognition free",
        "most_sessions.most",
        *(12, 24),
        "",
        Better.HIGHER,
    ),
    Requirement("idle WebRTC session, core", "idle.quiet.core_share_per_session", 0.04, 0.02, "%"),
    Requirement(
        "click to first audible sample in Chromium, WebRTC",
        "click.webrtc.audible_ms.p50",
        *(300, 140),
        "ms",
    ),
    Requirement(
        "click to first audible sample in Chromium, WebSocket",
        "click.websocket.audible_ms.p50",
        *(200, 80),
        "ms",
    ),
    Requirement(
        "barge-in to silence in Chromium, p95, WebRTC",
        "barge_in.webrtc.silent_ms.p95",
        *(350, 220),
        "ms",
    ),
    Requirement(
        "barge-in to silence in Chromium, p95, WebSocket",
        "barge_in.websocket.silent_ms.p95",
        *(350, 220),
        "ms",
    ),
    Requirement(
        "server killed for 3 s: the talk goes on after it is back, WebRTC",
        "cut.webrtc_killed.goes_on_ms.p50",
        *(1000, 400),
        "ms",
    ),
    Requirement(
        "server killed for 3 s: the talk goes on after it is back, WebSocket",
        "cut.websocket_killed.goes_on_ms.p50",
        *(1000, 400),
        "ms",
    ),
    Requirement(
        "network cut for 3 s: the talk goes on after it is back, WebSocket",
        "cut.websocket_dropped.goes_on_ms.p50",
        *(1000, 400),
        "ms",
    ),
    Requirement("CPU per spoken minute against aiortc as it comes", "cpu.ratio", 0.75, 0.6, ""),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    arguments: argparse.Namespace
    recordings: list[Recording]

    def less(self, full: int, quick: int) -> int:
        """`full`, or `quick` when hurried."""
        return quick if self.arguments.quick else full


async def talk_scene(plan: Plan, sessions: int, turns: int, duty: float) -> Figures:
    """bench/talk.py over WebRTC, without each turn's detail."""
    wish = Talk(sessions, turns, duty, transport="webrtc")
    async with server(None, "scripted") as under_test:
        figures = await talk.measure(under_test, plan.recordings, wish)
    return {name: value for name, value in figures.items() if name != "each_turn"}


async def most_sessions(plan: Plan) -> Figures:
    """The most sessions that keep their p50 under 500 ms, tried from beyond the aim downwards."""
    found: Figures = {"most": 0}
    for sessions in (32, 24, 16, 12):
        figures = await talk_scene(plan, sessions, plan.less(3, 2), 0.25)
        found[f"of_{sessions}"] = figures
        say(f"  {sessions}: {percentiles(figures['voice_to_voice_ms'])}")
        median: float = figures["voice_to_voice_ms"].get("p50", 500)
        if median < 500 and figures["unanswered"] <= 0.02 * figures["turns"]:
            found["most"] = sessions
            break
    return found


async def idle_scene(plan: Plan) -> Figures:
    """bench/idle.py over WebRTC."""
    async with server(None, "scripted") as under_test:
        return await idle.measure(under_test, seconds=plan.less(15, 6), transport="webrtc")


async def cpu(plan: Plan) -> Figures:
    """bench/webrtc_cpu.py."""
    wish = Talk(4, plan.less(4, 2), duty=1.0, transport="webrtc")
    return await webrtc_cpu.measure(plan.recordings, wish, repeats=plan.less(3, 1))


def of_the_page(name: str) -> Callable[[Plan], Awaitable[Figures]]:
    """A scene of bench/page.py."""

    async def scene(plan: Plan) -> Figures:
        from bench import page  # only then is Playwright needed

        asked = argparse.Namespace(data=plan.arguments.data, times=plan.less(12, 4))
        return await page.SCENES[name](asked)

    return scene


SCENES: Mapping[str, Callable[[Plan], Awaitable[Figures]]] = {
    "talk": lambda plan: talk_scene(plan, 1, plan.less(24, 8), 1.0),
    "most_sessions": most_sessions,
    "idle": idle_scene,
    "cpu": cpu,
    "click": of_the_page("click"),
    "barge_in": of_the_page("barge_in"),
    "cut": of_the_page("cut"),
}


async def main(arguments: argparse.Namespace) -> None:
    """Prints the table; writes everything that was measured."""
    plan = Plan(arguments, load(arguments.data))
    results: Figures = {}
    for name in arguments.only or SCENES:
        began = time.monotonic()
        try:
            async with asyncio.timeout(SCENE_LIMIT):
                results[name] = await SCENES[name](plan)
        except* (*PROBLEMS, TimeoutError) as problems:
            failed = "; ".join(repr(problem) for problem in each_of(problems))
            say(f"{name} failed: {failed}")
            results[name] = {"failed": failed}
        say(f"{name} took {time.monotonic() - began:.0f} s")
    print(markdown(results, REQUIREMENTS))
    report(results, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", nargs="+", choices=tuple(SCENES), metavar="SCENE")
    run(main, options.parse_args())
