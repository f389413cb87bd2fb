"""A mistake in an intents file is found with its place, and told with what would be right."""

from pathlib import Path
from typing import Any

import pytest

from intents.definition import DefinitionError, IntentsFile, YamlPath, parse_intents, read_intents

CAFE = Path(__file__).parents[2] / "agents" / "cafe"


def problems(data: object) -> list[tuple[YamlPath, str]]:
    with pytest.raises(DefinitionError) as error:
        parse_intents(data)
    return [(problem.path, problem.message) for problem in error.value.problems]


def order(**changes: Any) -> dict[str, Any]:
    """A correct file but for `changes` to its intent."""
    slots = {"drink": {"values": ["tea"], "required": True, "ask": "Which?"}}
    form = {"summary": "{drink}", "confirm": "{summary}. Right?", "done": "Done."}
    intent = {"sentences": ["[a] {drink}"], "slots": slots, "form": form}
    return {"phrases": {"please": "please"}, "intents": {"order": intent | changes}}


def test_the_cafe_is_right() -> None:
    names = [name for file in read_intents(CAFE / "intents") for name in file.intents]
    assert names[0] == "orderDrink"
    assert {"greeting", "thanks", "goodbye", "repeat", "help", "yes", "no", "cancel"} <= set(names)


def test_a_right_file_is_read_and_cannot_be_changed() -> None:
    file = parse_intents(order())
    assert isinstance(file, IntentsFile)
    assert file.intents["order"].slots["drink"].values == ("tea",)
    with pytest.raises(ValueError, match="frozen"):
        file.phrases = {}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        (None, (), "valid dictionary"),
        ({"intents": {}}, ("intents",), "at least 1 item"),
        ({"intents": {"a": {"sentences": []}}}, ("intents", "a", "sentences"), "at least 1"),
        ({"intents": {True: {"sentences": ["x"]}}}, ("intents", True), "valid string"),
        ({"intents": {"a": {"sentences": ["x"], "replay": "y"}}}, ("intents", "a", "replay"),
         "not permitted"),
        (order(sentences=["(a|b"]), ("intents", "order", "sentences", 0), "needs a ')'"),
        (order(sentences=["{drnk}"]), ("intents", "order", "sentences", 0),
         "there is no slot {drnk}; use drink"),
        (order(sentences=["<pleas>"]), ("intents", "order", "sentences", 0),
         "there is no phrase <pleas>"),
        (order(reply="Fine."), ("intents", "order", "reply"), "a form has no reply"),
        (order(slots={}), ("intents", "order", "form"), "a form needs slots"),
        (order(slots={"drink": {"values": ["tea"], "required": True}}),
         ("intents", "order", "slots", "drink"), "add ask"),
        (order(slots={"drink": {"values": ["tea"], "aliases": {"brew": "coffee"}}}),
         ("intents", "order", "slots", "drink", "aliases", "brew"), "none of the slot's values"),
        (order(slots={"drink": {"values": ["!"]}}),
         ("intents", "order", "slots", "drink", "values", 0), "no word that could be said"),
        (order(form={"summary": "{size}", "confirm": "?", "done": "."}),
         ("intents", "order", "form", "summary"), "there is no slot {size}"),
        (order(form={"summary": "x", "confirm": "?", "done": ".", "often_added": ["size"]}),
         ("intents", "order", "form", "often_added", 0), "there is no slot size"),
        ({"phrases": {"a": "<b>", "b": "x <a>"}, "intents": {"i": {"sentences": ["x"]}}},
         ("phrases", "a"), "contains itself"),
        ({"phrases": {"a": "<b>"}, "intents": {"i": {"sentences": ["x"]}}},
         ("phrases", "a"), "there is no phrase <b>"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(data: object, path: YamlPath, message: str) -> None:
    found = problems(data)
    assert found[0][0] == path
    assert message in found[0][1]


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(order(sentences=["{a}", "{b}"]))
    assert [path[-1] for path, _ in found] == [0, 1]
