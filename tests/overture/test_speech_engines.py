"""Which recognizer and voice are taken: what is asked for, else what is there."""

import os
from pathlib import Path

import pytest

from overture.agent_folder import Agent, load_agent
from overture.errors import UserError
from overture.settings import Settings, load_settings
from overture.speech_engines import start_recognizer, start_voice
from overture.spoken_hints import LONGEST, spoken_hints
from tests.support.recordings import speak
from tests.support.small_piper import make_small_piper
from tests.support.small_whisper import SAID, make_small_whisper
from tests.support.speech_api_server import speech_api_server
from voice.recognition import Utterance
from voice.synthesis import Voice

CAFE = Path(__file__).resolve().parents[2] / "agents" / "cafe"
BAR = """
name: Bar
language: {language}
greeting: Hello.
engines: {{recognizer: {recognizer}}}
"""


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("OVERTURE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


def with_settings(**given: object) -> Settings:
    return load_settings(recognizer_workers=1, **given)


def bar(folder: Path, language: str = "en", recognizer: str = "auto") -> Agent:
    (folder / "bar" / "intents").mkdir(parents=True)
    agent = BAR.format(language=language, recognizer=recognizer)
    (folder / "bar" / "agent.yaml").write_text(agent)
    hello = "intents: {greeting: {sentences: [hello there], reply: Hello!}}\n"
    (folder / "bar" / "intents" / "talk.yaml").write_text(hello)
    return load_agent(folder / "bar")


async def recognizer_name(settings: Settings, agent: Agent) -> tuple[str, str]:
    recognizer, better = await start_recognizer(settings, agent)
    await recognizer.aclose()
    return recognizer.name, better


async def voice_name(settings: Settings, name: str = "auto") -> tuple[str, str]:
    voice, better = await start_voice(settings, name)
    await voice.aclose()
    return voice.name, better


async def test_without_anything_else_the_embedded_recognizer_says_what_is_better(
    tmp_path: Path,
) -> None:
    name, better = await recognizer_name(with_settings(), bar(tmp_path))
    assert name == "pocketsphinx"
    assert "overture models fetch whisper tiny.en" in better


async def test_a_fetched_whisper_model_is_taken_the_largest_of_them(
    tmp_path: Path, models: Path
) -> None:
    make_small_whisper(models / "whisper" / "tiny.en")
    (make_small_whisper(models / "whisper" / "base.en") / "more").write_bytes(bytes(5000))
    assert await recognizer_name(with_settings(), bar(tmp_path)) == ("whisper base.en", "")


async def test_a_named_model_is_taken(tmp_path: Path, models: Path) -> None:
    make_small_whisper(models / "whisper" / "tiny.en")
    make_small_whisper(models / "whisper" / "base.en")
    settings = with_settings(whisper_model="tiny.en")
    assert await recognizer_name(settings, bar(tmp_path)) == ("whisper tiny.en", "")


async def test_another_programs_model_is_pointed_at_and_taken_when_asked_for(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "hub" / "models--Systran--faster-whisper-tiny.en"
    make_small_whisper(kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    agent = bar(tmp_path)
    name, better = await recognizer_name(with_settings(), agent)
    assert name == "pocketsphinx"
    assert "OVERTURE_RECOGNIZER=whisper" in better
    settings = with_settings(recognizer="whisper")
    assert (await recognizer_name(settings, agent))[0] == "whisper tiny.en"


async def test_the_agent_may_ask_for_an_engine_and_the_operator_overrules_it(
    tmp_path: Path, models: Path
) -> None:
    make_small_whisper(models / "whisper" / "tiny.en")
    agent = bar(tmp_path, recognizer="pocketsphinx")
    assert await recognizer_name(with_settings(), agent) == ("pocketsphinx", "")
    settings = with_settings(recognizer="whisper")
    assert (await recognizer_name(settings, agent))[0] == "whisper tiny.en"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recognizer": "whisper"}, "overture models fetch whisper tiny.en"),
        ({"recognizer": "whisper", "whisper_model": "small"}, "fetch whisper small"),
        ({"whisper_model": "small"}, "OVERTURE_WHISPER_MODEL"),
    ],
)
async def test_a_model_that_is_not_here_is_not_fetched_in_secret(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        await start_recognizer(with_settings(**given), bar(tmp_path))


async def test_an_english_model_is_refused_for_an_agent_that_speaks_german(
    tmp_path: Path, models: Path
) -> None:
    make_small_whisper(models / "whisper" / "tiny.en")
    agent = bar(tmp_path, language="de-AT")
    with pytest.raises(UserError, match=r"language 'de'; take a model without '\.en'"):
        await start_recognizer(with_settings(), agent)
    make_small_whisper(models / "whisper" / "tiny", multilingual=True)
    settings = with_settings(whisper_model="tiny")
    assert (await recognizer_name(settings, agent))[0] == "whisper tiny"


async def test_a_remote_recognizer_is_taken_where_its_address_is_set(tmp_path: Path) -> None:
    async with speech_api_server(SAID) as server:
        settings = with_settings(recognizer_url=server.url, recognizer_key="secret")
        recognizer, _ = await start_recognizer(settings, load_agent(CAFE))
        assert recognizer.name == "openai whisper-1"
        assert (await recognizer.recognize(Utterance(speak(SAID)))).text == SAID
        assert server.keys == ["Bearer secret"]
        assert "Lighthouse Coffee, americano" in server.asked[0]["prompt"]
        await recognizer.aclose()


async def test_an_agent_that_asks_for_a_remote_recognizer_needs_its_address(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match="OVERTURE_RECOGNIZER_URL"):
        await start_recognizer(with_settings(), bar(tmp_path, recognizer="openai"))


async def test_without_anything_else_the_voice_says_what_is_better() -> None:
    name, better = await voice_name(with_settings())
    assert name in ("flite", "espeak")
    assert better


async def test_a_fetched_voice_is_taken(models: Path) -> None:
    make_small_piper(models / "piper", "en_US-b-low")
    make_small_piper(models / "piper", "en_US-a-low")
    assert await voice_name(with_settings()) == ("piper en_US-a-low", "")
    settings = with_settings(piper_voice="en_US-b-low")
    assert (await voice_name(settings, "piper"))[0] == "piper en_US-b-low"
    assert (await voice_name(settings, "scripted"))[0] == "scripted"


async def test_a_voice_at_a_path_is_taken(tmp_path: Path) -> None:
    file = make_small_piper(tmp_path / "mine", "anna")
    settings = with_settings(piper_voice=str(file))
    assert (await voice_name(settings, "auto"))[0] == "piper anna"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "overture models fetch piper en_US-lessac-medium"),
        ({"piper_voice": "en_GB-alba-medium"}, "fetch piper en_GB-alba-medium"),
    ],
)
async def test_a_voice_that_is_not_here_is_not_fetched_in_secret(
    given: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        await start_voice(with_settings(**given), "piper")


async def test_a_remote_voice_is_taken_where_its_address_is_set() -> None:
    async with speech_api_server() as server:
        settings = with_settings(synthesizer_url=server.url, synthesizer_voice="coral")
        voice, _ = await start_voice(settings, "auto")
        assert voice.name == "openai tts-1"
        assert [chunk async for chunk in voice.synthesize("Hello.", Voice())]
        assert server.asked[0]["voice"] == "coral"
        await voice.aclose()


async def test_an_agent_that_asks_for_a_remote_voice_needs_its_address() -> None:
    with pytest.raises(UserError, match="OVERTURE_SYNTHESIZER_URL"):
        await start_voice(with_settings(), "openai")


def test_hints_are_the_agents_name_and_what_can_be_had() -> None:
    hints = spoken_hints(load_agent(CAFE))
    assert hints.startswith("Lighthouse Coffee, americano, cappuccino, espresso")
    assert "a little bit of" not in hints
    assert "soy milk" in hints
    assert len(hints) <= LONGEST
