"""Voice to voice: clients play recorded orders in real time and hear the answers.

    bench/talk.py --sessions 8 --recognizer scripted --json talk.json
    bench/talk.py --transport webrtc
    bench/talk.py --server other --url https://HOST --model NAME --transport webrtc

Measured at the client, from the recording's last speech sample (bench/speech_bounds.py) to the
first audible sample of the reply (bench/ear.py), so a client's frame, the network and the
server's pacing are in it. A turn cut short (bench/turn.py) has no latency; it is counted.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bench.figures import Figures, percentiles, summary
from bench.metronome import Metronome
from bench.options import add_wire, chosen_server, parser, report, run, scripted
from bench.realtime_client import RealtimeClient
from bench.recordings import Recording, load
from bench.server_under_test import ServerUnderTest
from bench.transports import TRANSPORTS
from bench.turn import Turn, speak
from bench.usage import MB, Snapshot, between, megabytes, snapshot

LEFT = 3.0
"""Seconds after the last client left at which the server's memory is read again."""

WARM_UP = 2
"""Turns of one client before anything is counted: caches and lazy imports are the first turn's."""


@dataclass(frozen=True, slots=True)
class Talk:
    """How to talk. duty: the share of time that each client's person speaks."""

    sessions: int
    turns: int = 5
    duty: float = 0.25
    scripted: bool = True
    frame_ms: int = 20
    seed: int = 0
    transport: str = "websocket"


async def converse(
    client: RealtimeClient, recordings: Sequence[Recording], talk: Talk, random: Random
) -> list[Turn]:
    """One client's turns, each begun at a moment of its own."""
    turns = []
    next_start = time.monotonic() + random.uniform(0, recordings[0].speech_seconds / talk.duty)
    for recording in recordings:
        await asyncio.sleep(max(0.0, next_start - time.monotonic()))
        began = time.monotonic()
        turns.append(await speak(client, recording, scripted=talk.scripted))
        cycle = recording.speech_seconds / talk.duty
        next_start = began + cycle * random.uniform(0.8, 1.2)
        if not client.is_open:
            break
    return turns


async def measure(
    under_test: ServerUnderTest, recordings: Sequence[Recording], talk: Talk
) -> Figures:
    """Runs the talk and counts; raises ConnectionFailedError, NoEventError, NoServerError."""
    async with Metronome(talk.frame_ms / 1000) as metronome:
        await _warm_up(under_test, recordings, talk, metronome)
        empty = await snapshot(under_test)
        clients = [_client(metronome, talk) for _ in range(talk.sessions)]
        for number, client in enumerate(clients):
            await client.connect(under_test.target(f"bench-{number}"))
        metronome.lateness.clear()
        before = await snapshot(under_test)
        random = Random(talk.seed)
        conversations = await asyncio.gather(
            *(
                converse(client, _share(recordings, n, talk.turns), talk, Random(random.random()))
                for n, client in enumerate(clients)
            )
        )
        after = await snapshot(under_test)
        await asyncio.gather(*(client.aclose() for client in clients))
        await asyncio.sleep(LEFT)
        left = await snapshot(under_test)
    turns = [turn for conversation in conversations for turn in conversation]
    errors = [error for client in clients for error in client.log.errors]
    return {
        **talk_figures(turns),
        "server": {
            **between(before, after, talk.sessions * (after.at - before.at)),
            **_memory(empty, after, left, talk.sessions),
        },
        "client_lateness_ms": summary([late * 1000 for late in metronome.lateness]),
        "errors": errors[:10],
        "each_turn": [turn.as_dict() for turn in turns],
    }


async def _warm_up(
    under_test: ServerUnderTest, recordings: Sequence[Recording], talk: Talk, metronome: Metronome
) -> None:
    client = _client(metronome, talk)
    await client.connect(under_test.target("bench-warm-up"))
    for recording in _share(recordings, talk.sessions, WARM_UP):
        await speak(client, recording, scripted=talk.scripted)
    await client.aclose()


def _client(metronome: Metronome, talk: Talk) -> RealtimeClient:
    return RealtimeClient(metronome, open_wire=TRANSPORTS[talk.transport])


def _share(recordings: Sequence[Recording], number: int, turns: int) -> list[Recording]:
    """Client `number`'s recordings; the next client's follow on them."""
    return [recordings[(number * turns + i) % len(recordings)] for i in range(turns)]


def talk_figures(turns: Sequence[Turn]) -> Figures:
    """Latency of the turns that were answered, and how many went wrong."""
    stages = {
        name: summary([at for turn in turns if (at := getattr(turn, name)) is not None])
        for name in ("end_of_turn_ms", "first_audio_ms", "voice_to_voice_ms")
    }
    cut = sum(turn.cut_short for turn in turns)
    return {
        **stages,
        "turns": len(turns),
        "cut_short": cut,
        "cut_short_share": round(cut / max(1, len(turns)), 4),
        "unanswered": sum(bool(turn.problem) for turn in turns),
        "gaps_ms": summary([gap for turn in turns for gap in turn.gaps_ms]),
    }


def _memory(empty: Snapshot, full: Snapshot, left: Snapshot, sessions: int) -> Figures:
    if empty.cost is None or full.cost is None or left.cost is None:
        return {}
    return {
        "rss_empty_mb": megabytes(empty),
        "rss_full_mb": megabytes(full),
        "rss_per_session_mb": round((full.cost.rss - empty.cost.rss) / MB / sessions, 2),
        "rss_left_mb": megabytes(left),
    }


def print_talk(figures: Figures) -> None:
    """The figures for people."""
    latency, cost = figures["voice_to_voice_ms"], figures["server"]
    print(f"voice to voice, ms      {percentiles(latency)} ({latency['count']} turns)")
    for name, label in (("end_of_turn_ms", "end of turn"), ("first_audio_ms", "first audio")):
        print(f"  until {label:12}    {percentiles(figures[name])}")
    print(f"cut short               {figures['cut_short']} of {figures['turns']}")
    print(f"unanswered              {figures['unanswered']}")
    for name, label in (
        ("cpu_per_session_second", "CPU s per session-s"),
        ("rss_per_session_mb", "MB per session"),
        ("rss_left_mb", "MB after all left"),
        ("rss_empty_mb", "MB before"),
        ("loop_lag_p99_ms", "loop lag p99, ms"),
    ):
        print(f"{label:23} {cost.get(name, 'unknown')}")
    late = figures["client_lateness_ms"]
    print(f"client's own lateness   p99 {late.get('p99', 0)} ms")
    for problem in {turn["problem"] for turn in figures["each_turn"] if turn["problem"]}:
        print(f"problem                 {problem}")


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the measurement."""
    talk = Talk(
        arguments.sessions,
        arguments.turns,
        arguments.duty,
        scripted(arguments),
        arguments.frame_ms,
        arguments.seed,
        arguments.transport,
    )
    recordings = load(arguments.data, (talk.sessions * talk.turns + WARM_UP), talk.seed)
    async with chosen_server(arguments) as under_test:
        figures = await measure(under_test, recordings, talk)
    print_talk(figures)
    asked: Figures = {"sessions": talk.sessions, "turns_each": talk.turns, "duty": talk.duty}
    asked |= {"recognizer": arguments.recognizer, "frame_ms": talk.frame_ms}
    asked |= {"transport": talk.transport, "server": arguments.server}
    report({"asked": asked, **figures}, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--sessions", type=int, default=1)
    add_wire(options)
    options.add_argument("--turns", type=int, default=5, help="of each session (default 5)")
    options.add_argument(
        "--duty", type=float, default=0.25, help="share of time that each person speaks"
    )
    options.add_argument("--frame-ms", type=int, choices=(20, 40), default=20)
    options.add_argument("--seed", type=int, default=0, help="another choice of recordings")
    run(main, options.parse_args())
