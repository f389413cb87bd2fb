"""The talk page in a real Chromium against a real server, spoken to by a fake microphone."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.support.chromium import launch_chromium
from tests.support.overture_process import free_port, overture_serving
from tests.support.spoken import speak_to_file

QUESTION = "When do you close on Sunday?"
SPOKEN_TURN_MS = 30_000
"""How long a turn may take on a busy machine: the tests wait for what they expect, not so long."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with overture_serving(tmp_path_factory.mktemp("data"), free_port()) as address:
        yield address


@contextlib.asynccontextmanager
async def open_page(
    address: str, microphone: Path | None = None, *, width: int = 1280, height: int = 800
) -> AsyncIterator[Page]:
    """The page, and at the end the proof that the browser had nothing to complain of."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright, microphone)
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        await page.goto(address)
        yield page
        await browser.close()
    unexpected = [text for text in complaints if "ERR_CONNECTION_REFUSED" not in text]
    assert unexpected == []


async def expect_state(page: Page, state: str) -> None:
    """state: as in static/states.js."""
    await expect(page.locator("#house")).to_have_attribute(
        "data-state", state, timeout=SPOKEN_TURN_MS
    )


async def expect_answer(page: Page) -> None:
    """The agent has answered to the end, with its source beside it."""
    line = page.locator(".line.agent").last
    await expect(line.locator(".words")).to_contain_text("Sunday", timeout=SPOKEN_TURN_MS)
    await expect(line.locator(".sources")).to_contain_text("opening-hours.md")


async def expect_audible(page: Page) -> None:
    """At least half a second was played, loud enough to be heard."""
    assert await page.evaluate("overture.playedSamples") > 12_000
    assert await page.evaluate("overture.peakLevel") > 0.1


async def test_a_spoken_question_is_answered_aloud_with_its_source(
    address: str, tmp_path: Path
) -> None:
    microphone = speak_to_file(tmp_path / "microphone.wav", 1.5, QUESTION, 30.0)
    async with open_page(address, microphone) as page:
        await page.click("#talk")

        await expect(page.locator(".line.person .words")).to_contain_text(
            "close", timeout=SPOKEN_TURN_MS
        )
        await expect_state(page, "speaking")
        await expect_answer(page)
        await expect_state(page, "listening")
        await expect_audible(page)
        await expect(page.locator("#turn-total")).to_contain_text("answered in")
        assert await page.evaluate("overture.lastTurn.voice_to_voice") > 0


async def test_speaking_interrupts_the_answer_and_only_what_was_heard_stays(
    address: str, tmp_path: Path
) -> None:
    # An answer lasts 3 s and starts within 2 s: a next question comes while it is being given.
    parts = (QUESTION, 2.0) * 6
    microphone = speak_to_file(tmp_path / "microphone.wav", 1.5, *parts)
    async with open_page(address, microphone) as page:
        await page.click("#talk")

        cut = page.locator(".line.agent.cut").first
        await expect(cut).to_contain_text("interrupted here", timeout=SPOKEN_TURN_MS)
        words = await cut.locator(".words").text_content()
        assert words is not None
        assert words.endswith("—")


async def test_a_typed_question_is_answered_aloud_without_a_microphone(address: str) -> None:
    async with open_page(address) as page:
        await page.fill("#say", QUESTION)
        await page.press("#say", "Enter")

        await expect(page.locator(".line.person .words")).to_have_text(QUESTION)
        await expect_answer(page)
        await expect_state(page, "ready")
        await expect_audible(page)


async def test_escape_stops_the_answer(address: str) -> None:
    async with open_page(address) as page:
        await page.fill("#say", QUESTION)
        await page.press("#say", "Enter")
        await expect_state(page, "speaking")

        await page.press("#say", "Escape")

        await expect_state(page, "ready")
        await expect(page.locator(".line.agent.pending")).to_have_count(0)


async def test_an_example_can_be_pressed_instead_of_said(address: str) -> None:
    async with open_page(address) as page:
        example = page.locator("#examples button").first
        words = await example.text_content()
        assert words is not None
        await example.click()

        await expect(page.locator(".line.person .words")).to_have_text(words)


async def test_all_can_be_done_from_the_keyboard(address: str, tmp_path: Path) -> None:
    microphone = speak_to_file(tmp_path / "microphone.wav", 60.0)
    async with open_page(address, microphone) as page:
        while await page.evaluate("document.activeElement.id") != "talk":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect_state(page, "listening")
        await expect(page.locator("#announcer")).to_have_text("Connected. Listening.")

        await page.keyboard.press("m")
        await expect_state(page, "muted")
        await page.keyboard.press("Space")
        await expect_state(page, "listening")

        while await page.evaluate("document.activeElement.id") != "end":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect_state(page, "idle")


async def test_a_denied_microphone_is_explained_and_typing_still_works(address: str) -> None:
    async with open_page(address) as page:
        await page.click("#talk")

        await expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed")
        await page.fill("#say", QUESTION)
        await page.press("#say", "Enter")
        await expect_answer(page)
        await expect(page.locator("#trouble")).to_be_hidden()


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
async def test_nothing_sticks_out_at_the_side(address: str, width: int) -> None:
    async with open_page(address, width=width, height=740) as page:
        await page.fill("#say", "Antidisestablishmentarianism" * 4)
        await page.press("#say", "Enter")
        await expect(page.locator(".line.agent .words")).not_to_be_empty(timeout=SPOKEN_TURN_MS)

        assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_a_server_that_went_away_is_reported_and_found_again(tmp_path: Path) -> None:
    port = free_port()
    microphone = speak_to_file(tmp_path / "microphone.wav", 60.0)
    with contextlib.ExitStack() as first:
        address = first.enter_context(overture_serving(tmp_path / "data", port))
        async with open_page(address, microphone) as page:
            await page.click("#talk")
            await expect_state(page, "listening")

            first.close()

            await expect(page.get_by_role("alert")).to_contain_text("The server is gone")
            await expect(page.get_by_role("alert")).to_contain_text("Trying again in")
            with overture_serving(tmp_path / "data", port):
                await expect_state(page, "listening")
                await expect(page.locator("#trouble")).to_be_hidden()
