"""From the click to the first audible sample of the agent's greeting, in Chromium.

The microphone's permission was given before, as it is at a second visit.
"""

import tempfile
from pathlib import Path

from bench.figures import Figures, summary
from bench.page_browser import Chromium, chromium, write_microphone
from bench.realtime_client import NoEventError
from bench.server_under_test import ServerUnderTest
from voice.audio import SPEAKING_RATE

WIRES = ("webrtc", "websocket")
GREETING_LIMIT = 10.0
SILENCE = 20.0
"""Seconds of microphone: longer than a visit."""


async def measure(under_test: ServerUnderTest, *, times: int) -> Figures:
    """`times` new pages for each wire, one after the other, after one that is not counted."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        silence = write_microphone(Path(folder) / "silence.wav", [SILENCE], SPEAKING_RATE)
        async with chromium(silence) as browser:
            for wire in WIRES:
                waits = [
                    await _wait(browser, under_test.base, wire, number)
                    for number in range(times + 1)
                ][1:]
                figures[wire] = {"audible_ms": summary(waits), "each": waits}
    return figures


async def _wait(browser: Chromium, base: str, wire: str, number: int) -> float:
    """Milliseconds until the greeting sounds; raises NoEventError."""
    async with browser.talk_page(base, wire, f"bench-click-{wire}-{number}") as page:
        clicked = await page.click()
        await page.until(
            lambda: page.first_audible(clicked) is not None, GREETING_LIMIT, "greeting"
        )
        audible = page.first_audible(clicked)
        carried = await page.page.evaluate("overture.wire")
        if audible is None or carried != wire:
            raise NoEventError(f"the page talks over {carried}, not over {wire}")
        return (audible - clicked) * 1000
