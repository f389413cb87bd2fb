"""A real Chromium for the page's tests: the system's own, headless, deaf to the network."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright

FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
]


async def launch_chromium(playwright: Playwright, microphone: Path | None = None) -> Browser:
    """microphone: a WAV file that is spoken once into the page's microphone, permission given."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed (Debian: apt install chromium)")
    flags = list(FLAGS)
    if microphone is not None:
        flags += [
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
            "--use-fake-ui-for-media-stream",
        ]
    return await playwright.chromium.launch(executable_path=executable, args=flags)
