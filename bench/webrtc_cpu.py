"""CPU of calls, ours against aiortc as it comes: the same talk with each in turn.

    bench/webrtc_cpu.py --repeats 3 --json webrtc_cpu.json

What is counted is the whole server (signalling, voice activity, answers, synthesis, media) for
each minute in which clients play orders and hear the replies, one order after the other.
"""

import argparse
import sys
from collections.abc import Sequence
from statistics import median

from bench import talk
from bench.figures import Figures
from bench.options import parser, report, run
from bench.recordings import Recording, load
from bench.server_under_test import OVERTURE, server
from bench.talk import Talk

STOCK = (sys.executable, "-m", "bench.stock_peer")


async def measure(recordings: Sequence[Recording], wish: Talk, repeats: int) -> Figures:
    """CPU seconds of the server for a minute of one session's talk, and their ratio.

    Each repeat runs both, so that what else the machine does falls on both alike.
    """
    minutes: dict[str, list[float]] = {"ours": [], "stock": []}
    latency: dict[str, list[float]] = {"ours": [], "stock": []}
    unanswered = 0
    for repeat in range(repeats):
        order = ("ours", "stock") if repeat % 2 == 0 else ("stock", "ours")
        for name in order:
            program = OVERTURE if name == "ours" else STOCK
            async with server(None, "scripted", program) as under_test:
                figures = await talk.measure(under_test, recordings, wish)
            minutes[name].append(60 * figures["server"]["cpu_per_session_second"])
            latency[name].append(figures["voice_to_voice_ms"].get("p50", float("nan")))
            unanswered += figures["unanswered"]
    ratios = [ours / stock for ours, stock in zip(minutes["ours"], minutes["stock"], strict=True)]
    return {
        "sessions": wish.sessions,
        "repeats": repeats,
        "cpu_seconds_per_minute": {
            name: [round(value, 3) for value in values] for name, values in minutes.items()
        },
        "voice_to_voice_p50_ms": latency,
        "unanswered": unanswered,
        "ratio": round(median(ratios), 3),
        "ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the ratio."""
    wish = Talk(arguments.sessions, arguments.turns, duty=1.0, transport="webrtc")
    recordings = load(arguments.data, wish.sessions * wish.turns + talk.WARM_UP)
    figures = await measure(recordings, wish, arguments.repeats)
    for name, values in figures["cpu_seconds_per_minute"].items():
        print(f"{name:6} CPU seconds a minute: {', '.join(f'{value:.2f}' for value in values)}")
    low, high = figures["ratio_spread"]
    print(f"ratio  {figures['ratio']:.2f} ({low:.2f} to {high:.2f})")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--sessions", type=int, default=4)
    options.add_argument("--turns", type=int, default=4, help="of each session (default 4)")
    options.add_argument("--repeats", type=int, default=3)
    run(main, options.parse_args())
