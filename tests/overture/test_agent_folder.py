"""An agent's folder: what is read, and that each mistake is pointed at with what is right."""

from pathlib import Path

import pytest

from overture.agent_folder import AgentFolderError, content_hash, load_agent
from overture.agent_settings import AgentSettings
from scheduler.model_problems import read_model
from scheduler.yaml_source import YamlSource

INTENTS = """\
intents:
  order:
    sentences: ["(I'd like|can I have) [a] {drink}"]
    slots:
      drink: {values: [latte, mocha], required: true, ask: "Which drink?"}
    reply: One {drink}.
  thanks:
    sentences: [thank you]
    reply: You're welcome.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    agent = tmp_path / "cafe"
    (agent / "knowledge").mkdir(parents=True)
    (agent / "intents").mkdir()
    (agent / "agent.yaml").write_text("name: Café\nlanguage: en-GB\nvoice:\n  speed: 1.1\n")
    (agent / "knowledge/hours.md").write_text("# Hours\nWe open at eight.\n")
    (agent / "intents/order.yaml").write_text(INTENTS)
    return agent


def problems_of(folder: Path) -> list[str]:
    """The mistakes found, with places relative to the folder."""
    with pytest.raises(AgentFolderError) as found:
        load_agent(folder)
    return [
        str(p).replace(f"{folder}/", "").replace(str(folder), ".") for p in found.value.problems
    ]


def test_a_right_folder_is_read(folder: Path) -> None:
    agent = load_agent(folder)
    assert agent.name == "cafe"
    assert agent.settings.name == "Café"
    assert agent.settings.voice.speed == 1.1
    assert list(agent.intents[0].intents) == ["order", "thanks"]
    assert agent.documents == (folder / "knowledge/hours.md",)
    assert agent.notices == ()


# File, its content, and every line of the message.
MISTAKES: list[tuple[str, str, list[str]]] = [
    (
        "agent.yaml",
        "name: Café\ngreting: Hello\n",
        ["agent.yaml:2:1: unknown key 'greting'; did you mean 'greeting'?"],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice:\n  sped: 2\n",
        ["agent.yaml:3:3: unknown key 'sped'; did you mean 'speed'?"],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice:\n  colour: red\n",
        ["agent.yaml:3:3: unknown key 'colour'; known here: name, speed"],
    ),
    ("agent.yaml", "nam: Café\n", ["agent.yaml:1:1: unknown key 'nam'; did you mean 'name'?"]),
    (
        "agent.yaml",
        "language: en\n",
        ["agent.yaml:1:1: 'name' is missing; it is: what people see the agent called"],
    ),
    (
        "agent.yaml",
        "name: Café\nlanguage: no\n",
        ["agent.yaml:2:11: should be text, but YAML reads it as False; put it in quotes"],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice:\n  speed: fast\n",
        ["agent.yaml:3:10: should be a number, not 'fast'"],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice:\n  speed: 9\n",
        ["agent.yaml:3:10: should be less than or equal to 2, not 9"],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice: slt\n",
        ["agent.yaml:2:8: should be a mapping: lines of `key: value`"],
    ),
    (
        "agent.yaml",
        "name: Café\ntime_zone: Europe/Amsterdm\n",
        [
            "agent.yaml:2:12: there is no time zone 'Europe/Amsterdm'; "
            "did you mean Europe/Amsterdam?"
        ],
    ),
    (
        "agent.yaml",
        "name: Café\nengines:\n  recognizer: kaldi\n",
        [
            "agent.yaml:3:15: should be one of 'auto', 'pocketsphinx', 'whisper', 'openai' or "
            "'scripted', not 'kaldi'"
        ],
    ),
    (
        "agent.yaml",
        "name: Café\nendpointing:\n  complete_ms: 900\n",
        [
            "agent.yaml:3:3: the more complete the words, the shorter the silence: "
            "complete_ms <= likely_ms <= unsure_ms <= dangling_ms"
        ],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice: {speed: 1\ngreeting: Hi\n",
        ["agent.yaml:3:9: is not valid YAML: did not find expected ',' or '}'"],
    ),
    (
        "agent.yaml",
        "name: Café\nvoice:\n\tspeed: 1\n",
        ["agent.yaml:3:1: is not valid YAML: found character that cannot start any token"],
    ),
    (
        "agent.yaml",
        "name: Café\nname: Bar\n",
        ["agent.yaml:2:1: 'name' is already given in line 1; keep one of them"],
    ),
    (
        "agent.yaml",
        "",
        [
            "agent.yaml:1:1: is empty; it should have some of: name, language, time_zone, voice, "
            "instructions, greeting, examples, unknown_answer, endpointing, engines"
        ],
    ),
    (
        "agent.yaml",
        "name: 7\nvoice:\n  speed: x\nzzz: 1\n",
        [
            "agent.yaml:1:7: should be text, but YAML reads it as 7; put it in quotes",
            "agent.yaml:3:10: should be a number, not 'x'",
            "agent.yaml:4:1: unknown key 'zzz'; known here: name, language, time_zone, voice, "
            "instructions, greeting, examples, unknown_answer, endpointing, engines",
        ],
    ),
    (
        "intents/more.yaml",
        "intents:\n  hello:\n    sentences: [hello]\n    replay: Hi\n",
        ["intents/more.yaml:4:5: unknown key 'replay'; did you mean 'reply'?"],
    ),
    (
        "intents/more.yaml",
        "intents:\n  hello:\n    reply: Hi\n",
        ["intents/more.yaml:3:5: 'sentences' is missing"],
    ),
    (
        "intents/more.yaml",
        "intents:\n  thanks:\n    sentences: [cheers]\n    reply: Any time.\n",
        ["intents/order.yaml:7:3: intent 'thanks' is already defined in intents/more.yaml:2"],
    ),
    (
        "intents/more.yaml",
        "intents:\n  size:\n    sentences: ['make it {size}']\n    reply: Fine.\n",
        ["intents/more.yaml:3:17: there is no slot {size}; add it to slots"],
    ),
    (
        "intents/more.yaml",
        "intents:\n  hello:\n    sentences: hello\n",
        ["intents/more.yaml:3:16: should be a list: lines that start with `-`"],
    ),
    (
        "intents/more.yml",
        "intents: {}\n",
        ["intents/more.yml: is not read; intents are in files like intents/more.yaml"],
    ),
    ("tools.py", "def f(:\n", ["tools.py:1:7: not Python: invalid syntax"]),
]


@pytest.mark.parametrize(("file", "content", "expected"), MISTAKES)
def test_a_mistake_is_pointed_at_with_what_would_be_right(
    folder: Path, file: str, content: str, expected: list[str]
) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(content)
    assert problems_of(folder) == expected


def test_a_misspelled_folder_is_a_mistake(folder: Path) -> None:
    (folder / "knowledge").rename(folder / "knowlege")
    assert problems_of(folder) == ["knowlege: unknown; did you mean 'knowledge'?"]


def test_mistakes_of_several_files_are_reported_at_once(folder: Path) -> None:
    (folder / "agent.yaml").write_text("nme: Café\n")
    (folder / "intents/order.yaml").write_text("intents: 5\n")
    (folder / "tools.py").write_text("1 +")
    assert [line.split(":")[0] for line in problems_of(folder)] == [
        "agent.yaml",
        "intents/order.yaml",
        "tools.py",
    ]


def test_a_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "bar") == [
        ".: there is no such folder; make an agent with: overture new NAME"
    ]


def test_a_missing_agent_yaml_is_reported(folder: Path) -> None:
    (folder / "agent.yaml").unlink()
    assert problems_of(folder) == ["agent.yaml: is missing; at the least it says `name: ...`"]


def test_text_that_is_not_utf8_is_reported(folder: Path) -> None:
    (folder / "agent.yaml").write_bytes("name: Café".encode("latin-1"))
    assert problems_of(folder) == ["agent.yaml: is not UTF-8 text (byte 9); save it as UTF-8"]


def test_an_agent_with_nothing_to_say_is_refused(folder: Path) -> None:
    (folder / "knowledge/hours.md").unlink()
    (folder / "intents/order.yaml").unlink()
    assert problems_of(folder) == [
        ".: has nothing to say: put documents in knowledge/ or intents in intents/"
    ]


RULES = """\
rules:
  - name: order_ready
    trigger: {event: order.ready}
    say: It is ready.
  - name: unfinished
    trigger: {abandoned_intent: {intent: ordr}}
    say: Shall I place it?
  - name: nameless
    trigger: {evnt: order.ready}
    say: It is ready.
"""


def test_a_rule_with_a_mistake_is_left_out_and_told_and_the_others_are_read(folder: Path) -> None:
    (folder / "outreach").mkdir()
    (folder / "outreach/rules.yaml").write_text(RULES)
    agent = load_agent(folder)
    assert [rule.name for rule in agent.rules] == ["order_ready"]
    assert [notice.replace(f"{folder}/", "") for notice in agent.notices] == [
        "outreach/rules.yaml:5:1: rule 'unfinished': there is no intent 'ordr'; "
        "did you mean 'order'?"
        " (this rule is left out)",
        "outreach/rules.yaml:9:14: there is no trigger 'evnt'; did you mean 'event'?"
        " (this rule is left out)",
    ]


def test_the_version_follows_the_content_and_not_editors_leftovers(folder: Path) -> None:
    before = content_hash(folder)
    (folder / ".hours.md.swp").write_text("x")
    assert content_hash(folder) == before
    (folder / "knowledge/hours.md").write_text("# Hours\nWe open at nine.\n")
    assert content_hash(folder) != before


def test_every_part_of_a_file_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a:\n  - b: 1\n  - c: [x, 'y']\n")
    source = YamlSource(path)
    assert str(source.problem(("a", 1, "c", 1), "here")) == f"{path}:3:12: here"
    assert str(source.problem(("a", 1, "nothing"), "here")) == f"{path}:3:5: here"


def test_an_impossible_date_is_a_mistake_and_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("name: 2026-99-99\n")
    settings, problems = read_model(AgentSettings, YamlSource(path))
    assert settings is None
    assert "is not valid YAML" in str(problems[0])
