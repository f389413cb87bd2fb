"""Something happens while the person speaks to the page: they are told after their turn."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from playwright.async_api import Browser, expect

from tests.static.talk_pages import (
    MICROPHONE,
    PATIENCE_MS,
    QUESTION,
    begin,
    expect_audible,
    expect_state,
    hush,
    open_page,
    played,
    say,
)
from tests.support.spoken import speak_to_file
from tests.support.story import states, story_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

READY = "Your order is ready at the counter: one latte."


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without silence at its ends, so that it can be said again and again as one breath."""
    path = speak_to_file(tmp_path_factory.mktemp("speech") / "question.wav", QUESTION)
    samples, rate = soundfile.read(path)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    soundfile.write(path, samples[loud[0] : loud[-1]], rate, subtype="PCM_16")
    return path


async def prompts_of(client: httpx.AsyncClient, event: str) -> list[str]:
    """What came of an event, as soon as that is known."""
    while True:
        known = (await client.get(f"/v1/events/{event}")).json()
        if known["status"] == "done":
            prompts: list[str] = known["outcome"]["prompts"]
            return prompts


async def test_an_event_while_they_speak_is_held_and_heard_after_their_turn(
    browser: Browser, address: str, question: Path
) -> None:
    user = "talker"
    async with (
        open_page(browser, f"{address}/?user={user}", scripts=(MICROPHONE,)) as page,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        await begin(page)
        await say(page, question, without_end=True)
        await expect_state(page, "hearing")

        event = {"type": "order.ready", "user": user, "data": {"drink": "latte"}}
        receipt = await client.post("/v1/events", json=event)
        [outreach] = await prompts_of(client, receipt.json()["id"])

        # Their session has it, and they are still speaking.
        held = await story_until(address, outreach, "reserved")
        assert states(held) == ["matched", "published", "reserved"]
        await expect_state(page, "hearing")
        await expect(page.locator("#cards .card")).to_have_count(0)

        await hush(page)
        prompt = page.locator(".line.agent", has_text=READY)
        await expect(prompt).to_contain_text("speaks first", timeout=PATIENCE_MS)
        before = await played(page)
        card = page.locator("#cards .card")
        await expect(card).to_contain_text(READY)
        await expect(card).to_contain_text("Why: You ordered it.")
        await expect_audible(page, before)
        story = await story_until(address, outreach, "heard")
        lines = await page.locator(".line").all_text_contents()

    # Their question and its answer came first.
    assert "close" in lines[-3].lower(), lines
    assert READY in lines[-1]
    assert states(story) == ["matched", "published", "reserved", "speaking", "heard"]
    assert story["steps"][3]["evidence"]["waited_for"] == "the person to finish speaking"
    assert story["steps"][-1]["evidence"]["heard_share"] == 1.0
