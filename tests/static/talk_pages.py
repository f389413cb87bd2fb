"""The talk page in a browser: opened, spoken to, and asked what it shows."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, expect

QUESTION = "When do you close on Sunday?"
LONG_QUESTION = "What are your opening hours?"
PATIENCE_MS = 30_000
"""How long anything may take on a busy machine: tests wait for what they expect, not so long."""
EXPECTED_COMPLAINTS = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
"""What Chromium itself says of a server that went away."""

# A microphone that is silent until `speak` is called, so that no test has to meet a moment.
MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => {
  const context = new AudioContext();
  const microphone = context.createMediaStreamDestination();
  const room = new ConstantSourceNode(context, { offset: 0 });
  room.connect(microphone);
  room.start();
  window.speak = async (wav, loop) => {
    const bytes = Uint8Array.from(atob(wav), (character) => character.charCodeAt(0));
    const speech = new AudioBufferSourceNode(context, {
      buffer: await context.decodeAudioData(bytes.buffer),
      loop,
    });
    speech.connect(microphone);
    speech.start();
    window.hush = () => { speech.loop = false; };
  };
  await context.resume();
  return microphone.stream;
};
"""


@contextlib.asynccontextmanager
async def open_page(
    browser: Browser,
    address: str,
    *,
    allowed: bool = True,
    scripts: tuple[str, ...] = (),
    width: int = 1280,
    height: int = 800,
) -> AsyncIterator[Page]:
    """The page in a browser that knows nothing of it yet, and at the end the proof that it had
    nothing to complain of. allowed: the microphone is, without asking."""
    complaints: list[str] = []
    context = await browser.new_context(
        viewport={"width": width, "height": height}, permissions=["microphone"] if allowed else []
    )
    for script in scripts:
        await context.add_init_script(script)
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    await page.goto(address)
    await until(page, "window.overture !== undefined")
    yield page
    await context.close()
    assert [text for text in complaints if not any(e in text for e in EXPECTED_COMPLAINTS)] == []


def choosing(wire: str) -> str:
    """A script that has made that choice on an earlier visit."""
    return f"localStorage.setItem('overture.wire', '{wire}')"


async def until(page: Page, condition: str) -> None:
    """Returns when that JavaScript is true in the page.

    Playwright's wait_for_function compiles its condition there, which the page's policy forbids.
    """
    look = f"({condition}) ? resolve() : requestAnimationFrame(look)"
    async with asyncio.timeout(PATIENCE_MS / 1000):
        await page.evaluate(
            f"() => new Promise((resolve) => {{ (function look() {{ {look} }})() }})"
        )


async def say(page: Page, speech: Path, *, without_end: bool = False) -> None:
    """Into the microphone; needs MICROPHONE among the page's scripts.

    without_end: again and again without a pause, until `hush`.
    """
    wav = base64.b64encode(speech.read_bytes()).decode()
    await page.evaluate("([wav, loop]) => speak(wav, loop)", [wav, without_end])


async def hush(page: Page) -> None:
    """Whoever speaks into the microphone says it to its end, and no more."""
    await page.evaluate("hush()")


async def ask(page: Page, question: str) -> None:
    """In writing."""
    await page.fill("#say", question)
    await page.press("#say", "Enter")


async def begin(page: Page) -> None:
    """Presses the microphone, and knows the greeting already."""
    await page.click("#talk")
    await expect_audible(page)
    await page.keyboard.press("Escape")
    await expect_state(page, "listening")


async def expect_state(page: Page, state: str) -> None:
    """state: as in static/states.js."""
    await expect(page.locator("#house")).to_have_attribute("data-state", state, timeout=PATIENCE_MS)


async def expect_answer(page: Page) -> None:
    """The agent has answered to the end, with its source beside it."""
    line = page.locator(".line.agent").last
    await expect(line.locator(".words")).to_contain_text("Sunday", timeout=PATIENCE_MS)
    await expect(line.locator(".sources")).to_contain_text("opening-hours.md")


async def played(page: Page) -> float:
    """Samples at 24 kHz that have sounded."""
    samples: float = await page.evaluate("overture.playedSamples")
    return samples


async def expect_audible(page: Page, since: float = 0) -> None:
    """At least half a second more than `since` sounds, loud enough to be heard."""
    await until(page, f"overture.playedSamples > {since + 12_000}")
    assert await page.evaluate("overture.peakLevel") > 0.1


async def expect_wire(page: Page, wire: str) -> None:
    """The connection stands, over that wire, and says so."""
    name = {"webrtc": "WebRTC", "websocket": "WebSocket"}[wire]
    await expect(page.locator("#link-words")).to_have_text(name, timeout=PATIENCE_MS)
    await expect(page.get_by_label(f"Connection: connected over {name}")).to_have_count(1)
