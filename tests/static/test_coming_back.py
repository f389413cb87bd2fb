"""The parts that bring a lost connection back, one by one, in a real browser without a server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.static.file_server import serving_files

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page that may import the modules."""
    with serving_files() as files:
        page = await browser.new_page()
        await page.goto(f"{files}/static/icon.svg")
        yield page
        await page.close()


async def in_page(page: Page, script: str) -> Any:
    async with asyncio.timeout(30):
        return await page.evaluate(f"async () => {{ {script} }}")


WAITS = """
const { Retries } = await import("/static/retries.js");
const retries = new Retries(() => 0.5); // no jitter
const waits = (count, unwelcome) => Array.from({ length: count }, () => retries.next(unwelcome));
"""


async def test_the_first_tries_come_at_once_and_the_later_ones_never_stop(page: Page) -> None:
    waits = await in_page(page, WAITS + "return waits(100);")

    assert waits[:4] == [0, 100, 200, 250]
    assert sum(waits[:50]) > 10_000
    assert waits[-1] == 8000


async def test_a_server_that_said_no_is_not_pressed(page: Page) -> None:
    waits = await in_page(page, WAITS + "return waits(6, true);")

    assert waits == [1000, 2000, 4000, 8000, 8000, 8000]


async def test_after_a_success_the_tries_begin_anew(page: Page) -> None:
    waits = await in_page(page, WAITS + "waits(70); retries.reset(); return waits(2);")

    assert waits == [0, 100]


async def test_pages_do_not_all_come_back_at_the_same_moment(page: Page) -> None:
    early, late = await in_page(
        page,
        'const { Retries } = await import("/static/retries.js");'
        "return [0, 1].map((random) => {"
        " const retries = new Retries(() => random);"
        " retries.tries = 10;"
        " return retries.next(); });",
    )

    assert early == pytest.approx(0.8 * 250)
    assert late == pytest.approx(1.2 * 250)


WATCH = """
const { Watch } = await import("/static/watch.js");
class Transport { static patience = { quietMs: 0, answerMs: 50 }; lastHeard = -1; }
const transport = new Transport();
"""


async def test_a_connection_that_does_not_answer_is_dead(page: Page) -> None:
    asked = await in_page(
        page,
        WATCH + "let asked = 0;"
        "await new Promise((resolve) => new Watch({ ask: () => asked++, onDead: resolve })"
        ".begin(transport)); return asked;",
    )

    assert asked == 1


async def test_a_connection_that_answers_lives(page: Page) -> None:
    died = await in_page(
        page,
        WATCH + "let asked = 0; let died = false;"
        "await new Promise((resolve) => {"
        " const watch = new Watch({"
        "  ask: () => { transport.lastHeard = performance.now() + 1;"
        "   if (++asked === 3) { watch.end(); resolve(); } },"
        "  onDead: () => (died = true) });"
        " watch.begin(transport); }); return died;",
    )

    assert died is False


TYPED = """
const { Typed } = await import("/static/typed.js");
const typed = new Typed();
const texts = () => typed.take().map(([, text]) => text);
"""


async def test_what_was_sent_over_a_lost_connection_is_sent_again_unless_it_arrived(
    page: Page,
) -> None:
    first, meanwhile, again = await in_page(
        page,
        TYPED + 'const one = typed.add("one"); typed.add("two"); const first = texts();'
        "typed.arrived(one); const meanwhile = texts(); typed.lost();"
        "return [first, meanwhile, texts()];",
    )

    assert first == ["one", "two"]
    assert meanwhile == []
    assert again == ["two"]


SPOKEN = """
const { SpokenItems } = await import("/static/spoken-items.js");
const told = [];
const spoken = new SpokenItems({
  onBegin: (item) => told.push(["begin", item]),
  onEnd: (item) => told.push(["end", item]),
});
"""


@pytest.mark.parametrize(
    "order",
    [
        'spoken.itemAdded("r", "i"); spoken.audioStarted("r");',
        'spoken.audioStarted("r"); spoken.itemAdded("r", "i");',
    ],
    ids=["item first", "audio first"],
)
async def test_an_item_sounds_in_whatever_order_its_events_come(page: Page, order: str) -> None:
    told = await in_page(page, SPOKEN + order + 'spoken.audioStopped("r"); return told;')

    assert told == [["begin", "i"], ["end", "i"]]


async def test_a_response_without_sound_leaves_nothing_behind(page: Page) -> None:
    left = await in_page(
        page,
        SPOKEN + 'spoken.itemAdded("r", "i"); spoken.responseOver("r"); return spoken.items.size;',
    )

    assert left == 0
