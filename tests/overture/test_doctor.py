"""The doctor: what it finds, and that each finding says what to do."""

import os
import socket
from pathlib import Path

import pytest

from overture.doctor import examine, report
from overture.findings import Finding, Status
from tests.support.chat_server import chat_server_beside, fails, says


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("OVERTURE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path / "data"))


def findings(agent: Path | None = None, port: int = 0) -> list[Finding]:
    return list(examine(agent, port=port))


def failures(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.status is Status.FAIL]


def test_a_machine_that_is_ready_has_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(iter(findings())) == 0
    shown = capsys.readouterr().out
    assert "  ok  agent cafe" in shown
    assert "FAIL" not in shown


def test_a_wrong_setting_fails_with_what_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_SYNTHESIZER", "festival")
    [failure] = failures(findings())
    assert failure.what == "setting OVERTURE_SYNTHESIZER"
    assert "'flite', 'espeak', 'piper', 'openai' or 'scripted'" in failure.advice


def test_a_misspelled_variable_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_RECOGNISER", "scripted")
    warning = next(f for f in findings() if "OVERTURE_RECOGNISER" in f.what)
    assert warning == Finding(
        Status.WARN, "OVERTURE_RECOGNISER means nothing", "did you mean OVERTURE_RECOGNIZER?"
    )


def test_a_taken_port_fails_with_how_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        [failure] = failures(findings(port=other.getsockname()[1]))
    assert "--port or OVERTURE_PORT" in failure.advice


def test_a_broken_agent_folder_fails_with_each_mistake(tmp_path: Path) -> None:
    (tmp_path / "bar").mkdir()
    (tmp_path / "bar/agent.yaml").write_text("nme: Bar\n")
    advice = [failure.advice for failure in failures(findings(tmp_path / "bar"))]
    assert any("did you mean 'name'?" in line for line in advice)
    assert any("nothing to say" in line for line in advice)


def test_a_redis_that_is_not_there_fails_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_REDIS_URL", "redis://127.0.0.1:1/0")
    [failure] = failures(findings())
    assert failure.what == "Redis"
    assert "unset it to use a private one" in failure.advice


def test_without_redis_server_there_is_a_warning_with_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = next(f for f in findings() if f.what.startswith("Redis"))
    assert found.status is Status.WARN
    assert "apt-get install redis-server" in found.advice


def test_a_data_folder_that_cannot_be_written_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path / "file/data"))
    failed = failures(findings())
    assert all("OVERTURE_DATA_DIR" in failure.advice for failure in failed)
    assert failed


def test_one_failure_makes_the_exit_code() -> None:
    ok, bad = Finding(Status.OK, "fine"), Finding(Status.FAIL, "broken", "mend it")
    assert report(iter([ok])) == 0
    assert report(iter([bad, ok])) == 1


def test_a_language_model_that_answers_is_fine_and_one_that_does_not_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OVERTURE_LLM_MODEL", "small")
    monkeypatch.setenv("OVERTURE_LLM_KEY", "sk-secret")
    with chat_server_beside() as server:
        monkeypatch.setenv("OVERTURE_LLM_URL", server.url)
        host = server.url.split("/")[2]
        server.will(says("Yes."))
        [found] = [f for f in findings() if f.what.startswith("language model")]
        assert found.what.startswith(f"language model small at {host}: first words after ")
        assert found.status is Status.OK
        server.will(fails(400, "small does not support tools"), says("Yes."))
        [found] = [f for f in findings() if f.what.startswith("language model")]
        assert found.status is Status.WARN
        assert "refuses functions (small does not support tools)" in found.advice
        server.will(fails(401, "wrong key sk-secret, friend"))
        [failure] = failures(findings())
    assert failure.what == (
        f"language model small at {host} refused the question (HTTP 401); check OVERTURE_LLM_KEY"
    )
    assert failure.advice == "it says: wrong key ***, friend"
    [failure] = failures(findings())
    assert "cannot be reached" in failure.what


def test_an_agent_s_functions_are_named_and_their_mistakes_fail(tmp_path: Path) -> None:
    assert any(f.what == "the agent's functions: opening_status" for f in findings())
    (tmp_path / "bar/knowledge").mkdir(parents=True)
    (tmp_path / "bar/agent.yaml").write_text("name: Bar\n")
    (tmp_path / "bar/knowledge/hours.md").write_text("We open at eight.\n")
    (tmp_path / "bar/tools.py").write_text("TOOLS = 7\n")
    [failure] = failures(findings(tmp_path / "bar"))
    assert "should list its functions" in failure.advice
