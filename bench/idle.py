"""What sessions cost in which nobody speaks.

    bench/idle.py --sessions 10 --json idle.json
    bench/idle.py --transport webrtc

quiet: each sends a quiet room's frames in real time. silent: connected, sends nothing. The
server's own use with no session at all is measured first and taken off.
"""

import argparse
import asyncio

from bench.figures import Figures
from bench.metronome import Metronome
from bench.options import add_wire, chosen_server, parser, report, run
from bench.realtime_client import RealtimeClient
from bench.server_under_test import ServerUnderTest
from bench.transports import TRANSPORTS
from bench.turn import ANSWER_LIMIT
from bench.usage import between, snapshot


async def measure(
    under_test: ServerUnderTest,
    *,
    sessions: int = 10,
    seconds: float = 15.0,
    transport: str = "websocket",
) -> Figures:
    """Share of a core that an idle session takes, both ways."""
    empty = await _watch(under_test, 1, seconds)
    figures: Figures = {"sessions": sessions, "no_session_cores": empty.get("cores_used")}
    for name, sends_audio in (("quiet", True), ("silent", False)):
        async with Metronome() as metronome:
            clients = [
                RealtimeClient(metronome, sends_audio=sends_audio, open_wire=TRANSPORTS[transport])
                for _ in range(sessions)
            ]
            for number, client in enumerate(clients):
                await client.connect(under_test.target(f"bench-idle-{number}"))
            await asyncio.gather(*(client.quiet(ANSWER_LIMIT) for client in clients))
            found = await _watch(under_test, sessions, seconds)
            await asyncio.gather(*(client.aclose() for client in clients))
        if "cores_used" in found:
            share = (found["cores_used"] - empty["cores_used"]) / sessions
            figures[name] = {"core_share_per_session": round(share, 5), **found}
    return figures


async def _watch(under_test: ServerUnderTest, sessions: int, seconds: float) -> Figures:
    before = await snapshot(under_test)
    await asyncio.sleep(seconds)
    after = await snapshot(under_test)
    return between(before, after, sessions * (after.at - before.at))


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the shares."""
    async with chosen_server(arguments) as under_test:
        figures = await measure(
            under_test,
            sessions=arguments.sessions,
            seconds=arguments.seconds,
            transport=arguments.transport,
        )
    for name in ("quiet", "silent"):
        share = figures.get(name, {}).get("core_share_per_session")
        print(f"{name:8} {'unknown' if share is None else f'{share:.2%} of a core a session'}")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    add_wire(options)
    options.add_argument("--sessions", type=int, default=10)
    options.add_argument("--seconds", type=float, default=15.0)
    run(main, options.parse_args())
