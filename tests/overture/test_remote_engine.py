"""Settings of a language model's server: what is refused, and what is missing."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from knowledge.counts import ModelCounts
from knowledge.documents import read_documents
from knowledge.index import KnowledgeIndex
from knowledge.passages import Question
from overture.agent_folder import Agent, load_agent
from overture.compose import assemble
from overture.errors import UserError
from overture.language_model import language_model
from overture.settings import Settings, SettingsError, load_settings
from tests.support.chat_server import chat_server, says


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OVERTURE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    folder = tmp_path / "bar"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "agent.yaml").write_text(
        "name: The Bar\nunknown_answer: No clue.\ninstructions: Be a pirate.\n"
        "engines:\n  answerer: openai\n"
    )
    (folder / "knowledge/hours.md").write_text("# Hours\n\nWe open at eight.\n")
    return load_agent(folder)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("URL", "localhost:11434", "should look like https://HOST/v1"),
        ("URL", "ftp://h/v1", "should look like https://HOST/v1"),
        ("URL", "http://h:99999/v1", "should look like https://HOST/v1"),
        ("URL", "http://h/v1?key=x", "without user, password, ? and #"),
        ("URL", "http://me:secret@h/v1", "without user, password, ? and #"),
        ("URL", "http://h/v1/chat/completions", "should end before /chat/completions"),
        ("TIMEOUT_S", "60", "less than or equal to 6"),
        ("TIMEOUT_S", "soon", "should be a valid number"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, right: str
) -> None:
    monkeypatch.setenv("OVERTURE_LLM_MODEL", "small")
    monkeypatch.setenv(f"OVERTURE_LLM_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"OVERTURE_LLM_{name}=")
    assert right in str(refused.value)


@pytest.mark.parametrize("key", ["sk secret", "sk-secret\n", "sk-sécret"])
def test_a_key_that_fits_no_header_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OVERTURE_LLM_KEY", key)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith("OVERTURE_LLM_KEY=***: should be the key alone")
    assert "cret" not in str(refused.value)


def test_a_key_shows_in_no_settings_that_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_LLM_KEY", "sk-secret")
    settings = load_settings()
    assert settings.llm_key.get_secret_value() == "sk-secret"
    assert "secret" not in repr(settings) + str(settings.model_dump())


def test_a_slash_at_the_end_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_LLM_URL", "https://llm.example.org/v1/")
    monkeypatch.setenv("OVERTURE_LLM_MODEL", "small")
    assert load_settings().llm_url == "https://llm.example.org/v1"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_LLM_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(SettingsError, match=r"^OVERTURE_LLM_MODEL='': should name"):
        load_settings()


async def test_an_agent_that_wants_a_model_says_what_is_missing(
    agent: Agent, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "d", recognizer="scripted", synthesizer="scripted")
    with pytest.raises(UserError, match=r"say with OVERTURE_LLM_URL and OVERTURE_LLM_MODEL"):
        async with assemble(settings, agent):
            pass


async def test_a_model_that_is_not_there_keeps_nothing_from_starting(
    agent: Agent, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path / "d",
        recognizer="scripted",
        synthesizer="scripted",
        llm_url="http://127.0.0.1:1/v1",
        llm_model="small",
    )
    async with assemble(settings, agent) as assembly:
        assert assembly.parts.follows_instructions
        (engine,) = [e for e in assembly.engines if e.port == "answerer"]
        assert engine.name == "small at 127.0.0.1:1"
        question = Question("when do you open")
        parts = [part async for part in assembly.parts.answerer.answer(question)]
        assert [getattr(part, "text", "") for part in parts] == ["We open at eight."]
        assert assembly.model_counts is not None
        assert assembly.model_counts.failed == {"unreachable": 1}
        assert assembly.model_counts.fell_back == 1


async def test_the_agent_s_own_words_reach_the_model(agent: Agent) -> None:
    async with chat_server() as server:
        server.will(says("Arr."))
        settings = Settings(llm_url=server.url, llm_model="small")
        index = KnowledgeIndex(read_documents(agent.knowledge_folder))
        model = language_model(settings, agent, index, datetime.now, ModelCounts())
        assert [part async for part in model.answer(Question("when do you open"))]
        await model.aclose()
        for words in ("the voice of The Bar", "No clue.", "Be a pirate.", "We open at eight."):
            assert words in server.told
