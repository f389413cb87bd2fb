"""The console on a server that asks for keys: an operator's opens it, nothing else does."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect

from tests.static.console_pages import open_console
from tests.support.keys import Keys, make_keys
from tests.support.overture_process import free_port, overture_serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_it_asks_for_a_key_and_goes_on_where_it_was(
    browser: Browser, address: str, keys: Keys
) -> None:
    async with open_console(browser, address, "ledger?user=u42") as page:
        field = page.get_by_label("Key", exact=True)
        await expect(field).to_be_focused()
        await expect(page.get_by_role("button", name="Stop all outreach")).to_be_disabled()

        await field.fill("two words")
        await page.keyboard.press("Enter")
        await expect(page.locator(".key-entry [role=alert]")).to_contain_text("letters, digits")

        await field.fill(keys.operator)
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Ledger")
        await expect(page.get_by_label("Person")).to_have_value("u42")
        await expect(page.locator("#switch-words")).to_have_text("Outreach is on.")
        assert keys.operator not in page.url
        await page.go_back()
        assert keys.operator not in page.url


async def test_a_clients_key_is_told_that_it_may_not(
    browser: Browser, address: str, keys: Keys
) -> None:
    async with open_console(browser, address) as page:
        await page.get_by_label("Key", exact=True).fill(keys.client)
        await page.keyboard.press("Enter")

        words = page.locator(".key-entry [role=alert]")
        await expect(words).to_contain_text("not an operator's")


async def test_a_key_that_nobody_knows_is_told_so(browser: Browser, address: str) -> None:
    async with open_console(browser, address) as page:
        await page.get_by_label("Key", exact=True).fill("ov_mistyped")
        await page.keyboard.press("Enter")

        words = page.locator(".key-entry [role=alert]")
        await expect(words).to_contain_text("not known to the server")
