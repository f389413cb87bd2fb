"""Barge-in: a person speaks over the answer; how soon is the agent silent at the ear?

    bench/barge_in.py --times 20 --json barge_in.json

From the person's first speech sample to the last audible sample of the answer that was spoken
over. Also whether that answer was cancelled, its item truncated to what was heard, and the
person answered. A time at which the answer ended by itself is left out.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

from bench.figures import Figures, percentiles, summary
from bench.metronome import Metronome
from bench.options import parser, report, run
from bench.realtime_client import NoEventError, RealtimeClient, Response
from bench.recordings import Recording, load
from bench.server_under_test import ServerUnderTest, server
from bench.turn import ANSWER_LIMIT, give_script
from voice.audio import SPEAKING_RATE

QUESTION = "What are your opening hours, and what drinks do you have?"
"""Its answer has to be long enough to be spoken over: three seconds or more."""

ONSET = 0.05
"""Seconds of the recording before its first speech sample that are kept."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """One answer that was spoken over.

    silent_ms: from the first speech sample to the answer's last audible sample.
    truncation_error_ms: where the server cut the item less what was heard; None: not truncated.
    """

    recording: str
    silent_ms: float
    cancelled: bool
    truncation_error_ms: float | None
    answered: bool


async def interrupt(
    client: RealtimeClient, recording: Recording, *, scripted: bool, after: float
) -> Interruption | None:
    """Asks, listens for `after` seconds, then speaks over the answer; None if that had ended."""
    known = len(client.log.responses)
    asked = time.monotonic()
    client.ask(QUESTION)
    audible = await client.first_audible(asked, 10)
    answer: Response = list(client.log.responses.values())[known]
    await asyncio.sleep(max(0.0, audible + after - time.monotonic()))
    cut = max(0, recording.first - int(ONSET * SPEAKING_RATE))
    start = client.microphone.play(recording.samples[cut:])
    if scripted:
        give_script(client, recording, start - cut)
    onset = client.time_of(start - cut + recording.first)
    await client.until(lambda: answer.done_at is not None, ANSWER_LIMIT, "end of the answer")
    last = client.ear.last_audible(answer.id)
    if last is None or last < onset:
        await client.quiet(ANSWER_LIMIT)
        return None
    spoken = client.time_of(start - cut + recording.last)
    try:
        await client.first_audible(max(spoken, last + 0.1), spoken - time.monotonic() + 8)
        answered = True
    except NoEventError:
        answered = False
    heard = client.ear.heard_seconds(answer.id) * 1000
    await client.quiet(ANSWER_LIMIT)
    return Interruption(
        recording.name,
        (last - onset) * 1000,
        answer.status == "cancelled",
        None if answer.truncated_ms is None else answer.truncated_ms - heard,
        answered,
    )


async def measure(
    under_test: ServerUnderTest,
    recordings: Sequence[Recording],
    *,
    times: int,
    scripted: bool,
    parallel: int = 2,
    seed: int = 0,
) -> Figures:
    """Interrupts `times` answers, each in a session of its own."""
    random = Random(seed)
    plan = [(recordings[i % len(recordings)], random.uniform(0.5, 1.5)) for i in range(times)]
    done: list[Interruption | None] = []

    async def visit(number: int, metronome: Metronome) -> None:
        for recording, after in plan[number::parallel]:
            client = RealtimeClient(metronome)
            await client.connect(under_test.target(f"bench-barge-in-{number}"))
            await client.quiet(ANSWER_LIMIT)
            done.append(await interrupt(client, recording, scripted=scripted, after=after))
            await client.aclose()

    async with Metronome() as metronome, asyncio.TaskGroup() as group:
        for number in range(parallel):
            group.create_task(visit(number, metronome))
    return figures_of([each for each in done if each is not None], times)


def figures_of(done: Sequence[Interruption], times: int) -> Figures:
    """Latency to silence, and what was kept."""
    errors = [abs(i.truncation_error_ms) for i in done if i.truncation_error_ms is not None]
    return {
        "silent_ms": summary([i.silent_ms for i in done]),
        "interrupted": len(done),
        "tried": times,
        "cancelled": sum(i.cancelled for i in done),
        "truncated": len(errors),
        "truncation_error_ms": summary(errors),
        "answered": sum(i.answered for i in done),
        "each": [asdict(i) for i in done],
    }


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the measurement."""
    recordings = load(arguments.data, arguments.times, arguments.seed)
    async with server(arguments.url, arguments.recognizer) as under_test:
        figures = await measure(
            under_test,
            recordings,
            times=arguments.times,
            scripted=arguments.recognizer == "scripted",
            seed=arguments.seed,
        )
    count = figures["interrupted"]
    print(f"speech to silence, ms   {percentiles(figures['silent_ms'])} ({count} answers)")
    print(f"cancelled               {figures['cancelled']} of {count}")
    print(f"truncated               {figures['truncated']} of {count}", end="; ")
    print(f"off what was heard, ms: {percentiles(figures['truncation_error_ms'])}")
    print(f"the person answered     {figures['answered']} of {count}")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    run(main, options.parse_args())
