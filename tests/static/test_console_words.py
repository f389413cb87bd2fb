"""What the console makes of the server's answers, module by module, in a real browser."""

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
        await page.goto(f"{files}/tests/static/blank.html")
        yield page
        await page.close()


async def in_page(page: Page, module: str, script: str, given: object = None) -> Any:
    """The script's value; `m` is the module of that name, `given` what it is given."""
    async with asyncio.timeout(30):
        return await page.evaluate(
            "async ([module, given]) => {"
            "  const m = await import(`/static/console/${module}.js`);"
            f"  {script}"
            "}",
            [module, given],
        )


def step(state: str, at: float, lasted: float | None, **more: object) -> dict[str, object]:
    """As GET /v1/outreach/{id} tells it."""
    return {"state": state, "at": at, "lasted_s": lasted, "reason": "", "words": ""} | more


async def why(page: Page, steps: list[dict[str, object]], *, over: bool, now: float) -> str:
    given = {"steps": steps, "over": over, "now": now}
    script = "return m.whyItWaited(given.steps, given.over, given.now)"
    words: str = await in_page(page, "story", script, given)
    return words


async def test_a_wait_is_told_with_its_length_and_its_reason(page: Page) -> None:
    steps = [
        step("matched", 100, 0),
        step("published", 100, 0.1, words="waited 0.1 s for a session of the person"),
        step("reserved", 100.1, 40, words="waited 40.0 s for the person to finish speaking"),
        step("heard", 140.1, None),
    ]

    told = await why(page, steps, over=True, now=9999)

    assert told == "It waited 40 s: 40 s for the person to finish speaking."


async def test_the_longest_wait_is_told_first_and_reasons_stand_beside_it(page: Page) -> None:
    steps = [
        step("published", 0, 3),
        step("held", 3, 300, reason="quiet hours until 08:00 in Europe/London"),
        step("published", 303, 2),
        step("speaking", 305, 2),
        step("heard", 307, None),
    ]

    told = await why(page, steps, over=True, now=9999)

    assert told == (
        "It waited 5 min 5 s: 5 min held back (quiet hours until 08:00 in Europe/London); "
        "5.0 s for a session of the person."
    )


async def test_a_prompt_that_waits_still_is_told_as_such(page: Page) -> None:
    told = await why(page, [step("published", 100, None)], over=False, now=160)

    assert told == "It has waited 1 min: 1 min for a session of the person."


async def test_what_did_not_wait_is_not_explained(page: Page) -> None:
    steps = [step("matched", 0, 0.01), step("published", 0, 0.04), step("heard", 0.1, None)]

    assert await why(page, steps, over=True, now=9) == "It did not have to wait."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.34, "340 ms"),
        (4.2, "4.2 s"),
        (40.2, "40 s"),
        (59.7, "1 min"),
        (185, "3 min 5 s"),
        (7200, "2 h"),
        (7800, "2 h 10 min"),
        (259200, "3 days"),
    ],
)
async def test_spans_are_told_in_their_own_measure(page: Page, seconds: float, words: str) -> None:
    assert await in_page(page, "words", "return m.span(given)", seconds) == words


async def test_events_are_read_however_they_were_cut_on_their_way(page: Page) -> None:
    stream = ': hello\n\nevent: step\nid: 2\ndata: {"n": 2,\ndata:  "a": "x y"}\r\n\r\ndata: 3\n\n'

    for size in (1, 7, len(stream)):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        script = "const p = new m.SseParser(); return given.flatMap((piece) => p.feed(piece))"
        assert await in_page(page, "sse", script, pieces) == [{"n": 2, "a": "x y"}, 3]


async def test_any_name_comes_back_out_of_an_address(page: Page) -> None:
    name = "50% off/#?&=<b>ü"

    script = """
      const { room, rest, query } = m.parse(m.address("ledger", [given], { user: given }));
      return [room, ...rest, query.get("user")];
    """

    assert await in_page(page, "router", script, name) == ["ledger", name, name]


async def test_an_address_that_is_broken_is_taken_as_it_stands(page: Page) -> None:
    script = "const { room, rest } = m.parse(given); return [room, ...rest]"

    assert await in_page(page, "router", script, "#/ledger/50%") == ["ledger", "50%"]
    assert await in_page(page, "router", script, "") == ["rules"]


async def test_hostile_words_are_text_wherever_elements_are_made(page: Page) -> None:
    hostile = '<img src=x onerror="window.pwned = 1"></td><script>window.pwned = 1</script>'

    script = """
      const made = m.el("div", { title: given }, given, m.badge(given), m.button(given, () => {}),
        m.field(given, m.el("input"), given), m.empty(given, given),
        m.table(given, [given], [[given]]));
      return [made.querySelectorAll("img, script").length, made.textContent.split(given).length - 1,
        window.pwned ?? null];
    """

    images, texts, pwned = await in_page(page, "dom", script, hostile)
    assert (images, pwned) == (0, None)
    assert texts >= 8


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name: order_ready\nsay: x", "order_ready"),
        ("rules:\n  - name: 'a_b'  # first\n    say: x", "a_b"),
        ("say: 'name: no'\n", ""),
    ],
)
async def test_a_new_rules_name_is_read_from_its_text(page: Page, text: str, name: str) -> None:
    assert await in_page(page, "rule-text", "return m.nameIn(given)", text) == name


async def test_a_mistake_stands_at_its_line_and_can_be_gone_to(page: Page) -> None:
    script = """
      const editor = new m.RuleEditor({ onChange: () => {}, onSave: () => {} });
      document.body.append(editor.element);
      editor.text = "name: a\\nsay: <b>\\nquiet: 3";
      editor.showProblems([{ line: 3, message: given }, { line: null, message: "all of it" }]);
      const mark = editor.element.querySelector(".mark");
      const wrong = [...editor.element.querySelectorAll(".gutter [data-wrong]")];
      editor.element.querySelector(".to-line").click();
      const seen = [mark.textContent, mark.style.getPropertyValue("--line"),
        wrong.map((line) => line.textContent), editor.area.getAttribute("aria-invalid"),
        editor.area.selectionStart, editor.verdict.textContent,
        editor.element.querySelectorAll("b").length];
      editor.showProblems([]);
      const left = editor.element.querySelectorAll(".mark, [data-wrong], li").length;
      seen.push(left, editor.verdict.textContent);
      editor.element.remove();
      return seen;
    """

    seen = await in_page(page, "rule-editor", script, "no <b>key</b>")
    assert seen == [
        "no <b>key</b>",
        "2",
        ["3"],
        "true",
        len("name: a\nsay: <b>\nquiet: 3"),
        "2 problems to mend.",
        0,
        0,
        "This rule is right.",
    ]
