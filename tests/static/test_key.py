"""The page on a server that asks for keys: an invitation opens it, nothing else does."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.static.talk_pages import until
from tests.support.chromium import launch_chromium
from tests.support.keys import Keys, make_keys
from tests.support.overture_process import free_port, overture_serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """One of each role."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def address(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that asks for them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OVERTURE_KEYS_FILE", str(keys.path))
        environment.setenv("OVERTURE_RECOGNIZER", "scripted")  # nothing is spoken here
        with overture_serving(tmp_path_factory.mktemp("data"), free_port()) as address:
            yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser that was never here."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


async def ask(page: Page) -> None:
    """A typed question, and its answer."""
    await until(page, "window.overture !== undefined")
    await page.fill("#say", "When do you close on Sunday?")
    await page.press("#say", "Enter")
    answer = page.locator(".line.agent .words").last
    await expect(answer).to_contain_text("Sunday", timeout=PATIENCE_MS)


@pytest.mark.parametrize("wire", ["webrtc", "websocket"])
async def test_an_invitation_opens_the_talk_and_its_key_is_seen_nowhere(
    page: Page, address: str, keys: Keys, wire: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.on("websocket", lambda socket: sent.append(socket.url))
    await page.add_init_script(f"localStorage.setItem('overture.wire', '{wire}')")
    await page.goto(f"{address}/#key={keys.ann}")
    await ask(page)
    assert page.url == f"{address}/"
    assert any("/v1/realtime" in url for url in sent)
    assert not [url for url in sent if keys.ann in url.partition("#")[0]]
    await page.reload()
    await ask(page)


async def test_without_an_invitation_the_page_says_what_to_do(page: Page, address: str) -> None:
    await page.goto(address)
    await until(page, "window.overture !== undefined")
    await page.fill("#say", "hello")
    await page.press("#say", "Enter")
    trouble = page.locator("#trouble")
    await expect(trouble).to_contain_text("link that you were invited with", timeout=PATIENCE_MS)


async def test_another_invitation_in_the_same_tab_is_taken(
    page: Page, address: str, keys: Keys
) -> None:
    await page.goto(f"{address}/#key=ov_withdrawn")
    await until(page, "window.overture !== undefined")
    async with page.expect_event("load", timeout=PATIENCE_MS):  # a fragment alone loads nothing
        await page.goto(f"{address}/#key={keys.ann}")
    await ask(page)
