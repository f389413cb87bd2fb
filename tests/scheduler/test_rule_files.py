"""Rules from YAML: each mistake with its file and line, and no mistake stops the others."""

from pathlib import Path

import pytest

from scheduler.rule_files import load_rules, parse_rules

MISTAKES = """\
rules:
  - name: one
    status: Live
    trigger: {event: order.ready}
    say: Ready.
  - name: two
    trigger: {evnt: order.ready}
    say: Ready.
  - name: three
    trigger: {event: order.ready}
    when: >-
      event.data.drink = 3
    say: Your {evet.data.drink} is ready.
    policy:
      quiet_hours: 22-08
      cooldwn: 10m
      cap: often
      ttl: 15
  - name: four
    trigger: {cron: "30 25 * * *"}
    say:
      - {name: a, share: 60, say: One.}
      - {name: b, share: 50, say: Two.}
  - name: five
    trigger: {abandoned_intent: {intnt: order}}
    say: Hello.
  - name: six
    say: No trigger.
  - name: good
    trigger: {event: order.ready}
    say: Ready.
  - name: good
    trigger: {event: order.ready}
    say: Ready twice.
  - just text
  - name: seven
    name: eight
    trigger: {event: order.ready}
    say: Ready.
  - {name: last, trigger: {event: order.ready}, say: Ready.}
"""


def test_every_mistake_has_its_line_and_what_would_be_right_and_stops_no_other_rule() -> None:
    loaded = parse_rules(MISTAKES, "x.yaml")
    assert [str(problem) for problem in loaded.problems] == [
        "x.yaml:3:13: should be one of 'draft', 'shadow', 'live' or 'paused', not 'Live'",
        "x.yaml:7:14: there is no trigger 'evnt'; did you mean 'event'?",
        "x.yaml:11:11: column 18: a single '='; write == to compare",
        "x.yaml:13:10: nothing is known of {evet.data.drink}; values begin with "
        "{event....}, {user....}, {session....}, {local....}",
        "x.yaml:15:20: should be quiet hours such as \"22:00-08:00\", not '22-08'",
        "x.yaml:16:7: unknown key 'cooldwn'; did you mean 'cooldown'?",
        'x.yaml:17:12: should be a cap such as "3 per day" or "1 per 30m", not \'often\'',
        "x.yaml:18:12: should be a time such as 700ms, 30s, 10m, 2h or 1d, not 15",
        "x.yaml:20:21: hour '25': should be from 0 to 23, or *",
        "x.yaml:22:7: the variants' shares add up to 110; they should to 100",
        "x.yaml:25:34: unknown key 'intnt'; did you mean 'intent'?",
        "x.yaml:27:5: 'trigger' is missing; it is: what starts it, e.g. `{event: order.ready}`",
        "x.yaml:32:11: there is a rule 'good' already, in x.yaml:29; rename one of them",
        "x.yaml:35:5: should be a mapping: lines of `key: value`",
        "x.yaml:37:5: 'name' is already given in line 36; keep one of them",
    ]
    assert [rule.name for rule in loaded.rules] == ["good", "last"]
    assert loaded.places == {"good": "x.yaml:29", "last": "x.yaml:40"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule:\n  - name: a\n", "x.yaml:1:1: unknown key 'rule'; did you mean 'rules'?"),
        ("- name: a\n", "x.yaml:1:1: should be `rules:` and a list of rules"),
        ("rules: 3\n", "x.yaml:1:8: should be a list: each rule starts with `- name: ...`"),
        ("rules: []\nother: 1\n", "x.yaml:2:1: unknown key 'other'; a file has only `rules:`"),
        ("rules:\n\t- a\n", "x.yaml:2:1: is not valid YAML"),
        ("rules: [a\n", "is not valid YAML"),
        (
            "rules:\n  - &a {name: x}\n  - *a\n",
            "x.yaml:3:5: '*a' repeats another part; rules are written out",
        ),
        ("[" * 200, "is nested more than 30 deep"),
        ("x" * 1_000_001, "x.yaml: has more than 1000000 characters"),
    ],
)
def test_a_text_that_holds_no_rules_says_why(text: str, said: str) -> None:
    loaded = parse_rules(text, "x.yaml")
    assert loaded.rules == ()
    assert said in str(loaded.problems[0])


def test_one_rule_by_itself_is_read_too() -> None:
    loaded = parse_rules("name: a\ntrigger: {session_start: {}}\nsay: Hello.\n", "rule")
    assert [rule.name for rule in loaded.rules] == ["a"]
    assert loaded.problems == ()


def test_an_empty_file_has_no_rules_and_nothing_wrong() -> None:
    for text in ("", "rules:\n", "rules: []\n"):
        loaded = parse_rules(text, "x.yaml")
        assert (loaded.rules, loaded.problems) == ((), ())


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("rules: [] # Café".encode("latin-1"))
    (tmp_path / "b.yml").write_text("rules: []")
    (tmp_path / "c.yaml").write_text("rules: [a: {")
    (tmp_path / "d.yaml").write_text("name: d\ntrigger: {session_start: {}}\nsay: Hello.\n")
    (tmp_path / "e.yaml").write_text("name: d\ntrigger: {session_start: {}}\nsay: Hello.\n")
    loaded = load_rules(tmp_path)
    assert [rule.name for rule in loaded.rules] == ["d"]
    said = [str(problem).removeprefix(f"{tmp_path}/") for problem in loaded.problems]
    assert said[0].startswith("a.yaml: is not UTF-8 text")
    assert said[1] == "b.yml: is not read; call it b.yaml"
    assert "is not valid YAML" in said[2]
    assert said[3].startswith("e.yaml:1:7: there is a rule 'd' already, in ")


def test_a_folder_that_is_not_there_has_no_rules(tmp_path: Path) -> None:
    assert load_rules(tmp_path / "outreach").rules == ()
