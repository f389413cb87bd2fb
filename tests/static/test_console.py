"""The operator's console in a real Chromium against a real server."""

import pytest
from playwright.async_api import Browser, expect

from tests.static.conftest import House
from tests.static.console_pages import (
    RULE,
    expect_count,
    expect_verdict,
    happen,
    open_console,
    put_live,
    write,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTILE = '<img src=x onerror="window.pwned = 1"></td><script>window.pwned = 1</script>'


async def test_a_rule_is_written_mended_previewed_put_live_and_seen_in_the_funnel(
    browser: Browser, address: str
) -> None:
    text = RULE.format(name="till_rang", event="till.rang", purpose="orders")
    async with open_console(browser, address, "rules/+") as page:
        await write(page, text.replace("ttl: 15m", "tll: 15m"))
        await expect_verdict(page, "1 problem to mend.")
        wrong = page.locator(".gutter [data-wrong]")
        await expect(wrong).to_have_text("6")
        await expect(page.locator(".problems li")).to_contain_text("ttl")

        await write(page, text)
        await expect_verdict(page, "This rule is right.")
        await page.get_by_role("button", name="Save").click()
        await expect(
            page.get_by_role("status").filter(has_text="till_rang is saved")
        ).to_be_visible()

        await page.get_by_label("Person", exact=True).fill("u42")
        await page.get_by_role("button", name="Preview").click()
        await expect(page.locator(".checks li").first).to_contain_text("kill switch")
        ends = page.locator(".checks li", has_text="the rule is draft")
        await expect(ends).to_contain_text("no: it ends here")

        await page.get_by_role("button", name="Live", exact=True).click()
        await page.get_by_role("button", name="Put it live").click()
        live = page.get_by_role("button", name="Live", exact=True)
        await expect(live).to_have_attribute("aria-pressed", "true")

        await page.get_by_role("link", name="Funnel").click()
        await expect(page.locator(".live-link")).to_have_text("Live")
        await happen(address, "till.rang", "u42")
        await expect_count(page, "till_rang", "matched", 1)
        await expect_count(page, "till_rang", "published", 1)


async def test_a_cron_rules_next_times_are_shown_in_the_chosen_zone(
    browser: Browser, address: str
) -> None:
    text = RULE.format(name="closing", event="x.y", purpose="service")
    cron = text.replace("{event: x.y}", '{cron: "30 16 * * *"}').replace(
        "{event.data.drink}", "tea"
    )
    async with open_console(browser, address, "rules/+") as page:
        await write(page, cron)
        await expect_verdict(page, "This rule is right.")
        await page.get_by_label("Time zone").fill("Asia/Kathmandu")
        await page.get_by_role("button", name="Preview").click()

        await expect(page.get_by_text("Next firings in Asia/Kathmandu")).to_be_visible()
        await expect(page.locator(".firings li")).to_have_count(10)
        await expect(page.locator(".firings li").first).to_contain_text("16:30")


async def test_a_prompt_is_found_in_the_ledger_and_tells_its_story(
    browser: Browser, address: str
) -> None:
    await put_live(address, "storied", "storied.ready")
    await happen(address, "storied.ready", "story-user", drink="flat white")
    async with open_console(browser, address, "ledger?user=story-user") as page:
        await page.get_by_role("link", name="Your flat white is ready").click()

        await expect(page.locator(".timeline")).to_contain_text("matched")
        await expect(page.locator(".timeline li").last).to_have_attribute("data-state", "published")
        await expect(page.locator("#why")).to_contain_text("for a session of the person")

        await page.get_by_role("button", name="Withdraw it").click()
        await page.locator("dialog").get_by_role("button", name="Withdraw it").click()
        await expect(page.locator(".timeline li").last).to_have_attribute("data-state", "cancelled")
        await expect(page.get_by_role("button", name="Withdraw it")).to_have_count(0)


async def test_the_kill_switch_asks_why_stops_everything_and_says_so_everywhere(
    browser: Browser, address: str
) -> None:
    await put_live(address, "stopped", "stopped.ready")
    async with (
        open_console(browser, address, "live") as here,
        open_console(browser, address, "ledger") as elsewhere,
    ):
        press = here.get_by_role("button", name="Stop all outreach")
        await press.click()
        await here.locator("dialog").get_by_role("button", name="Stop all outreach").click()
        await expect(here.locator("dialog")).to_be_visible()  # a reason is missing
        await here.get_by_label("Why?").fill("wrong prices")
        await here.keyboard.press("Enter")

        for page in (here, elsewhere):
            await expect(page.locator("#switch")).to_contain_text("wrong prices")
        await here.get_by_role("link", name="Funnel").click()
        await happen(address, "stopped.ready", "anybody")
        await expect_count(here, "stopped", "matched", 1)
        await expect_count(here, "stopped", "published", 0)

        await here.get_by_role("button", name="Let it go on").click()
        await here.locator("dialog").get_by_role("button", name="Let it go on").click()
        await expect(elsewhere.locator("#switch-words")).to_have_text("Outreach is on.")


async def test_hostile_names_are_text_in_every_room(browser: Browser, address: str) -> None:
    await put_live(address, "hostile", "hostile.ready")
    await happen(address, "hostile.ready", HOSTILE, drink=HOSTILE)
    async with open_console(browser, address, "ledger") as page:
        await page.get_by_label("Person").fill(HOSTILE)
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Your <img").click()
        await expect(page.locator("h1")).to_contain_text("<img src=x")
        await expect(page.locator(".facts")).to_contain_text(HOSTILE)
        for room in ("Rules", "Funnel", "Live", "Dead letters"):
            await page.get_by_role("link", name=room, exact=True).click()
            await expect(page.locator("h1")).to_have_text(room)

        assert await page.evaluate("window.pwned === undefined")


async def test_all_can_be_reached_from_the_keyboard(browser: Browser, address: str) -> None:
    async with open_console(browser, address) as page:
        await expect(page.get_by_role("link", name="Write a rule")).to_be_visible()
        while await page.evaluate("document.activeElement.textContent") != "Ledger":
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        await expect(page.locator("h1")).to_have_text("Ledger")
        assert await page.evaluate("document.activeElement.id") == "view"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.name") == "user"


async def test_nothing_sticks_out_at_the_side(browser: Browser, address: str) -> None:
    await put_live(address, "antidisestablishmentarianism_antidisest", "narrow.ready")
    await happen(address, "narrow.ready", "x" * 256, drink="y" * 300)
    async with open_console(browser, address) as page:
        for room in ("Ledger", "Rules", "Funnel", "Live", "Dead letters"):
            await page.get_by_role("link", name=room, exact=True).click()
            await expect(page.locator("h1")).to_have_text(room)
            shown = page.locator("#room .table, #room .empty, #room .card")
            await expect(shown.first).to_be_visible()
            for width in (320, 390, 768):
                await page.set_viewport_size({"width": width, "height": 740})
                for box in ("document.documentElement", "document.querySelector('#view')"):
                    assert await page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth"), width


async def test_a_server_that_is_gone_is_told_and_the_console_goes_on_when_it_is_back(
    browser: Browser, house: House
) -> None:
    async with open_console(browser, house.open(), "rules/+") as page:
        await expect_verdict(page, "This rule is right.")
        await write(page, "name: kept\n")
        house.close()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("The server does not answer")
        await expect(page.locator("#switch")).to_contain_text("Not known")

        house.open()
        await expect(page.locator("#switch-words")).to_have_text("Outreach is on.")
        await expect(alert).to_be_empty()
        assert await page.get_by_label("The rule, as YAML").input_value() == "name: kept\n"
