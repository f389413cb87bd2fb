"""The talk page over WebRTC and over a WebSocket, and what happens when a wire is cut."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.static.conftest import House
from tests.static.talk_pages import (
    LONG_QUESTION,
    MICROPHONE,
    PATIENCE_MS,
    QUESTION,
    ask,
    begin,
    choosing,
    expect_answer,
    expect_audible,
    expect_state,
    expect_wire,
    open_page,
    played,
    say,
    until,
)
from tests.support.spoken import speak_to_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIRES = ["webrtc", "websocket"]


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """QUESTION as a person says it, between two silences."""
    return speak_to_file(tmp_path_factory.mktemp("speech") / "question.wav", 0.2, QUESTION, 0.5)


async def test_a_spoken_question_is_answered_aloud_over_a_websocket(
    browser: Browser, address: str, question: Path
) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE, choosing("websocket"))) as page:
        await begin(page)
        await expect_wire(page, "websocket")
        greeted = await played(page)

        await say(page, question)

        await expect(page.locator(".line.person .words")).to_contain_text(
            "close", timeout=PATIENCE_MS
        )
        await expect_answer(page)
        await expect_audible(page, greeted)
        assert await page.evaluate("overture.lastTurn.voice_to_voice") > 0


@pytest.mark.parametrize("wire", WIRES)
async def test_speaking_over_the_answer_stops_it_and_only_what_was_heard_stays(
    browser: Browser, address: str, question: Path, wire: str
) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE, choosing(wire))) as page:
        await begin(page)
        greeted = await played(page)
        await ask(page, LONG_QUESTION)
        await expect_audible(page, greeted)

        await say(page, question)

        cut = page.locator(".line.agent.cut").first
        await expect(cut).to_contain_text("interrupted here", timeout=PATIENCE_MS)
        await expect(cut.locator(".words")).to_contain_text("—")
        await expect(page.locator(".line.person .words").last).to_contain_text(
            "close", timeout=PATIENCE_MS
        )


EXAGGERATING = """
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  const told = typeof data === "string" && JSON.parse(data);
  if (told.type !== "conversation.item.truncate") return send.call(this, data);
  send.call(this, JSON.stringify({ ...told, audio_end_ms: 1e6 }));
};
"""
"""The page believes to have played far more than was sent."""


async def test_who_played_more_than_was_sent_is_not_bothered_with_it(
    browser: Browser, address: str
) -> None:
    scripts = (MICROPHONE, choosing("websocket"), EXAGGERATING)
    async with open_page(browser, address, scripts=scripts) as page:
        await begin(page)
        greeted = await played(page)
        await ask(page, LONG_QUESTION)
        await expect_audible(page, greeted)
        greeted = await played(page)
        await ask(page, QUESTION)
        # The greeting may have been cut before it.
        await expect(page.locator(".line.agent.cut").last).to_contain_text(
            "interrupted here", timeout=PATIENCE_MS
        )
        await expect_answer(page)
        await expect(page.locator(".direction")).to_have_count(0)


@pytest.mark.parametrize("wire", WIRES)
async def test_the_talk_goes_on_after_the_server_was_killed_in_the_middle_of_a_sentence(
    browser: Browser, house: House, address: str, wire: str
) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE, choosing(wire))) as page:
        await begin(page)
        greeted = await played(page)
        await ask(page, LONG_QUESTION)
        await expect_audible(page, greeted)

        house.kill()

        await expect_state(page, "away")
        heard = await played(page)
        broken = page.locator(".line.agent").last
        await expect(broken).to_contain_text("broken off here")
        answer = await broken.locator(".words").text_content()
        house.open()
        await expect_wire(page, wire)
        await expect(page.locator(".line.agent")).to_have_count(3, timeout=PATIENCE_MS)
        await expect_audible(page, heard)
        rest = await page.locator(".line.agent .words").last.text_content()
        assert answer
        assert rest
        # What was not heard to its end is said again, and nothing before it.
        assert answer.endswith(rest) or rest in answer
        await expect(page.locator("#trouble")).to_be_hidden()


async def test_what_is_typed_while_the_server_is_away_is_kept_and_answered(
    browser: Browser, house: House, address: str
) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE,)) as page:
        await begin(page)

        house.close()

        await expect(page.get_by_role("alert")).to_contain_text(
            "The server is gone", timeout=PATIENCE_MS
        )
        await ask(page, QUESTION)
        await expect(page.locator(".line.person")).to_contain_text("sent when connected")
        house.open()
        await expect_answer(page)
        await expect(page.locator(".line.person")).not_to_contain_text("sent when")
        await expect(page.locator(".line.person .words")).to_have_text([QUESTION])
        await expect(page.locator("#trouble")).to_be_hidden()


async def test_the_wire_can_be_changed_in_the_middle_of_an_answer_and_is_remembered(
    browser: Browser, address: str
) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE,)) as page:
        await begin(page)
        await expect_wire(page, "webrtc")
        greeted = await played(page)
        await ask(page, LONG_QUESTION)
        await expect_audible(page, greeted)

        await page.select_option("#wire", "websocket")

        await expect_wire(page, "websocket")
        await expect(page.locator(".line.agent")).to_have_count(3, timeout=PATIENCE_MS)
        await expect_audible(page, await played(page))
        await page.reload()
        await expect(page.locator("#wire")).to_have_value("websocket")


@pytest.mark.parametrize(
    "hindrance",
    [
        "delete window.RTCPeerConnection",
        # A network that lets no media through, without saying so.
        "RTCPeerConnection.prototype.setRemoteDescription = async () => {}",
        "window.fetch = ((fetch) => (to, ...rest) => String(to).includes('calls')"
        " ? Promise.resolve(new Response('', { status: 404 })) : fetch(to, ...rest))(fetch)",
    ],
    ids=["no WebRTC in the browser", "no media through the network", "no calls at the server"],
)
async def test_without_webrtc_it_talks_over_a_websocket(
    browser: Browser, address: str, hindrance: str
) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE, hindrance)) as page:
        await page.click("#talk")

        await expect_wire(page, "websocket")
        await expect_audible(page)


async def test_a_double_click_begins_one_talk(browser: Browser, address: str) -> None:
    async with open_page(browser, address, scripts=(MICROPHONE,)) as page:
        await page.dblclick("#talk")

        await expect_wire(page, "webrtc")
        await expect_state(page, "listening")
        await expect(page.locator(".line.agent")).to_have_count(1)


async def test_a_talk_that_is_ended_while_it_begins_stays_ended(
    browser: Browser, address: str
) -> None:
    slow = MICROPHONE + (
        "navigator.mediaDevices.getUserMedia = ((open) => async (wishes) => {"
        " await new Promise((resolve) => (window.allow = resolve)); return open(wishes);"
        "})(navigator.mediaDevices.getUserMedia);"
    )
    async with open_page(browser, address, scripts=(slow,)) as page:
        await page.click("#talk")
        await until(page, "window.allow !== undefined")

        await page.click("#end")
        await page.evaluate("allow()")

        await expect_state(page, "idle")
        assert await page.evaluate("overture.link") == "off"


async def test_a_denied_microphone_is_explained_and_typing_still_works(
    browser: Browser, address: str
) -> None:
    async with open_page(browser, address, allowed=False) as page:
        await page.click("#talk")

        await expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed")
        await ask(page, QUESTION)
        await expect_answer(page)
        await expect(page.locator("#trouble")).to_be_hidden()
