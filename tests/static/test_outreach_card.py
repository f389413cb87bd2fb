"""The cards of what is said unasked, and the bell, as the talk page makes them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.static.file_server import serving_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Whatever the cards tell goes into `told`; the tab can be hidden and looked at again.
SETTING = """
document.body.replaceChildren();
document.body.innerHTML = '<div id="cards"></div><button id="bell"></button><input id="say">';
const told = [];
const hide = (hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};
hide(false);
const { OutreachCards } = await import("/static/outreach-card.js");
const { Bell } = await import("/static/bell.js");
const box = document.getElementById("cards");
let connected = true;
const cards = new OutreachCards(box, {
  onStop: (id) => (connected && told.push(`stop ${id}`), connected),
  onShown: (id) => told.push(`shown ${id}`),
  announce: (text) => told.push(`announce ${text}`),
});
const card = (id, more = {}) => ({ outreach_id: id, text: "Your latte is ready.",
  reason: "You ordered it.", rule: "order_ready", purpose: "orders", spoken_here: true, ...more });
const words = () => [...box.querySelectorAll("p")].map((p) => p.textContent).filter(Boolean);
const buttons = () => [...box.querySelectorAll("button")];
const press = (name) => buttons().find((button) => button.textContent === name).click();
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page that may import the modules."""
    with serving_files() as files:
        page = await browser.new_page()
        await page.goto(f"{files}/tests/static/blank.html")
        yield page
        await page.close()


async def in_page(page: Page, script: str, given: object = None) -> Any:
    async with asyncio.timeout(30):
        return await page.evaluate(f"async (given) => {{ {SETTING} {script} }}", given)


async def test_a_card_tells_what_was_said_and_why(page: Page) -> None:
    script = "cards.show(card('a'), false); return [words(), told]"

    assert await in_page(page, script) == [["Your latte is ready.", "Why: You ordered it."], []]


async def test_what_another_tab_says_is_shown_and_announced(page: Page) -> None:
    script = "cards.show(card('a', { spoken_here: false }), false); return [words().at(-1), told]"

    assert await in_page(page, script) == [
        "Heard in another tab",
        ["announce Your latte is ready."],
    ]


async def test_stop_these_is_sent_once_and_the_card_goes_when_the_server_agrees(page: Page) -> None:
    script = """
      cards.show(card('a'), false);
      press("Stop these");
      press("Stop these");
      const said = words().at(-1);
      cards.gone("a");
      return [told, said, box.childElementCount];
    """

    assert await in_page(page, script) == [
        ["stop a", "announce No more of these."],
        "No more of these.",
        0,
    ]


async def test_without_a_connection_stop_these_says_so_and_can_be_pressed_again(page: Page) -> None:
    script = """
      connected = false;
      cards.show(card('a'), false);
      press("Stop these");
      const said = words().at(-1);
      connected = true;
      press("Stop these");
      return [said, told[0]];
    """

    assert await in_page(page, script) == [
        "Not connected. Try again when the talk is back.",
        "stop a",
    ]


async def test_dismissing_gives_the_keyboard_to_what_is_next(page: Page) -> None:
    script = """
      cards.show(card('a'), false);
      cards.show(card('b'), false);
      box.querySelector(".shut").click();
      const next = document.activeElement.closest(".card") === box.firstElementChild;
      box.querySelector(".shut").click();
      return [next, document.activeElement.id, box.childElementCount];
    """

    assert await in_page(page, script) == [True, "say", 0]


async def test_a_page_without_sound_acknowledges_once_its_tab_is_looked_at(page: Page) -> None:
    script = """
      hide(true);
      cards.show(card('a'), true);
      const before = told.includes("shown a");
      hide(false);
      hide(true);
      hide(false);
      return [before, told.filter((each) => each === "shown a").length];
    """

    assert await in_page(page, script) == [False, 1]


async def test_a_page_that_sounds_acknowledges_nothing(page: Page) -> None:
    script = "cards.show(card('a'), false); hide(true); hide(false); return told"

    assert await in_page(page, script) == []


async def test_the_same_prompt_has_one_card_and_three_are_the_most(page: Page) -> None:
    script = """
      for (const id of ["a", "a", "b", "c", "d"]) cards.show(card(id, { text: id }), false);
      return [...box.querySelectorAll(".said")].map((said) => said.textContent);
    """

    assert await in_page(page, script) == ["b", "c", "d"]


async def test_hostile_words_are_text(page: Page) -> None:
    hostile = '<img src=x onerror="window.pwned = 1">'
    script = """
      cards.show(card('a', { text: given, reason: given }), false);
      return [box.querySelectorAll("img").length, words(), window.pwned ?? null];
    """

    images, words, pwned = await in_page(page, script, hostile)
    assert (images, pwned) == (0, None)
    assert words == [hostile, f"Why: {hostile}"]


# The browser's own class asks a person; this one is asked by the page in the same way.
NOTIFICATION = """
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() {
    told.push("asked");
    return (Notification.permission = given);
  }
  constructor(title, { body, tag }) {
    super();
    told.push(`${tag}: ${title}: ${body}`);
  }
};
localStorage.removeItem("overture.notify");
const pressed = () => new Promise((resolve) => {
  const bell = document.getElementById("bell");
  new MutationObserver(resolve).observe(bell, { attributes: true, attributeFilter: ["title"] });
  bell.click();
});
"""


async def test_the_bell_asks_on_a_press_only_and_rings_while_the_tab_is_hidden(page: Page) -> None:
    script = """
      const bell = new Bell(document.getElementById("bell"));
      const before = [...told];
      await pressed();
      bell.ring("a", "Café", "seen");
      hide(true);
      bell.ring("b", "Café", "Your latte is ready.");
      await pressed();
      bell.ring("c", "Café", "switched off");
      return [before, told];
    """

    before, told = await in_page(page, NOTIFICATION + script, "granted")
    assert before == []
    assert told == ["asked", "b: Café: Your latte is ready."]


async def test_a_refused_bell_says_where_to_allow_it_and_stays_silent(page: Page) -> None:
    script = """
      const bell = new Bell(document.getElementById("bell"));
      await pressed();
      hide(true);
      bell.ring("a", "Café", "x");
      return [told, document.getElementById("bell").title.includes("blocks")];
    """

    assert await in_page(page, NOTIFICATION + script, "denied") == [["asked"], True]
