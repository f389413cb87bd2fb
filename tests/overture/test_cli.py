"""The real console script: what people type, and what they are told when it cannot be done."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from overture.agent_folder import load_agent

OVERTURE = str(Path(sys.executable).parent / "overture")
CHECKOUT = Path(__file__).resolve().parents[2]


def overture(
    *arguments: str, cwd: Path = CHECKOUT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command with settings of its own only."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OVERTURE_")}
    return subprocess.run(
        [OVERTURE, *arguments],
        cwd=cwd,
        env=environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_the_version_is_told() -> None:
    assert overture("--version").stdout == "overture 0.1.0\n"


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    assert all(name in overture("--help").stdout for name in ("serve", "ask", "doctor", "new"))
    code = "import sys, overture.cli as c; c._parser(); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert b"pydantic" not in loaded
    assert b"numpy" not in loaded


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("serve", "nowhere"), {}, "nowhere: there is no such folder; make an agent with"),
        (("serve", "--host", "0.0.0.0"), {}, "--host='0.0.0.0': would open the server"),
        (("serve", "--port", "70000"), {}, "--port=70000: should be less than"),
        (("serve",), {"OVERTURE_LOG_FORMAT": "xml"}, "OVERTURE_LOG_FORMAT='xml': should be one of"),
        (("ask",), {}, "ask what?"),
        (("ask", "nowhere.wav"), {}, "nowhere.wav: there is no such file"),
        (("ask", "--save", "x.wav", "--text", "a", "--text", "b"), {}, "one by one"),
        (("new", "a b"), {}, "'a b' cannot be an agent's name"),
        (("new", "agents/cafe"), {}, "agents/cafe is there already and not empty"),
    ],
)
def test_a_mistake_is_told_in_a_line_without_a_traceback(
    arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    done = overture(*arguments, **environment)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("overture: ")


def test_a_mistake_in_the_agent_folder_stops_the_start_with_its_place(tmp_path: Path) -> None:
    agent = tmp_path / "bar"
    overture("new", str(agent))
    (agent / "agent.yaml").write_text("name: Bar\ngreting: Hi\n")
    done = overture("serve", "bar", "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "overture: bar/agent.yaml:2:1: unknown key 'greting'; did you mean 'greeting'?\n"
    )


def test_a_taken_port_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = overture("serve", "--port", port, OVERTURE_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr


def test_a_new_agent_is_right_and_answers_from_its_own_document(tmp_path: Path) -> None:
    made = overture("new", "corner-shop", cwd=tmp_path)
    assert made.returncode == 0
    assert load_agent(tmp_path / "corner-shop").settings.name == "Corner Shop"
    asked = overture(
        *("ask", "--json", "--agent", "corner-shop", "--text", "what is your mail address"),
        cwd=tmp_path,
        OVERTURE_DATA_DIR=str(tmp_path / "data"),
        OVERTURE_SYNTHESIZER="scripted",
    )
    assert asked.returncode == 0, asked.stderr
    outcome = json.loads(asked.stdout)
    assert set(outcome) == {
        "file", "heard", "intent", "slots", "answer", "sources", "stages_ms"
    }  # fmt: skip
    assert "hello@example.org" in outcome["answer"]
    assert outcome["sources"][0]["document"] == "about.md"


def test_an_answer_is_shown_for_people_and_saved(tmp_path: Path) -> None:
    done = overture(
        *("ask", "--text", "when do you close on Sunday", "--save", str(tmp_path / "answer.wav")),
        OVERTURE_DATA_DIR=str(tmp_path / "data"),
        OVERTURE_SYNTHESIZER="scripted",
    )
    assert done.returncode == 0, done.stderr
    assert "  answer  " in done.stdout
    assert "opening-hours.md" in done.stdout
    assert (tmp_path / "answer.wav").stat().st_size > 10_000


def test_a_file_that_is_no_recording_is_told_from_a_failure(tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_text("not audio")
    done = overture(
        *("ask", str(tmp_path / "noise.wav")),
        OVERTURE_DATA_DIR=str(tmp_path / "data"),
        OVERTURE_RECOGNIZER="scripted",
        OVERTURE_SYNTHESIZER="scripted",
    )
    assert done.returncode == 2
    assert "noise.wav: not a recording that can be read" in done.stderr
    assert "Traceback" not in done.stderr
