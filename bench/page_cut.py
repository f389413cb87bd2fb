"""The connection is cut for three seconds in the middle of a sentence: when does the talk go on?

From the moment at which the server can be reached again to the first audible sample of the rest of
the answer, and which of its sentences were lost or said twice.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import psutil

from bench.barge_in import QUESTION
from bench.figures import Figures, summary
from bench.page_browser import TalkPage, chromium, write_microphone
from bench.page_proxy import Proxy, proxy
from bench.server_under_test import free_port, launch, ready, stop
from voice.audio import SPEAKING_RATE

OVERTURE = str(Path(sys.executable).parent / "overture")
AWAY = 3.0
"""Seconds the connection is away, at least; a killed server may take longer to start."""
INTO_THE_ANSWER = 1.0
"""Seconds of the answer that are heard before the cut."""
START_TAKES = 1.8
"""Seconds from starting the server until it is ready, about."""
ANSWER_LIMIT = 15.0
GREETING = 4.5
"""Seconds after the click in which the greeting is over."""


class Server:
    """One that can be killed and comes back on the same port with the same data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._process = self._launch()

    async def ready(self) -> None:
        """Waits until sessions can begin."""
        await ready(self.base, self._process, self._log)

    def kill(self) -> None:
        """As `kill -9` does it; what it had started ends with it."""
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        psutil.wait_procs(children, timeout=5)

    async def start(self) -> None:
        """Anew; returns when it is ready."""
        self._process = self._launch()
        await self.ready()

    def stop(self) -> None:
        """For good."""
        stop(self._process)

    @property
    def _log(self) -> Path:
        return self._folder / "bench-server.log"

    def _launch(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "OVERTURE_PORT": str(self.port),
            "OVERTURE_HOST": "127.0.0.1",
            "OVERTURE_DATA_DIR": str(self._folder),
        }
        return launch([OVERTURE, "serve", "agents/cafe"], environment, self._log)


async def measure(*, times: int) -> Figures:
    """Each way of being cut, `times` times: the server killed on both wires, the network once."""
    figures: Figures = {}
    for name, wire, killed in (
        ("webrtc_killed", "webrtc", True),
        ("websocket_killed", "websocket", True),
        ("websocket_dropped", "websocket", False),
    ):
        cuts = [await _once(wire, number, killed=killed) for number in range(times)]
        figures[name] = {"goes_on_ms": summary([cut["goes_on_ms"] for cut in cuts]), "each": cuts}
    return figures


async def _once(wire: str, number: int, *, killed: bool) -> Figures:
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as name:
        folder = Path(name)
        silence = write_microphone(folder / "silence.wav", [90.0], SPEAKING_RATE)
        server = Server(folder)
        try:
            await server.ready()
            async with (
                proxy("127.0.0.1", server.port) as network,
                chromium(silence) as browser,
            ):
                base = server.base if killed else f"http://127.0.0.1:{network.port}"
                async with browser.talk_page(base, wire, f"bench-cut-{number}") as page:
                    whole = await _whole_answer(page)
                    cut = _kill(server) if killed else _drop(network)
                    return await _cut(page, whole, cut)
        finally:
            server.stop()


async def _whole_answer(page: TalkPage) -> list[str]:
    """The sentences of the answer when nothing happens to it."""
    await page.click()
    await asyncio.sleep(GREETING)
    await page.type(QUESTION)
    await _settled(page)
    return _sentences((await _lines(page))[-1])


async def _cut(page: TalkPage, whole: list[str], cut: Coroutine[Any, Any, float]) -> Figures:
    asked = time.time()
    known = len(await _lines(page))
    await page.type(QUESTION)
    await page.until(lambda: page.first_audible(asked) is not None, ANSWER_LIMIT, "answer")
    await asyncio.sleep(INTO_THE_ANSWER)
    back = await cut
    await page.until(lambda: page.first_audible(back) is not None, ANSWER_LIMIT, "rest")
    audible = page.first_audible(back)
    assert audible is not None
    await _settled(page)
    said = [_sentences(line) for line in (await _lines(page))[known:]]
    heard = [sentence for line in said for sentence in line]
    return {
        "goes_on_ms": (audible - back) * 1000,
        "repeated": len(heard) - len(set(heard)),
        "missing": sum(sentence not in heard for sentence in whole),
        "said": said,
    }


async def _kill(server: Server) -> float:
    """When it was back, in Unix time."""
    began = time.monotonic()
    server.kill()
    # Started early enough to be ready after AWAY, as far as a start can be foreseen.
    await asyncio.sleep(max(0.0, AWAY - START_TAKES - (time.monotonic() - began)))
    await server.start()
    return time.time()


async def _drop(network: Proxy) -> float:
    await network.cut()
    await asyncio.sleep(AWAY)
    await network.open()
    return time.time()


async def _settled(page: TalkPage) -> None:
    """The agent has spoken to its end."""

    def quiet() -> bool:
        return page.silent_for(1.2)

    await asyncio.sleep(1.0)
    await page.until(quiet, ANSWER_LIMIT + 10, "end of the answer")


async def _lines(page: TalkPage) -> list[str]:
    lines: list[str] = await page.page.eval_on_selector_all(
        ".line.agent .words", "lines => lines.map((line) => line.textContent)"
    )
    return lines


def _sentences(line: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?]) +", line.strip(" —")) if part]
