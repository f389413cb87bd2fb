"""The stock JavaScript client, unmodified, in a real Chromium, over WebRTC."""

import asyncio
import contextlib
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Page, Route, async_playwright

from tests.support.chromium import launch_chromium
from tests.support.serving import PATIENCE, Serving
from tests.support.spoken import speak_to_file
from tests.support.stock_client import Notes, asked, said, without_errors

PLACE = "/stock/"
"""Where the page seems to be: at the server's own origin, as it lets no other page in."""

mimetypes.add_type("text/javascript", ".mjs")


@contextlib.asynccontextmanager
async def stock_page(javascript: Path, serving: Serving, speech: Path) -> AsyncIterator[Page]:
    """The client's page; its files never leave this process."""

    async def answer(route: Route) -> None:
        name = route.request.url.split(PLACE, 1)[1]
        file = speech if name == "speech.wav" else javascript / name
        kind, _ = mimetypes.guess_type(file)
        await route.fulfill(path=file, content_type=kind or "application/octet-stream")

    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright)
        try:
            page = await browser.new_page()
            page.set_default_timeout(2 * PATIENCE * 1000)
            await page.route(f"**{PLACE}**", answer)
            await page.goto(f"{serving.http_url}{PLACE}page.html")
            await page.wait_for_function("window.scenario !== undefined")
            await page.click("button")  # browsers play nothing before a person did something
            yield page
        finally:
            await browser.close()


async def noted(
    javascript: Path, serving: Serving, tmp_path: Path, words: str, *scenarios: str
) -> list[Notes]:
    """What the client noted in each of these. words: what is spoken when a scenario says so."""
    speech = speak_to_file(tmp_path / "speech.wav", words)
    async with asyncio.timeout(3 * PATIENCE), stock_page(javascript, serving, speech) as page:
        return [
            without_errors(await page.evaluate("name => scenario(name)", scenario))
            for scenario in scenarios
        ]


async def test_text_and_a_function_call(javascript: Path, serving: Serving, tmp_path: Path) -> None:
    scenarios = ("text", "functionCall")
    typed, called = await noted(javascript, serving, tmp_path, "hello", *scenarios)
    assert "5" in said(typed)
    assert typed["callId"].startswith("rtc_")
    assert [response["status"] for response in typed["responses"]] == ["completed"]
    assert called["calls"] == [{}]
    assert "night shift" in said(called)


async def test_audio(javascript: Path, serving: Serving, tmp_path: Path) -> None:
    (notes,) = await noted(javascript, serving, tmp_path, "Thank you very much.", "audio")
    assert "thank you" in asked(notes).lower()
    assert "welcome" in said(notes)
    assert notes["loudest"] > 0.1


async def test_barge_in(javascript: Path, serving: Serving, tmp_path: Path) -> None:
    words = "No, wait, I would like something else please."
    (notes,) = await noted(javascript, serving, tmp_path, words, "bargeIn")
    first = notes["responses"][0]
    assert first["status"] == "cancelled"
    assert first["status_details"]["reason"] == "turn_detected"
    assert "output_audio_buffer.cleared" in notes["events"]
    assert "conversation.item.truncated" in notes["events"]
