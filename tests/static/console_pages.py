"""The operator's console in a browser: opened, and asked what it shows."""

import contextlib
from collections.abc import AsyncIterator

import httpx
from playwright.async_api import Browser, Page, expect

from tests.static.talk_pages import EXPECTED_COMPLAINTS, PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)  # for every expectation: machines may be slow

RULE = """\
name: {name}
purpose: {purpose}
trigger: {{event: {event}}}
say: "Your {{event.data.drink}} is ready at the counter."
reason: You ordered it.
policy: {{ttl: 15m, consent: opt_out}}
"""
REFUSED = ("401 (Unauthorized)", "403 (Forbidden)", "404 (Not Found)", "422 (Unprocessable")
"""What Chromium says of answers that the console itself tells in better words."""


@contextlib.asynccontextmanager
async def open_console(
    browser: Browser, address: str, room: str = "rules", *, width: int = 1280, height: int = 800
) -> AsyncIterator[Page]:
    """A room of it in a browser that knows nothing yet, and at the end the proof that the page had
    nothing to complain of."""
    complaints: list[str] = []
    context = await browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    await page.goto(f"{address}/console#/{room}")
    yield page
    await context.close()
    expected = EXPECTED_COMPLAINTS + REFUSED
    assert [text for text in complaints if not any(e in text for e in expected)] == []


async def write(page: Page, text: str) -> None:
    """Into the rule's editor, in place of what stands there."""
    await page.get_by_label("The rule, as YAML").fill(text)


async def expect_verdict(page: Page, words: str) -> None:
    """What the server makes of the rule that is being written."""
    await expect(page.locator(".verdict")).to_have_text(words)


async def expect_count(page: Page, rule: str, state: str, number: int) -> None:
    """In the funnel's room."""
    row = page.locator(f'.card[data-rule="{rule}"] [data-state="{state}"]:not([data-why]) b')
    await expect(row).to_have_text(str(number))


async def happen(address: str, event: str, user: str, drink: str = "latte") -> None:
    """An event, posted as a shop's till would."""
    async with httpx.AsyncClient(base_url=address) as client:
        told = {"type": event, "user": user, "data": {"drink": drink}}
        answer = await client.post("/v1/events", json=told)
        assert answer.status_code == 202, answer.text


async def put_live(address: str, name: str, event: str, purpose: str = "orders") -> None:
    """A rule, as a script would."""
    text = RULE.format(name=name, event=event, purpose=purpose)
    async with httpx.AsyncClient(base_url=address) as client:
        saved = await client.put(f"/v1/rules/{name}", json={"text": text})
        assert saved.status_code == 200, saved.text
        live = await client.post(f"/v1/rules/{name}/status", json={"status": "live", "why": ""})
        assert live.status_code == 200, live.text
