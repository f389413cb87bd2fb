"""The doctor asks recognizer and voice, and says what to do about the one that fails."""

import asyncio
import os
from collections import deque
from pathlib import Path

import pytest

from overture.findings import Finding, Status
from overture.settings import load_settings
from overture.speech_doctor import speech_findings
from tests.support.small_piper import make_small_piper
from tests.support.small_whisper import make_small_whisper
from tests.support.speech_api_server import speech_api_server, unused_url


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("OVERTURE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path / "data"))


async def found(**given: object) -> list[Finding]:
    """On a thread, as the doctor runs loops of its own."""
    settings = load_settings(**given)
    return await asyncio.to_thread(lambda: list(speech_findings(settings)))


def failures(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status is Status.FAIL]


async def test_the_embedded_engines_work(tmp_path: Path) -> None:
    [voice] = await found()
    assert voice.status is not Status.FAIL
    assert voice.what.startswith(("synthesizer flite", "synthesizer espeak"))


async def test_models_on_this_machine_are_tried(tmp_path: Path) -> None:
    make_small_whisper(tmp_path / "data" / "models" / "whisper" / "tiny.en")
    make_small_piper(tmp_path / "data" / "models" / "piper")
    recognizer, voice = await found()
    assert recognizer.what.startswith("recognizer whisper tiny.en: ")
    assert voice.what.startswith("synthesizer piper en_US-small-low: first audio after ")


async def test_remote_engines_are_asked() -> None:
    async with speech_api_server("hello") as server:
        recognizer, voice = await found(recognizer_url=server.url, synthesizer_url=server.url)
    assert recognizer.what.startswith("recognizer openai whisper-1: ")
    assert voice.what.startswith("synthesizer openai tts-1: first audio after ")
    assert not failures([recognizer, voice])


async def test_a_refused_key_fails_with_the_variable_to_look_at() -> None:
    async with speech_api_server("hello") as server:
        server.fails = deque([401, 401])
        refused = failures(await found(recognizer_url=server.url, synthesizer_url=server.url))
    assert ["_KEY" in failure.advice for failure in refused] == [True, True]


async def test_a_server_that_is_not_there_fails() -> None:
    url = unused_url()
    missing = failures(await found(recognizer_url=url, synthesizer_url=url))
    assert ["_URL" in failure.advice for failure in missing] == [True, True]


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"recognizer": "whisper"}, "overture models fetch whisper"),
        ({"whisper_model": "nowhere"}, "OVERTURE_WHISPER_MODEL"),
        ({"synthesizer": "piper"}, "overture models fetch piper"),
    ],
)
async def test_a_model_that_is_not_here_fails_with_how_to_get_it(
    given: dict[str, str], advice: str
) -> None:
    [failure] = failures(await found(**given))
    assert advice in failure.advice


async def test_a_broken_model_fails(tmp_path: Path) -> None:
    folder = make_small_whisper(tmp_path / "data" / "models" / "whisper" / "tiny.en")
    (folder / "model.bin").write_bytes(b"nonsense")
    [failure] = failures(await found())
    assert failure.what == "recognizer whisper tiny.en"
    assert "fetch it again" in failure.advice
