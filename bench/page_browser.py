"""A headless Chromium with the talk page in it, a recording for a microphone, and an ear inside.

The ear is bench/page_tap.js: it sees the samples that the page sends to the loudspeaker and those
that come from the microphone, after the browser's echo cancellation, and no event at all.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from playwright.async_api import BrowserContext, Page, async_playwright

from bench.realtime_client import NoEventError
from voice.audio import Pcm

MICROPHONE_RATE = 48_000
AUDIBLE = 10 ** (-50 / 20)
"""As bench/ear.py has it: -50 dBFS."""
SPOKEN = AUDIBLE
"""Of a microphone that is silent between its recordings, so that any sound is speech. A higher
threshold would miss the soft beginnings that the server hears, and flatter the page."""
LOUDEST = 0.5
ROOM_NOISE = 2e-4
"""-74 dBFS: a real microphone never gives exact digital silence."""
TAP = Path(__file__).with_name("page_tap.js")
FLAGS = (
    "--no-sandbox",  # benches may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
)


@dataclass(frozen=True, slots=True)
class Quantum:
    """One render quantum. at: Unix time in seconds; the peaks are 0..1."""

    at: float
    frame: int
    output: float
    microphone: float


class TalkPage:
    """One open page. wire: "webrtc" or "websocket"."""

    def __init__(self, page: Page, wire: str) -> None:
        self.page = page
        self.wire = wire
        self.quanta: list[Quantum] = []
        self.rate = 48_000

    async def click(self) -> float:
        """Presses the microphone; when that was, in Unix time."""
        await self.page.click("#talk")
        clicked: float = await self.page.evaluate("tap.clickedAt")
        return clicked / 1000

    async def type(self, text: str) -> None:
        """Asks in writing."""
        await self.page.fill("#say", text)
        await self.page.press("#say", "Enter")

    async def listen(self) -> None:
        """Takes over what the ear has heard since."""
        heard, self.rate = await self.page.evaluate("[tap.quanta.splice(0), tap.rate]")
        self.quanta += [Quantum(at / 1000, *rest) for at, *rest in heard]

    async def until(self, there: Callable[[], bool], seconds: float, what: str) -> None:
        """Listens until `there()`; raises NoEventError after that many seconds."""
        deadline = time.monotonic() + seconds
        await self.listen()
        while not there():
            if time.monotonic() > deadline:
                state = await self.page.evaluate("[overture.state, overture.link, overture.wire]")
                raise NoEventError(f"no {what} within {seconds:.0f} s; the page is {state}")
            await asyncio.sleep(0.02)
            await self.listen()

    def first_audible(self, after: float) -> float | None:
        """When the loudspeaker first sounded after a moment."""
        return next((q.at for q in self.quanta if q.at >= after and q.output > AUDIBLE), None)

    def silent_for(self, seconds: float) -> bool:
        """Whether nothing has sounded in the last so many seconds."""
        recent = [q for q in self.quanta if q.at > self.quanta[-1].at - seconds]
        return bool(recent) and all(q.output <= AUDIBLE for q in recent)


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator["Chromium"]:
    """microphone: a WAV that is played once from each time that a page opens the microphone."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        raise NoEventError("chromium is not installed (Debian: apt install chromium)")
    flags = list(FLAGS)
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=flags)
        # The page's policy forbids foreign scripts; the ear's worklet is one.
        context = await browser.new_context(permissions=["microphone"], bypass_csp=True)
        await context.add_init_script(path=TAP)
        try:
            yield Chromium(context)
        finally:
            await browser.close()


class Chromium:
    """A running browser."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context

    @asynccontextmanager
    async def talk_page(self, base: str, wire: str, user: str) -> AsyncIterator[TalkPage]:
        """The page of the server at `base`, set to that wire; loaded, and nothing pressed."""
        page = await self._context.new_page()
        try:
            await page.add_init_script(f"localStorage.setItem('overture.wire', '{wire}')")
            await page.goto(f"{base}/?user={user}", wait_until="networkidle")
            await page.wait_for_function("window.overture !== undefined")
            yield TalkPage(page, wire)
        finally:
            await page.close()


def write_microphone(path: Path, parts: Sequence[Pcm | float], rate: int) -> Path:
    """A WAV of recordings (at `rate`), each as loud as the next, and silences (seconds)."""
    random = np.random.default_rng(1)
    audio = np.concatenate([_part(part, rate) for part in parts])
    audio = audio + ROOM_NOISE * random.standard_normal(len(audio))
    soundfile.write(path, audio.astype(np.float32), MICROPHONE_RATE, subtype="PCM_16")
    return path


def _part(part: Pcm | float, rate: int) -> NDArray[np.float64]:
    if isinstance(part, int | float):
        return np.zeros(round(part * MICROPHONE_RATE))
    resampled: NDArray[np.float64] = soxr.resample(part.astype(np.float64), rate, MICROPHONE_RATE)
    return resampled * (LOUDEST / float(np.abs(resampled).max()))
