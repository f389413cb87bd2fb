"""Noises during an answer: coughs, a door, cups, the agent's own voice from the loudspeaker.

    bench/noise.py --seeds 5 --recognizer embedded --json noise.json

An answer is lost when it was not heard to its end. A client flushes its audio when it is told
that the user speaks, so a mistaken `speech_started` loses an answer too.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bench.barge_in import QUESTION
from bench.figures import Figures, summary
from bench.metronome import Metronome
from bench.options import parser, report, run
from bench.realtime_client import NoEventError, RealtimeClient
from bench.server_under_test import ServerUnderTest, server
from bench.sounds import SOUNDS
from bench.turn import ANSWER_LIMIT
from voice.audio import Pcm

ECHO_DELAY = 0.06
"""Seconds from the loudspeaker to the microphone: output latency, the room, input latency."""

ECHO_LEVEL = 10 ** (-20 / 20)
"""The issue's figure: -20 dB, what echo cancellers leave when they have not converged."""

FIRST_NOISE = 0.6
"""Seconds into the answer; then again every NOISE_PERIOD until it ends."""
NOISE_PERIOD = 1.7

AFTER = 1.2
"""Seconds after the answer in which a noise could still be taken for a turn."""


@dataclass(frozen=True, slots=True)
class Disturbed:
    """One answer under noise. lost: not heard to its end; replies: responses to the noise."""

    kind: str
    seed: int
    lost: bool
    replies: int
    longest_gap_ms: float
    status: str


def echo(client: RealtimeClient) -> Callable[[int, int], Pcm]:
    """What leaks from the client's loudspeaker into its microphone."""

    def leak(start: int, count: int) -> Pcm:
        played = client.ear.played(client.time_of(start) - ECHO_DELAY, count)
        return (played * ECHO_LEVEL).astype(np.int16)

    return leak


async def disturb(client: RealtimeClient, kind: str, seed: int) -> Disturbed:
    """Asks a question and makes noise while it is answered; seed < 0: only the echo."""
    if kind == "echo":
        client.microphone.leak = echo(client)
    known, asked = len(client.log.responses), time.monotonic()
    client.ask(QUESTION)
    due = await client.first_audible(asked, 10) + FIRST_NOISE
    answer = list(client.log.responses.values())[known]
    while answer.done_at is None or client.ear.end > time.monotonic():
        if kind in SOUNDS and time.monotonic() >= due:
            client.microphone.play(SOUNDS[kind](seed))
            seed, due = seed + 1000, due + NOISE_PERIOD
        await asyncio.sleep(0.02)
        if time.monotonic() > asked + ANSWER_LIMIT:
            raise NoEventError(f"the answer did not end within {ANSWER_LIMIT:.0f} s of {kind}")
    await asyncio.sleep(AFTER)
    heard, sent = client.ear.heard_seconds(answer.id), client.ear.arrived_seconds(answer.id)
    gaps = [gap.seconds * 1000 for gap in client.ear.gaps if gap.response == answer.id]
    return Disturbed(
        kind,
        seed % 1000,
        answer.status != "completed" or heard < sent,
        len(client.log.responses) - known - 1,
        round(max(gaps, default=0.0), 1),
        answer.status,
    )


async def measure(
    under_test: ServerUnderTest, kinds: Sequence[str], *, seeds: int, parallel: int = 4
) -> Figures:
    """Each kind with each seed in a session of its own."""
    plan = [(kind, seed) for seed in range(seeds) for kind in kinds]
    done: list[Disturbed] = []

    async def visit(number: int, metronome: Metronome) -> None:
        for kind, seed in plan[number::parallel]:
            client = RealtimeClient(metronome)
            await client.connect(under_test.target(f"bench-noise-{number}"))
            await client.quiet(ANSWER_LIMIT)
            done.append(await disturb(client, kind, seed))
            await client.aclose()

    async with Metronome() as metronome, asyncio.TaskGroup() as group:
        for number in range(parallel):
            group.create_task(visit(number, metronome))
    return {kind: _of_kind([d for d in done if d.kind == kind]) for kind in kinds} | {
        "lost": sum(d.lost for d in done),
        "answers": len(done),
        "each": [asdict(d) for d in done],
    }


def _of_kind(done: Sequence[Disturbed]) -> Figures:
    return {
        "answers": len(done),
        "lost": sum(d.lost for d in done),
        "replies_to_noise": sum(d.replies for d in done),
        "longest_gap_ms": summary([d.longest_gap_ms for d in done]),
    }


KINDS = (*SOUNDS, "echo")


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes what was lost."""
    async with server(arguments.url, arguments.recognizer) as under_test:
        figures = await measure(under_test, KINDS, seeds=arguments.seeds)
    for kind in KINDS:
        found = figures[kind]
        gap = found["longest_gap_ms"].get("max", 0)
        print(
            f"{kind:8} {found['lost']} of {found['answers']} answers lost, "
            f"{found['replies_to_noise']} replies to noise, longest gap {gap:.0f} ms"
        )
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=4, help="noises of each kind (default 4)")
    run(main, options.parse_args())
