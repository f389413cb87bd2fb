"""A person speaks over the answer in Chromium: how soon is the page silent?

From the first speech sample that comes from the microphone to the last audible sample that goes to
the loudspeaker before half a second of silence, both as the page's audio thread sees them. Answers
that went on after that, while the person still spoke, are counted beside it.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.barge_in import QUESTION
from bench.figures import Figures, summary
from bench.page_browser import AUDIBLE, SPOKEN, TalkPage, chromium, write_microphone
from bench.recordings import Recording
from bench.server_under_test import ServerUnderTest
from voice.audio import SPEAKING_RATE, Pcm

BEFORE_FIRST = 6.0
"""Seconds: the greeting is over by then."""
GAP = 5.0
"""Seconds between two recordings: the reply to the one is cut by the question before the next."""
ASKED_BEFORE = 1.6
"""Seconds before a recording that the long question is typed: its answer is well under way."""
SPEAKING_WITHIN = 0.3
"""Seconds before the first speech sample in which the agent sounded, else it had ended."""
SILENCE = 0.5
"""Seconds: longer than any pause inside an answer."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """One answer that was spoken over. went_on: it sounded again before the person had ended."""

    silent_ms: float
    went_on: bool


async def measure(
    under_test: ServerUnderTest, recordings: Sequence[Recording], wire: str
) -> Figures:
    """Interrupts one answer with each recording, all in one session."""
    clips = [_speech(recording) for recording in recordings]
    parts: list[Pcm | float] = [BEFORE_FIRST]
    for clip in clips:
        parts += [clip, GAP]
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        microphone = write_microphone(Path(folder) / "speech.wav", parts, SPEAKING_RATE)
        async with (
            chromium(microphone) as browser,
            browser.talk_page(under_test.base, wire, f"bench-barge-in-{wire}") as page,
        ):
            await page.click()
            onset = await _first_onset(page)
            waits = []
            for number, clip in enumerate(clips):
                seconds = len(clip) / SPEAKING_RATE
                if number > 0:  # the first one only tells where the file is
                    await _ask_before(page, onset)
                    waits.append(await _silence(page, onset, seconds))
                onset += seconds + GAP
    done = [each for each in waits if each is not None]
    return {
        "silent_ms": summary([each.silent_ms for each in done]),
        "interrupted": len(done),
        "tried": len(waits),
        "went_on": sum(each.went_on for each in done),
        "each": [asdict(each) for each in done],
    }


def _speech(recording: Recording) -> Pcm:
    return recording.samples[recording.first : recording.last]


async def _first_onset(page: TalkPage) -> float:
    def spoken() -> bool:
        return any(q.microphone > SPOKEN for q in page.quanta)

    await page.until(spoken, BEFORE_FIRST + 10, "speech from the microphone")
    return next(q.at for q in page.quanta if q.microphone > SPOKEN)


async def _ask_before(page: TalkPage, onset: float) -> None:
    await asyncio.sleep(max(0.0, onset - ASKED_BEFORE - time.time()))
    await page.type(QUESTION)


async def _silence(page: TalkPage, expected: float, seconds: float) -> Silenced | None:
    """When it became silent after the first speech sample; None if the agent was not speaking."""
    await asyncio.sleep(max(0.0, expected + seconds + 0.2 - time.time()))
    await page.listen()
    near = [q for q in page.quanta if expected - 0.5 <= q.at]
    onset = next((q for q in near if q.microphone > SPOKEN), None)
    if onset is None:
        return None
    before = [q for q in near if onset.at - SPEAKING_WITHIN <= q.at <= onset.at]
    if all(q.output <= AUDIBLE for q in before):
        return None
    last = onset.frame
    for quantum in (q for q in near if onset.frame <= q.frame and q.at < onset.at + seconds):
        if quantum.output <= AUDIBLE:
            continue
        if quantum.frame - last > SILENCE * page.rate:
            return Silenced((last - onset.frame) / page.rate * 1000, went_on=True)
        last = quantum.frame
    return Silenced((last - onset.frame) / page.rate * 1000, went_on=False)
