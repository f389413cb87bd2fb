"""The page's sound, sample by sample, in a real browser but without a clock or a sound card."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from tests.support.chromium import launch_chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]

# What each test runs in the page: play(), renderMs() and the messages of one Playout.
PLAYOUT = """
const { Playout } = await import("/static/playout.js");
const said = [];
const playout = new Playout(48000, (message) => said.push(message));
const tone = (ms) => Int16Array.from({ length: 24 * ms }, (_, i) => 16000 * Math.sin(i / 5));
const play = (item, pcm) => playout.obey({ play: item, pcm: pcm.slice().buffer });
const render = (ms) => {
  const out = new Float32Array(48 * ms);
  for (let at = 0; at < out.length; at += 96) playout.render(out.subarray(at, at + 96));
  return out;
};
const loudest = (samples) => samples.reduce((peak, x) => Math.max(peak, Math.abs(x)), 0);
const ends = (kind) => said.filter((message) => message[kind]);
"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a line on stderr for each."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The checkout over HTTP: modules do not load from file addresses."""
    handler = functools.partial(QuietHandler, directory=str(ROOT))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(files: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright)
        page = await browser.new_page()
        await page.goto(f"{files}/static/icon.svg")
        yield page
        await browser.close()


async def in_page(page: Page, script: str) -> Any:
    return await asyncio.wait_for(page.evaluate(f"async () => {{ {script} }}"), timeout=30)


async def playout(page: Page, script: str) -> Any:
    return await in_page(page, PLAYOUT + script)


@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
async def test_a_voice_comes_through_the_resampler_unchanged(page: Page, rate: int) -> None:
    error = await in_page(page, RESAMPLED + f"return residue({rate}, 24000, 1000);")

    assert error < 0.001  # -60 dB


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
async def test_what_24_khz_cannot_carry_does_not_fold_into_the_voice(page: Page, rate: int) -> None:
    level = await in_page(page, RESAMPLED + f"return rms(resampled({rate}, 24000, 14000));")

    assert level < 0.001


async def test_every_sample_is_played_and_counted_once(page: Page) -> None:
    ended = await playout(
        page,
        'play("a", tone(50)); play("a", tone(70)); playout.obey({ end: "a" });'
        "render(200); return said.find((message) => message.ended);",
    )

    assert ended == {"ended": "a", "position": 24 * 120}


async def test_playing_waits_until_40_ms_are_there(page: Page) -> None:
    before, after = await playout(
        page,
        'play("a", tone(39)); const before = loudest(render(10));'
        'play("a", tone(1)); return [before, loudest(render(10))];',
    )

    assert before == 0
    assert after > 0.4


async def test_a_short_word_is_played_although_no_more_comes(page: Page) -> None:
    heard = await playout(
        page, 'play("a", tone(15)); playout.obey({ end: "a" }); return loudest(render(20));'
    )

    assert heard > 0.4


async def test_audio_that_came_late_is_counted_as_late(page: Page) -> None:
    counters = await playout(
        page,
        'play("a", tone(100)); render(160); play("a", tone(100)); render(50);'
        "return playout.counters;",
    )

    assert counters["underruns"] == 1
    assert counters["lateMs"] == pytest.approx(60, abs=4)


async def test_delay_left_by_an_underrun_is_given_back_in_a_pause(page: Page) -> None:
    left = await playout(
        page,
        'play("a", tone(50)); play("a", new Int16Array(24 * 600)); play("a", tone(300));'
        "render(400); return playout.fill / 24;",
    )

    assert left < 400  # of 950 ms, 550 would be left without skipping


async def test_no_word_is_dropped_to_catch_up(page: Page) -> None:
    left = await playout(page, 'play("a", tone(900)); render(300); return playout.fill / 24;')

    assert left == pytest.approx(600, abs=2)


async def test_an_interruption_is_silent_within_8_ms_and_says_where_it_stopped(page: Page) -> None:
    after, stopped = await playout(
        page,
        'play("a", tone(500)); render(100); playout.obey({ flush: true });'
        'render(8); return [loudest(render(300)), ends("stopped")];',
    )

    assert after < 0.001
    assert [message["stopped"] for message in stopped] == ["a"]
    assert stopped[0]["position"] == pytest.approx(24 * 100, abs=48)


async def test_what_follows_an_interruption_is_played_from_its_start(page: Page) -> None:
    ended = await playout(
        page,
        'play("a", tone(500)); render(100); playout.obey({ flush: true });'
        'play("b", tone(80)); playout.obey({ end: "b" }); render(200); return ends("ended");',
    )

    assert ended == [{"ended": "b", "position": 24 * 80}]


async def test_a_paused_answer_goes_on_where_it_stopped(page: Page) -> None:
    paused, ended = await playout(
        page,
        'play("a", tone(200)); playout.obey({ end: "a" }); render(80);'
        "playout.obey({ pause: true }); render(4); const paused = loudest(render(500));"
        'playout.obey({ pause: false }); render(300); return [paused, ends("ended")];',
    )

    assert paused == 0
    assert ended == [{"ended": "a", "position": 24 * 200}]


async def test_memory_is_bounded_against_a_server_that_does_not_pace(page: Page) -> None:
    seconds = await playout(
        page, 'for (let i = 0; i < 100; i++) play("a", tone(1000)); return playout.fill / 24000;'
    )

    assert seconds == 30


RESAMPLED = """
const { Resampler } = await import("/static/resampler.js");
const resampled = (from, to, frequency) => {
  const resampler = new Resampler(from, to);
  const output = [];
  for (let i = 0; i < from / 4; i++) {
    resampler.feed(Math.sin((2 * Math.PI * frequency * i) / from));
    while (resampler.ready) output.push(resampler.take());
  }
  return output.slice(to / 20); // without the filter's start
};
const rms = (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
// What is left when the sine itself, at its best phase and level, is taken out.
const residue = (from, to, frequency) => {
  const samples = resampled(from, to, frequency);
  const angle = (i) => (2 * Math.PI * frequency * i) / to;
  const part = (wave) =>
    (2 / samples.length) * samples.reduce((sum, x, i) => sum + x * wave(angle(i)), 0);
  const [sine, cosine] = [part(Math.sin), part(Math.cos)];
  if (Math.abs(Math.hypot(sine, cosine) - 1) > 0.001) return 1;
  return rms(samples.map((x, i) => x - sine * Math.sin(angle(i)) - cosine * Math.cos(angle(i))));
};
"""
