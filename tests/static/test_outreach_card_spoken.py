"""What is said unasked, on the talk page against a real server: heard, shown, and stopped."""

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.static.talk_pages import (
    PATIENCE_MS,
    QUESTION,
    ask,
    expect_answer,
    expect_audible,
    expect_state,
    open_page,
    played,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def say(client: httpx.AsyncClient, user: str, words: str) -> str:
    """Through the API; its id."""
    told = {"user": user, "say": words, "reason": "You ordered it.", "purpose": "orders"}
    answer = await client.post("/v1/outreach", json=told)
    assert answer.status_code == 202, answer.text
    outreach: str = answer.json()["id"]
    return outreach


async def story(client: httpx.AsyncClient, outreach: str, until: str) -> list[str]:
    """Its steps so far, and as they happen up to the first in that state."""
    steps: list[str] = []
    async with client.stream("GET", f"/v1/outreach/{outreach}/events") as following:
        async for line in following.aiter_lines():
            if line.startswith("data:"):
                steps.append(line)
            if steps and f'"state":"{until}"' in steps[-1].replace(" ", ""):
                break
    return steps


async def test_a_prompt_is_heard_its_card_says_why_and_stop_these_is_remembered(
    browser: Browser, address: str
) -> None:
    async with (
        open_page(browser, f"{address}/?user=card-user") as page,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        await ask(page, QUESTION)
        await expect_answer(page)
        await expect_state(page, "ready")
        before = await played(page)

        outreach = await say(client, "card-user", "Your latte is ready at the counter.")

        card = page.locator("#cards .card")
        await expect(card).to_contain_text("Your latte is ready", timeout=PATIENCE_MS)
        await expect(card).to_contain_text("Why: You ordered it.")
        await expect_audible(page, before)
        first = page.locator(".line.agent", has_text="Your latte is ready")
        await expect(first).to_contain_text("speaks first")

        await card.get_by_role("button", name="Stop these").click()
        await expect(card).to_have_count(0, timeout=PATIENCE_MS)
        assert "opted_out" in (await story(client, outreach, until="opted_out"))[-1]
        person = (await client.get("/v1/users/card-user")).json()
        assert person["consent"]["orders"]["agreed"] is False
        assert person["time_zone"] == await page.evaluate(
            "Intl.DateTimeFormat().resolvedOptions().timeZone"
        )


async def test_a_page_without_sound_shows_the_prompt_and_it_counts_as_heard(
    browser: Browser, address: str
) -> None:
    silent = "delete window.AudioWorkletNode"
    async with (
        open_page(browser, f"{address}/?user=reader", scripts=(silent,)) as page,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        await ask(page, QUESTION)
        await expect_answer(page)

        outreach = await say(client, "reader", "Your tea is ready at the counter.")

        card = page.locator("#cards .card")
        await expect(card).to_contain_text("Your tea is ready", timeout=PATIENCE_MS)
        heard = (await story(client, outreach, until="heard"))[-1]
        assert "heard" in heard
        assert "acknowledged" in heard
