"""The stock JavaScript client, unmodified, under Node, over a WebSocket."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.npm import node
from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving
from tests.support.stock_client import Notes, asked, said, without_errors
from tests.support.wire_client import pcm_24k, silence
from voice.audio import pcm_to_bytes


async def noted(
    javascript: Path, serving: Serving, scenario: str, speech: Path | None = None
) -> Notes:
    """What the client noted in this scenario."""
    process = await asyncio.create_subprocess_exec(
        node(),
        str(javascript / "node.mjs"),
        scenario,
        f"{serving.ws_url}/realtime?model=cafe",
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
    return without_errors(json.loads(output))


def speech_file(folder: Path, words: str) -> Path:
    """Speech and the silence after it, as the script wants it."""
    file = folder / "speech.pcm"
    file.write_bytes(pcm_to_bytes(np.concatenate([pcm_24k(speak(words)), silence(1.5)])))
    return file


async def test_text(javascript: Path, serving: Serving) -> None:
    notes = await noted(javascript, serving, "text")
    assert "5" in said(notes)
    assert notes["audioBytes"] == 0
    (response,) = notes["responses"]
    assert response["status"] == "completed"


async def test_audio(javascript: Path, serving: Serving, tmp_path: Path) -> None:
    speech = speech_file(tmp_path, "when do you close on sunday")
    notes = await noted(javascript, serving, "audio", speech)
    assert "sunday" in asked(notes).lower()
    assert "5" in said(notes)
    assert notes["audioBytes"] > 24_000 * 2
    assert notes["interrupted"] == 0


@pytest.mark.parametrize("scenario", ["bargeIn", "bargeInAtOnce"])
async def test_barge_in(javascript: Path, serving: Serving, tmp_path: Path, scenario: str) -> None:
    speech = speech_file(tmp_path, "no wait I would like something else please")
    notes = await noted(javascript, serving, scenario, speech)
    assert notes["interrupted"] >= 1
    first = notes["responses"][0]
    assert first["status"] == "cancelled"
    assert first["status_details"]["reason"] == "turn_detected"
    assert "conversation.item.truncated" in notes["events"]


async def test_a_function_call(javascript: Path, serving: Serving) -> None:
    notes = await noted(javascript, serving, "functionCall")
    assert notes["calls"] == [{}]
    assert "night shift" in said(notes)
    call = next(item for item in notes["history"] if item["type"] == "function_call")
    assert call["output"] == "I am the night shift."
