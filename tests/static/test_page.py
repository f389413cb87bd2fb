"""The talk page in a real Chromium against a real server, spoken to by a fake microphone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.static.talk_pages import (
    MICROPHONE,
    PATIENCE_MS,
    QUESTION,
    ask,
    expect_answer,
    expect_audible,
    expect_state,
    expect_wire,
    open_page,
    played,
)
from tests.support.spoken import speak_to_file

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The question after the greeting, each time that a page opens the microphone."""
    return speak_to_file(tmp_path_factory.mktemp("speech") / "speech.wav", 4.0, QUESTION, 30.0)


async def test_a_spoken_question_is_answered_aloud_over_webrtc_with_its_source(
    browser: Browser, address: str
) -> None:
    async with open_page(browser, address) as page:
        await page.click("#talk")

        await expect(page.locator(".line.person .words")).to_contain_text(
            "close", timeout=PATIENCE_MS
        )
        greeted = await played(page)
        await expect_answer(page)
        await expect_audible(page, greeted)
        await expect_wire(page, "webrtc")
        await expect(page.locator("#turn-total")).to_contain_text("answered in")
        assert await page.evaluate("overture.lastTurn.voice_to_voice") > 0


async def test_a_typed_question_is_answered_aloud_without_a_microphone(
    browser: Browser, address: str
) -> None:
    async with open_page(browser, address) as page:
        await ask(page, QUESTION)

        await expect(page.locator(".line.person .words")).to_have_text(QUESTION)
        await expect_answer(page)
        await expect_state(page, "ready")
        await expect_audible(page)


async def test_escape_stops_the_answer(browser: Browser, address: str) -> None:
    async with open_page(browser, address) as page:
        await ask(page, QUESTION)
        await expect_state(page, "speaking")

        await page.press("#say", "Escape")

        await expect_state(page, "ready")
        await expect(page.locator(".line.agent.pending")).to_have_count(0)


async def test_an_example_can_be_pressed_instead_of_said(browser: Browser, address: str) -> None:
    async with open_page(browser, address) as page:
        example = page.locator("#examples button").first
        words = await example.text_content()
        assert words is not None
        await example.click()

        await expect(page.locator(".line.person .words")).to_have_text(words)


async def test_all_can_be_done_from_the_keyboard(browser: Browser, address: str) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE,)) as page:
        while await page.evaluate("document.activeElement.id") != "talk":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#announcer")).to_have_text(
            "Connected. Listening.", timeout=PATIENCE_MS
        )
        await expect_state(page, "listening")

        await page.keyboard.press("m")
        await expect_state(page, "muted")
        await page.keyboard.press("Space")
        await expect_state(page, "listening")

        while await page.evaluate("document.activeElement.id") != "end":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect_state(page, "idle")


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
async def test_nothing_sticks_out_at_the_side(browser: Browser, address: str, width: int) -> None:
    async with open_page(browser, address, width=width, height=740) as page:
        await ask(page, "Antidisestablishmentarianism" * 4)
        await expect(page.locator(".line.agent .words")).not_to_be_empty(timeout=PATIENCE_MS)

        assert await page.evaluate("document.documentElement.scrollWidth") <= width
