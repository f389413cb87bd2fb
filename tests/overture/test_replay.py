"""`overture replay`: a record found, run, and told of."""

import json
from pathlib import Path

import pytest

from conversation import Completeness, TurnPolicy
from overture.cli import main
from sessions.journal import Heading
from sessions.journal_files import JournalFiles
from tests.support.conversing import Conversing

BEGAN = 1_777_900_000.0


def hesitating() -> Conversing:
    """Someone who pauses for 320 ms after words that could stand."""
    talk = Conversing()
    talk.user_says("a latte", 600, Completeness.UNSURE)
    talk.silence(320)
    talk.user_says("with milk", 600, Completeness.COMPLETE)
    talk.until_quiet()
    return talk


def record(data: Path, session: str, began: float = BEGAN) -> None:
    """That conversation as a server keeps it."""
    journal = JournalFiles(data / "journal", 7, clock=lambda: BEGAN)
    journal.start()
    kept = journal.begin(Heading(session, "u42", "cafe", "abc", "0.1.0", began, 0.0, TurnPolicy()))
    assert kept is not None
    for now, event, commands in hesitating().steps:
        kept.happened(event, now, commands)
    journal.close()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path))
    record(tmp_path, "sess_abc")
    record(tmp_path, "sess_abd")
    return tmp_path


def test_the_same_machine_says_the_same(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "sess_abc"]) == 0
    said = capsys.readouterr().out
    assert "sess_abc  2026-05-04" in said
    assert "user u42, agent cafe, Overture 0.1.0" in said
    assert "the commands are the same" in said


def test_another_threshold_is_tried_on_the_past(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "sess_abc", "--endpointing", "unsure_ms=200"]) == 1
    said = capsys.readouterr().out
    assert "differs at " in said
    assert "SilenceGrew(silence_ms=" in said
    assert "recorded: nothing" in said
    assert "CommitTurn(turn=1, text='a latte')" in said


def test_a_programme_reads_it_as_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--json", "sess_abc", "--endpointing", "unsure_ms=200"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["session"], told["same"]) == ("sess_abc", False)
    difference = told["difference"]
    assert difference["event"]["name"] == "SilenceGrew"
    assert difference["recorded"] == []
    assert {"name": "CommitTurn", "turn": 1, "text": "a latte"} in difference["now"]


def test_the_beginning_of_an_id_is_enough_if_it_is_one_sessions(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "sess_abd"[:8]]) == 0
    assert main(["replay", "sess_ab"]) == 2
    assert "'sess_ab' could be sess_abc, sess_abd; give more of it" in capsys.readouterr().err
    record(data, "sess_ab")
    assert main(["replay", "sess_ab"]) == 0


def test_every_record_of_a_session_is_replayed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(data, "sess_abc", BEGAN + 3600)
    assert main(["replay", "--json", "sess_abc"]) == 0
    began = [json.loads(line)["began"] for line in capsys.readouterr().out.splitlines()]
    assert began == [BEGAN, BEGAN + 3600]


def test_a_file_is_replayed_wherever_it_is(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = data.glob("journal/*/sess_abc*.jsonl")
    moved = path.rename(tmp_path / "moved.jsonl")
    assert main(["replay", str(moved)]) == 0
    lines = moved.read_text().splitlines()
    lines[5] = '["e",1.0,"Dreamt",{},[]]'
    moved.write_text("\n".join(lines) + "\n")
    assert main(["replay", str(moved)]) == 2
    assert "moved.jsonl:6: this version knows no event 'Dreamt'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "has no record of a session 'nobody'"),
        (["nowhere.jsonl"], "nowhere.jsonl: No such file"),
        (
            ["sess_abc", "--endpointing", "speed=9"],
            "--endpointing speed=9: give one of complete_ms",
        ),
        (["sess_abc", "--endpointing", "complete_ms"], "as NAME=MS"),
        (["sess_abc", "--endpointing", "complete_ms=soon"], "as NAME=MS"),
    ],
)
def test_a_mistake_is_told(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["replay", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_record_that_breaks_off_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = data.glob("journal/*/sess_abc*.jsonl")
    with path.open("a") as file:
        file.write('["n",null,"broken_off",{"reason":"the disk did not keep up"}]\n')
    assert main(["replay", "sess_abc"]) == 0
    assert "the record breaks off: the disk did not keep up" in capsys.readouterr().out
