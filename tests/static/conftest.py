"""One server and one browser a module: both take seconds to start."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bench.server_under_test import listener
from tests.support.chromium import launch_chromium
from tests.support.overture_process import free_port, overture_serving


class House:
    """A server with the demo agent, on the same port and with the same data each time."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._port = free_port()
        self._running: contextlib.ExitStack | None = None

    def open(self) -> str:
        """Starts it if it does not run; its address."""
        if self._running is None:
            with contextlib.ExitStack() as stack:
                stack.enter_context(overture_serving(self._data, self._port))
                self._running = stack.pop_all()
        return f"http://127.0.0.1:{self._port}"

    def close(self) -> None:
        """Stops it as Ctrl-C does."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def kill(self) -> None:
        """Stops it as `kill -9` does."""
        pid = listener("127.0.0.1", self._port)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The module's server, for tests that stop it."""
    house = House(tmp_path_factory.mktemp("house") / "data")
    yield house
    house.close()


@pytest.fixture
def address(house: House) -> str:
    """Of the server, which runs."""
    return house.open()


@pytest.fixture(scope="module")
def microphone() -> Path | None:
    """A WAV for the browser's fake microphone; a module that wants one says so."""
    return None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(microphone: Path | None) -> AsyncIterator[Browser]:
    """Chromium; each page in it opens in a context of its own."""
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright, microphone)
        yield browser
        await browser.close()
