"""docs/rules.md: its examples are rules, and its tables name what there is."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from scheduler.policy import CHECKS
from scheduler.rule_files import parse_rules
from scheduler.rules import DeliverySettings, PolicySettings, Rule
from scheduler.triggers import KINDS
from scheduler.variables import variables

PAGE = (Path(__file__).resolve().parents[2] / "docs/rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_rule_without_a_mistake(example: str) -> None:
    loaded = parse_rules(example, "docs/rules.md")
    assert loaded.problems == ()
    assert loaded.rules


@pytest.mark.parametrize("model", [Rule, DeliverySettings, PolicySettings])
def test_every_key_has_its_row(model: type[BaseModel]) -> None:
    keys = [name for name, field in model.model_fields.items() if not field.exclude]
    assert [key for key in keys if f"`{key}`" not in re.findall(r"^\| (`\w+`)", PAGE, re.M)] == []


def test_every_trigger_has_a_row_that_is_one() -> None:
    written = re.findall(r"^\| `(\{.*?\})` \|", PAGE, re.MULTILINE)
    rules = "rules:\n" + "".join(
        f"  - {{name: r{number}, trigger: {trigger}, say: x}}\n"
        for number, trigger in enumerate(written)
    )
    loaded = parse_rules(rules, "docs/rules.md")
    assert loaded.problems == ()
    assert {rule.trigger.kind for rule in loaded.rules} == set(KINDS)


def test_every_check_and_every_name_is_on_the_page() -> None:
    assert [check for check in CHECKS if f"`{check}`" not in PAGE] == []
    card = {"session": "s", "since": 0, "active": 0, "turns": 1, "form": "", "floor": "idle"}
    card |= {"transport": "webrtc", "last_intent": "", "time_zone": "UTC", "text_only": False}
    seen = variables(user="u", now=1.0, zone="UTC", session=card)
    for root in ("user", "session", "local"):
        for name in seen[root]:
            assert f"{root}.{name}" in PAGE or f".{name}`" in PAGE, name
