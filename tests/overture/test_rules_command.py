"""`overture rules`: mistakes with their places, firings on a person's clock, rules on the past."""

import json
from pathlib import Path

import pytest

from conversation import Completeness, TurnPolicy
from overture.cli import main
from overture.new_agent import make_agent
from sessions.journal import Heading
from sessions.journal_files import JournalFiles
from tests.support.conversing import Conversing

RULES = """\
rules:
  - name: idle_offer
    status: live
    trigger: {idle: 20s}
    when: session.turns > 0
    say: Anything else?
    policy: {cooldown: 1h}
  - name: order_ready
    trigger: {event: order.ready}
    say: Your {event.data.drink} is ready.
  - name: greeted
    trigger: {session_start: {}}
    say: Hello.
  - name: thanked
    trigger: {intent: thanks}
    say: Any time.
  - name: daily
    status: live
    trigger: {cron: "30 2 * * *"}
    say: Good night.
    policy: {quiet_hours: "01:00-02:00"}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    folder = tmp_path / "corner"
    make_agent(folder)
    (folder / "outreach").mkdir(exist_ok=True)
    for written in (folder / "outreach").iterdir():
        written.unlink()
    (folder / "outreach/rules.yaml").write_text(RULES)
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_rules_that_are_right_are_counted(agent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(agent)]) == 0
    assert said(capsys) == "5 rules, nothing wrong\n"


def test_the_cafes_own_rules_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check"]) == 0
    assert "nothing wrong" in said(capsys)


def test_a_mistake_is_printed_with_its_place_and_ends_with_1(
    agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (agent / "outreach/more.yaml").write_text(
        "rules:\n  - name: x\n    trigger: {intent: thnks}\n    say: A.\n"
    )
    for folder in (agent, agent / "outreach"):
        (agent / "outreach/rules.yaml").write_text(RULES.replace("idle: 20s", "idle: 20"))
        assert main(["rules", "check", str(folder)]) == 1
        printed = said(capsys)
        place = f"{agent}/outreach/rules.yaml:4:21: "
        assert f"{place}should be a time such as 700ms, 30s, 10m, 2h or 1d, not 20" in printed
    assert main(["rules", "check", str(agent)]) == 1
    assert "more.yaml:2:1: rule 'x': there is no intent 'thnks'; did you mean 'thanks'?" in said(
        capsys
    )


def test_rules_are_listed_with_what_starts_them(
    agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "list", str(agent)]) == 0
    lines = [line.split() for line in said(capsys).splitlines()]
    assert lines[0] == ["idle_offer", "live", "service", "idle", "20s"]
    assert lines[1] == ["order_ready", "draft", "service", "event", "order.ready"]


def test_a_preview_shows_the_next_ten_firings_and_marks_the_clock_changes(
    agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--time-zone", "Europe/Berlin", "--from", "2026-10-24T00:00"]
    assert main(["rules", "preview", "daily", "--agent", str(agent), *asked]) == 0
    lines = said(capsys).splitlines()
    assert lines[1:5] == [
        "next in Europe/Berlin:",
        "  Sat 2026-10-24 02:30 CEST",
        "  Sun 2026-10-25 02:30 CEST   <- clocks go back 1 h at 03:00",
        "  Mon 2026-10-26 02:30 CET",
    ]
    assert len([line for line in lines if "02:30 CE" in line and line.startswith("  ")]) == 10
    assert lines[-1] == "=> speak"


def test_a_preview_of_a_rule_that_no_clock_starts_shows_its_checks(
    agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "preview", "order_ready", "--agent", str(agent), "--user", "u42"]) == 0
    printed = said(capsys)
    assert "no clock starts it" in printed
    assert "NO  status       the rule is draft" in printed
    assert printed.endswith("=> suppress\n")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["preview", "dailly"], "there is no rule 'dailly'; did you mean 'daily'?"),
        (["preview", "daily", "--time-zone", "Mars"], "there is no time zone 'Mars'"),
        (["preview", "daily", "--from", "soon"], "give a date and time such as"),
        (["replay", "order_ready"], "give --events FILE"),
        (["replay", "order_ready", "--events", "/nowhere"], "/nowhere: No such file"),
    ],
)
def test_what_cannot_be_shown_says_why(
    agent: Path,
    asked: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(agent.parent / "data"))
    assert main(["rules", *asked, "--agent", str(agent)]) == 2
    assert why in capsys.readouterr().err


@pytest.fixture
def past(agent: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """When u42 began to talk: three turns, with half a minute of silence between them."""
    from time import time

    began = time() - 3600
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(agent.parent / "data"))
    talk = Conversing()
    talk.user_says("thank you", 600, Completeness.COMPLETE)
    talk.until_quiet()
    talk.silence(30_000)
    talk.user_says("do you have cake", 600, Completeness.COMPLETE)
    talk.until_quiet()
    talk.silence(30_000)
    talk.user_says("thank you", 600, Completeness.COMPLETE)
    talk.until_quiet()
    journal = JournalFiles(agent.parent / "data/journal", 7)
    journal.start()
    heading = Heading("sess_1", "u42", agent.name, "abc", "0.1.0", began, 0.0, TurnPolicy())
    kept = journal.begin(heading)
    assert kept is not None
    for now, event, commands in talk.steps:
        kept.happened(event, now, commands)
    journal.close()
    return began


def replayed(
    agent: Path, name: str, capsys: pytest.CaptureFixture[str], *more: str
) -> list[dict[str, str]]:
    assert main(["rules", "replay", name, "--agent", str(agent), "--json", *more]) == 0
    return [json.loads(line) for line in said(capsys).splitlines()]


def test_a_rule_is_tried_on_past_sessions(
    agent: Path, past: float, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = replayed(agent, "greeted", capsys)
    assert (found["outcome"], found["reason"], found["session"]) == ("speak", "Hello.", "sess_1")
    thanks = replayed(agent, "thanked", capsys)
    assert [found["key"] for found in thanks] == ["intent:sess_1:1", "intent:sess_1:3"]
    assert replayed(agent, "greeted", capsys, "--days", "0") == []


def test_a_rule_tried_on_the_past_keeps_its_own_cooldown(
    agent: Path, past: float, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = replayed(agent, "idle_offer", capsys)
    assert (first["outcome"], first["reason"]) == ("speak", "Anything else?")
    assert second["outcome"] == "suppress"
    assert second["reason"].startswith("cooldown: this rule spoke")
    assert main(["rules", "replay", "idle_offer", "--agent", str(agent)]) == 0
    printed = said(capsys)
    assert "idle_offer: 2 matches in 1 records of 1 people" in printed


def test_events_are_given_in_a_file(
    agent: Path, past: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    lines = [
        {"type": "order.ready", "user": "u42", "time": past + 1, "data": {"drink": "latte"}},
        {"type": "order.ready", "user": "u42", "time": past + 2},
        {"type": "order.late", "user": "u42", "time": past + 3},
        {"type": "order.ready", "user": "u43", "time": past + 4, "data": {"drink": "mocha"}},
    ]
    events.write_text("\n".join(map(json.dumps, lines)))
    found = replayed(agent, "order_ready", capsys, "--events", str(events))
    assert [(each["outcome"], each["reason"], each["session"]) for each in found] == [
        ("speak", "Your latte is ready.", "sess_1"),
        ("fail", "event.data.drink is missing", "sess_1"),
        ("speak", "Your mocha is ready.", ""),
    ]
    events.write_text('{"type": "order.ready"}\n')
    assert (
        main(["rules", "replay", "order_ready", "--agent", str(agent), "--events", str(events)])
        == 2
    )
    assert "events.jsonl:1: user: Field required" in capsys.readouterr().err
