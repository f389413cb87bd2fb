"""An order's slots come out exactly as they were put in, however it is phrased."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.definition import read_intents
from intents.engine import IntentEngine

CAFE = Path(__file__).parents[2] / "agents" / "cafe"
FILES = read_intents(CAFE / "intents")
ENGINE = IntentEngine(FILES)
VALUES = {name: slot.values for name, slot in FILES[0].intents["orderDrink"].slots.items()}
BEFORE = ("size", "roast", "numberOfShots")
AFTER = ("milkAmount", "sugarAmount")


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A sentence, and the slots that it names."""
    slots = {"coffeeDrink": draw(st.sampled_from(VALUES["coffeeDrink"]))}
    for name in (*BEFORE, *AFTER):
        if draw(st.booleans()):
            slots[name] = draw(st.sampled_from(VALUES[name]))
    before = [slots[name] for name in draw(st.permutations(BEFORE)) if name in slots]
    after = [slots[name] for name in draw(st.permutations(AFTER)) if name in slots]
    opening = draw(
        st.sampled_from(
            ["I want", "I'd like", "brew", "can I get", "get me", "May I have", "um can I have",
             "could you make me", "hi can I please have", "I'll take", ""]
        )
    )  # fmt: skip
    article = draw(st.sampled_from(["a", "an", "one", "a a", ""]))
    ending = draw(st.sampled_from(["", "please", "thanks", "to go", "and"]))
    joined = draw(st.sampled_from([" and ", " with ", " and um with ", " "])).join(after)
    extras = f"{draw(st.sampled_from(['with', 'and', 'with with']))} {joined}" if after else ""
    words = f"{opening} {article} {' '.join(before)} {slots['coffeeDrink']} {extras} {ending}"
    return words, slots


@given(orders())
def test_every_phrasing_gives_the_same_slots(order: tuple[str, dict[str, str]]) -> None:
    sentence, slots = order
    understanding = ENGINE.understand(sentence)
    assert understanding.intent == "orderDrink"
    assert dict(understanding.slots) == slots


@pytest.mark.parametrize(
    ("sentence", "slots"),
    [
        ("I'd like a 16 oz. Latte!", {"coffeeDrink": "latte", "size": "sixteen ounce"}),
        ("two lattes", {"coffeeDrink": "latte"}),
        ("a twelve-ounce caffè latté", {"coffeeDrink": "latte", "size": "twelve ounce"}),
        ("an espresso with two shots", {"coffeeDrink": "espresso", "numberOfShots": "double shot"}),
        ("a mocha with bit of milk", {"coffeeDrink": "mocha", "milkAmount": "a bit of milk"}),
        ("a mocha with a lot of um of milk",
         {"coffeeDrink": "mocha", "milkAmount": "a lot of milk"}),
        ("a mocha with almond and sugar",
         {"coffeeDrink": "mocha", "milkAmount": "almond milk", "sugarAmount": "sugar"}),
        ("have a large coffee", {"coffeeDrink": "coffee", "size": "large"}),
        ("get me an iced mocha of with sugar",
         {"coffeeDrink": "iced mocha", "sugarAmount": "sugar"}),
        ("a house coffee with sweetener and almond mocha",
         {"coffeeDrink": "house coffee", "sugarAmount": "sweetener", "milkAmount": "almond milk"}),
    ],
)  # fmt: skip
def test_slips_of_recognizers_are_forgiven(sentence: str, slots: dict[str, str]) -> None:
    understanding = ENGINE.understand(sentence)
    assert understanding.intent == "orderDrink"
    assert dict(understanding.slots) == slots


@pytest.mark.parametrize(
    "text",
    ["is the latte decaf", "the milk was sour", "coffee beans", "what about parking", "is it dark"],
)
def test_talk_about_drinks_is_no_order(text: str) -> None:
    assert ENGINE.understand(text).intent is None
