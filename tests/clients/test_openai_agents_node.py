"""The stock JavaScript client, unmodified, under Node, over a WebSocket."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.npm import installed, node
from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import pcm_24k, silence
from voice.audio import pcm_to_bytes

HERE = Path(__file__).parent / "javascript"

Notes = dict[str, Any]


@pytest.fixture(scope="module")
def scripts() -> Path:
    """The client and our scripts, in one folder."""
    folder = installed(HERE / "packages.json")
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


async def noted(
    scripts: Path, serving: Serving, scenario: str, speech: Path | None = None
) -> Notes:
    """What the client noted in this scenario."""
    url = f"{serving.ws_url}/realtime?model=cafe"
    process = await asyncio.create_subprocess_exec(
        node(),
        str(scripts / "node.mjs"),
        scenario,
        url,
        str(speech or ""),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(2 * PATIENCE):
            output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    notes: Notes = json.loads(output)
    assert notes["errors"] == []
    assert "error" not in notes["events"]
    return notes


def said(notes: Notes) -> str:
    """The words of the agent's last message, as the client's history has them."""
    messages = [item for item in notes["history"] if item.get("role") == "assistant"]
    part = messages[-1]["content"][0]
    text: str = part.get("text") or part.get("transcript") or ""
    return text


def speech_file(folder: Path, *words: str, pause: float = 1.5) -> Path:
    """Speech as the script wants it."""
    file = folder / "speech.pcm"
    parts = [pcm_24k(speak(text)) for text in words]
    file.write_bytes(pcm_to_bytes(np.concatenate([*parts, silence(pause)])))
    return file


async def test_text(scripts: Path, serving: Serving) -> None:
    notes = await noted(scripts, serving, "text")
    assert "5" in said(notes)
    assert notes["audioBytes"] == 0
    (response,) = notes["responses"]
    assert response["status"] == "completed"


async def test_audio(scripts: Path, serving: Serving, tmp_path: Path) -> None:
    speech = speech_file(tmp_path, "when do you close on sunday")
    notes = await noted(scripts, serving, "audio", speech)
    asked = next(item for item in notes["history"] if item.get("role") == "user")
    assert "sunday" in asked["content"][0]["transcript"].lower()
    assert "5" in said(notes) or "five" in said(notes).lower()
    assert notes["audioBytes"] > 24_000 * 2
    assert notes["interrupted"] == 0


@pytest.mark.parametrize("scenario", ["bargeIn", "bargeInAtOnce"])
async def test_barge_in(scripts: Path, serving: Serving, tmp_path: Path, scenario: str) -> None:
    speech = speech_file(tmp_path, "no wait I would like something else please")
    notes = await noted(scripts, serving, scenario, speech)
    assert notes["interrupted"] >= 1
    first = notes["responses"][0]
    assert first["status"] == "cancelled"
    assert first["status_details"]["reason"] == "turn_detected"
    assert "conversation.item.truncated" in notes["events"]


async def test_a_function_call(scripts: Path, serving: Serving) -> None:
    notes = await noted(scripts, serving, "functionCall")
    assert notes["calls"] == [{}]
    assert "night shift" in said(notes)
    call = next(item for item in notes["history"] if item["type"] == "function_call")
    assert call["output"] == "I am the night shift."
