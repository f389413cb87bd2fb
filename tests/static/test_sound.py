"""The page's sound, sample by sample, in a real browser but without a clock or a sound card."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.static.file_server import serving_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    with serving_files() as files:
        page = await browser.new_page()
        await page.goto(f"{files}/static/icon.svg")
        yield page
        await page.close()


async def in_page(page: Page, script: str) -> Any:
    async with asyncio.timeout(30):
        return await page.evaluate(f"async () => {{ {script} }}")


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


async def test_nothing_clicks_when_a_paused_answer_is_cut(page: Page) -> None:
    after = await playout(
        page,
        'play("a", tone(500)); render(100); playout.obey({ pause: true }); render(100);'
        "playout.obey({ flush: true }); return loudest(render(300));",
    )

    assert after == 0


# The same for a voice that comes as a stream: hear(ms, level) gives what sounds of so much of it.
STREAM = """
const { StreamPlayout } = await import("/static/stream-playout.js");
const said = [];
const stream = new StreamPlayout(48000, (message) => said.push(message));
const hear = (ms, level = 0.5) => {
  const out = new Float32Array(48 * ms);
  for (let at = 0; at < out.length; at += 96) {
    stream.render(new Float32Array(96).fill(level), out.subarray(at, at + 96));
  }
  return out;
};
const loudest = (samples) => samples.reduce((peak, x) => Math.max(peak, Math.abs(x)), 0);
const ends = (kind) => said.filter((message) => message[kind]);
"""


async def stream(page: Page, script: str) -> Any:
    return await in_page(page, STREAM + script)


async def test_a_stream_is_counted_from_its_first_sound_to_its_last(page: Page) -> None:
    ended = await stream(
        page,
        'stream.obey({ begin: "a" }); hear(60, 0); hear(200); hear(100, 0); hear(300);'
        'stream.obey({ end: "a" }); hear(200, 0); return ends("ended");',
    )

    assert ended == [{"ended": "a", "position": 24 * 600}]


async def test_a_paused_stream_is_silent_and_loses_nothing_of_what_was_on_its_way(
    page: Page,
) -> None:
    paused, ended = await stream(
        page,
        'stream.obey({ begin: "a" }); hear(100); stream.obey({ pause: true }); hear(2);'
        "const paused = loudest(hear(58)); hear(500, 0); stream.obey({ pause: false }); hear(100);"
        'stream.obey({ end: "a" }); hear(400, 0); return [paused, ends("ended")];',
    )

    assert paused == 0
    assert ended[0]["position"] == pytest.approx(24 * 260, abs=24 * 3)


async def test_the_delay_that_a_pause_left_is_given_back_between_words(page: Page) -> None:
    held = await stream(
        page,
        'stream.obey({ begin: "a" }); hear(100); stream.obey({ pause: true }); hear(60);'
        "stream.obey({ pause: false }); hear(100); const before = stream.heldSamples;"
        "hear(80, 0); return [before, stream.heldSamples];",
    )

    assert held[0] > 0
    assert held[1] == 0


async def test_what_is_on_its_way_when_a_stream_is_cut_is_never_heard(page: Page) -> None:
    after, stopped, later = await stream(
        page,
        'stream.obey({ begin: "a" }); hear(100); stream.obey({ flush: true }); hear(2);'
        'const after = loudest(hear(80)); hear(20, 0); stream.obey({ begin: "b" });'
        'return [after, ends("stopped"), loudest(hear(40))];',
    )

    assert after == 0
    assert stopped == [{"stopped": "a", "position": 24 * 100}]
    assert later > 0.4


async def test_an_item_begins_when_the_one_before_has_sounded_to_its_end(page: Page) -> None:
    ended = await stream(
        page,
        'stream.obey({ begin: "a" }); hear(100); stream.obey({ begin: "b" }); hear(100);'
        'hear(200, 0); hear(50); stream.obey({ end: "b" }); hear(200, 0); return ends("ended");',
    )

    assert ended == [
        {"ended": "a", "position": 24 * 200},
        {"ended": "b", "position": 24 * 50},
    ]


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
