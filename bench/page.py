"""The talk page in Chromium, over WebRTC and over a WebSocket.

    bench/page.py --json page.json        (about 6 minutes)
    bench/page.py --only click --times 12

click: from the click to the first audible sample of the greeting. barge_in: from the first speech
sample of the microphone to silence. cut: from the end of three seconds without a server or a
network to the first audible sample of the rest of the answer. Everything is measured inside the
page, on its audio thread (bench/page_tap.js). Playwright drives Debian's chromium, or $CHROMIUM.
"""

import argparse
from collections.abc import Awaitable, Callable, Mapping

from bench import page_barge_in, page_click, page_cut
from bench.figures import Figures, percentiles
from bench.options import parser, report, run
from bench.recordings import load
from bench.server_under_test import server

WIRES = ("webrtc", "websocket")


async def click(arguments: argparse.Namespace) -> Figures:
    """bench/page_click.py; recognition plays no part in it."""
    async with server(None, "scripted") as under_test:
        return await page_click.measure(under_test, times=arguments.times)


async def barge_in(arguments: argparse.Namespace) -> Figures:
    """bench/page_barge_in.py with the embedded recognizer: its words make an interruption."""
    recordings = load(arguments.data, arguments.times + 1)
    async with server(None, "embedded") as under_test:
        return {wire: await page_barge_in.measure(under_test, recordings, wire) for wire in WIRES}


async def cut(arguments: argparse.Namespace) -> Figures:
    """bench/page_cut.py, each cut on servers of its own."""
    return await page_cut.measure(times=max(1, arguments.times // 4))


SCENES: Mapping[str, Callable[[argparse.Namespace], Awaitable[Figures]]] = {
    "click": click,
    "barge_in": barge_in,
    "cut": cut,
}


def rows(results: Figures) -> list[str]:
    """What issue 4 asks for, a line a figure: its name, what it must be and what it is."""
    lines = []
    for name, scene, figure, percentile, must in (
        ("click to audible, WebRTC", "click", "webrtc.audible_ms", "p50", 300),
        ("click to audible, WebSocket", "click", "websocket.audible_ms", "p50", 200),
        ("barge-in to silence, WebRTC", "barge_in", "webrtc.silent_ms", "p95", 350),
        ("barge-in to silence, WebSocket", "barge_in", "websocket.silent_ms", "p95", 350),
        ("goes on, server killed, WebRTC", "cut", "webrtc_killed.goes_on_ms", "p50", 1000),
        ("goes on, server killed, WebSocket", "cut", "websocket_killed.goes_on_ms", "p50", 1000),
        ("goes on, network cut, WebSocket", "cut", "websocket_dropped.goes_on_ms", "p50", 1000),
    ):
        if scene not in results:
            continue
        part, measure = figure.split(".")
        found = results[scene][part][measure]
        value = found.get(percentile)
        verdict = "not measured" if value is None else "met" if value <= must else "NOT MET"
        lines.append(f"{name:36} {percentile} ≤ {must} ms  {percentiles(found):40} {verdict}")
    return lines


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes what was measured."""
    results: Figures = {}
    for name in arguments.only or SCENES:
        results[name] = await SCENES[name](arguments)
        print("\n".join(rows({name: results[name]})), flush=True)
    for wire, figures in results.get("barge_in", {}).items():
        told = f"{figures['went_on']} of {figures['interrupted']} went on over the person"
        print(f"{wire}: {figures['interrupted']} of {figures['tried']} were being spoken; {told}")
    for way, figures in results.get("cut", {}).items():
        repeated = [each["repeated"] for each in figures["each"]]
        missing = [each["missing"] for each in figures["each"]]
        print(f"{way}: sentences said twice {repeated}, missing {missing}")
    report(results, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--only", nargs="+", choices=tuple(SCENES), metavar="SCENE")
    options.add_argument("--times", type=int, default=12)
    run(main, options.parse_args())
