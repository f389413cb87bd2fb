"""Four ways in which voices overlap: what does the agent do while it speaks?

The scenes are those that Full-Duplex-Bench v1.5 names (arXiv 2507.23159): the user interrupts, the
user backchannels, the user talks to somebody else, somebody speaks in the background. Its figures:
stop latency (from the overlapping voice's first sample to the agent's last audible one), response
latency (from its last sample to the agent's next audible one), and whether the agent yielded or
went on. One should yield to the first and go on through the others.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from bench.barge_in import QUESTION
from bench.figures import Figures, summary
from bench.metronome import Metronome
from bench.realtime_client import NoEventError, RealtimeClient, Response
from bench.recordings import Recording
from bench.server_under_test import ServerUnderTest
from bench.turn import ANSWER_LIMIT
from bench.voice_stretches import stretches
from voice.audio import Pcm
from voice.synthesis import Synthesizer, Voice

BACKCHANNELS = ("mm-hm.", "right.", "okay.", "uh-huh.", "yeah.")
ASIDES = (
    "Sarah, can you pass me my bag please?",
    "Not now Tom, I am on the phone.",
    "Put it over there on the table.",
    "Just a second, I am coming.",
)
BACKGROUND_LEVEL = 10 ** (-20 / 20)
"""A voice across the room beside one at the microphone: -20 dB."""
INTO_ANSWER = (0.8, 1.6)
"""Seconds into the answer at which the other voice begins."""
NEXT = 6.0
"""Seconds after the overlapping voice in which the agent's next words count as its response."""
SCENES = ("interrupts", "backchannels", "talks to somebody else", "speech in the background")


@dataclass(frozen=True, slots=True)
class Overlapped:
    """One answer with a voice over it. yielded: it did not go on after the voice."""

    scene: str
    yielded: bool
    stop_ms: float | None
    response_ms: float | None


async def clips(
    recordings: Sequence[Recording], synthesizer: Synthesizer, times: int, random: Random
) -> dict[str, list[Pcm]]:
    """What is played in each scene, 24 kHz. Backchannels and asides are synthesized: nobody
    recorded them."""

    async def said(text: str) -> Pcm:
        chunks = [chunk.samples async for chunk in synthesizer.synthesize(text, Voice())]
        return np.concatenate(chunks)

    backchannels = [await said(text) for text in BACKCHANNELS]
    asides = [await said(text) for text in ASIDES]
    orders = [random.choice(recordings).samples for _ in range(times)]
    quiet = [(random.choice(recordings).samples * BACKGROUND_LEVEL) for _ in range(times)]
    return {
        "interrupts": orders,
        "backchannels": [random.choice(backchannels) for _ in range(times)],
        "talks to somebody else": [random.choice(asides) for _ in range(times)],
        "speech in the background": [each.astype(np.int16) for each in quiet],
    }


async def overlap(
    client: RealtimeClient, scene: str, clip: Pcm, random: Random
) -> Overlapped | None:
    """Asks, and plays the clip over the answer; None if the answer ended before it."""
    known = len(client.log.responses)
    asked = time.monotonic()
    client.ask(QUESTION)
    audible = await client.first_audible(asked, 10)
    answer: Response = list(client.log.responses.values())[known]
    await asyncio.sleep(max(0.0, audible + random.uniform(*INTO_ANSWER) - time.monotonic()))
    start = client.microphone.play(clip)
    voiced = stretches(clip)
    onset = client.time_of(start + voiced[0][0])
    offset = client.time_of(start + voiced[-1][1])
    await client.until(lambda: answer.done_at is not None, ANSWER_LIMIT, "end of the answer")
    await asyncio.sleep(max(0.0, offset + 0.5 - time.monotonic()))
    last = client.ear.last_audible(answer.id)
    if last is None or last < onset:
        await client.quiet(ANSWER_LIMIT)
        return None
    yielded = answer.status == "cancelled"
    stop = (last - onset) * 1000 if yielded else None
    response: float | None = None
    if yielded:
        try:
            heard = await client.first_audible(max(offset, last + 0.05), NEXT)
            response = (heard - offset) * 1000
        except NoEventError:
            pass
    await client.quiet(ANSWER_LIMIT)
    return Overlapped(scene, yielded, stop, response)


async def measure(
    under_test: ServerUnderTest,
    recordings: Sequence[Recording],
    synthesizer: Synthesizer,
    *,
    times: int,
    seed: int = 0,
) -> Figures:
    """Plays each scene `times` times, with the embedded recognizer."""
    random = Random(seed)
    played = await clips(recordings, synthesizer, times, random)
    done: list[Overlapped] = []

    async def visit(scene: str, metronome: Metronome) -> None:
        for number, clip in enumerate(played[scene]):
            client = RealtimeClient(metronome)
            await client.connect(under_test.target(f"overlap-{scene[:5]}-{number}"))
            await client.quiet(ANSWER_LIMIT)
            overlapped = await overlap(client, scene, clip, random)
            if overlapped is not None:
                done.append(overlapped)
            await client.aclose()

    async with Metronome() as metronome, asyncio.TaskGroup() as group:
        for scene in SCENES:
            group.create_task(visit(scene, metronome))
    return {scene: _figures([each for each in done if each.scene == scene]) for scene in SCENES}


def _figures(done: Sequence[Overlapped]) -> Figures:
    return {
        "answers": len(done),
        "yielded": sum(each.yielded for each in done),
        "went_on": sum(not each.yielded for each in done),
        "stop_ms": summary([each.stop_ms for each in done if each.stop_ms is not None]),
        "response_ms": summary([e.response_ms for e in done if e.response_ms is not None]),
    }
