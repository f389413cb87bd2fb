"""Turns cut short: every recording in a session of its own, as recorded and with hesitations.

    bench/turns.py --parallel 8 --json turns.json

natural: the speakers' own pauses. room, digital: 600 ms of silence after a word that dangles,
filled with the recording's own quiet or with exact zeros.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from bench.figures import Figures, percentiles
from bench.hesitation import Silence, choose, hesitate
from bench.metronome import Metronome
from bench.options import parser, report, run
from bench.realtime_client import RealtimeClient
from bench.recordings import Recording, load
from bench.server_under_test import ServerUnderTest, server
from bench.talk import talk_figures
from bench.turn import Turn, speak
from voice.audio import SPEAKING_RATE

PAUSE = 0.6
"""Seconds: issue 3's figure."""


def hesitating(recording: Recording, silence: Silence, random: Random) -> Recording | None:
    """The recording with a pause after a word that dangles; None when it has no such word."""
    after = choose(recording.words, random)
    if after is None:
        return None
    samples, words = hesitate(recording.samples, recording.words, after, silence, PAUSE)
    last = recording.last + int(PAUSE * SPEAKING_RATE)
    word = recording.words[after].text
    return replace(
        recording, name=f"{recording.name}+{word}", samples=samples, words=words, last=last
    )


def variants(recordings: Sequence[Recording], seed: int) -> dict[str, list[Recording]]:
    """The recordings of each scene by its name; both silences fall after the same words."""
    scenes = {"natural": list(recordings)}
    for silence in Silence:
        random = Random(seed)
        longer = (hesitating(recording, silence, random) for recording in recordings)
        scenes[silence.value] = [recording for recording in longer if recording is not None]
    return scenes


async def measure(
    under_test: ServerUnderTest, recordings: Sequence[Recording], *, parallel: int, scripted: bool
) -> Figures:
    """Speaks each recording once, `parallel` at a time."""
    waiting = deque(recordings)
    turns: list[Turn] = []

    async def visit(number: int, metronome: Metronome) -> None:
        await asyncio.sleep(number * 0.37)  # visitors do not come all at once
        while waiting:
            recording = waiting.popleft()
            client = RealtimeClient(metronome)
            await client.connect(under_test.target(f"bench-turns-{number}"))
            turns.append(await speak(client, recording, scripted=scripted))
            await client.aclose()

    async with Metronome() as metronome, asyncio.TaskGroup() as group:
        for number in range(parallel):
            group.create_task(visit(number, metronome))
    problems = [t.as_dict() for t in turns if t.cut_short or t.problem]
    return {**talk_figures(turns), "not_well": problems}


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the shares."""
    scenes = variants(load(arguments.data, arguments.count), arguments.seed)
    scripted = arguments.recognizer == "scripted"
    figures: Figures = {}
    async with server(arguments.url, arguments.recognizer) as under_test:
        for name, recordings in scenes.items():
            figures[name] = found = await measure(
                under_test, recordings, parallel=arguments.parallel, scripted=scripted
            )
            share = f"{found['cut_short']} of {found['turns']} ({found['cut_short_share']:.1%})"
            print(f"{name:8} cut short {share}, unanswered {found['unanswered']}", end="; ")
            print(f"voice to voice, ms: {percentiles(found['voice_to_voice_ms'])}")
            for turn in found["not_well"]:
                print(f"         {turn['recording']}: {turn['heard']} {turn['problem']}")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--parallel", type=int, default=8, help="sessions at a time (default 8)")
    options.add_argument("--count", type=int, help="only so many recordings")
    options.add_argument("--seed", type=int, default=0, help="other places for the pauses")
    run(main, options.parse_args())
