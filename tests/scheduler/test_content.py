"""What rules say: values put in, optional parts, and what cannot be said."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.content import ContentError, Template, TemplateError

SEEN = {
    "event": {"data": {"drink": "latte", "count": 2, "price": 3.5, "names": ["Ana", "Bo", "Cy"]}},
    "user": {"name": "", "attributes": {"vip": True}},
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Your {event.data.drink} is ready.", "Your latte is ready."),
        ("Your { event.data.drink } is ready.", "Your latte is ready."),
        ("{event.data.count} at {event.data.price}", "2 at 3.5"),
        ("For {event.data.names}.", "For Ana, Bo and Cy."),
        ("Ready[, {user.name}].", "Ready."),
        ("[{event.data.count} of ]your {event.data.drink}", "2 of your latte"),
        ("[{user.name}, ]your {event.data.drink}", "Your latte"),
        ("Hello [{user.name}] there", "Hello there"),
        ("{{x}} [[y]]", "{x} [y]"),
    ],
)
def test_values_are_put_in_and_parts_without_them_left_out(text: str, said: str) -> None:
    assert Template(text).render(SEEN) == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{user.name}", "user.name is missing"),
        ("{event.data.drink.size}", "event.data.drink.size is missing"),
        ("{event.data}", "event.data is not a single value"),
        ("{user.attributes.vip}", "user.attributes.vip is true, which cannot be said"),
        ("{session.turns}", "session.turns is missing"),
    ],
)
def test_a_value_that_cannot_be_said_is_named(text: str, why: str) -> None:
    with pytest.raises(ContentError, match=why):
        Template(text).render(SEEN)


def test_what_an_event_brings_is_bounded_and_never_read_as_a_template() -> None:
    said = Template("It says {event.x}.")
    assert said.render({"event": {"x": "{user.name} [a]"}}) == "It says {user.name} [a]."
    assert said.render({"event": {"x": "a\x00b\u202ec\n d"}}) == "It says a b c d."
    with pytest.raises(ContentError, match="longer than 300"):
        said.render({"event": {"x": "a" * 301}})
    with pytest.raises(ContentError, match="missing"):
        said.render({"event": {"x": "\x00"}})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Your {evnt.data.x}", "nothing is known of {evnt.data.x}"),
        ("Your {user}", "names with dots between"),
        ("Your {user.na me}", "names with dots between"),
        ("Your {}", "nothing is known of {}"),
        ("Your }", "a lone }; write }} for the character"),
        ("Your {user.name", "a lone {"),
        ("Your [x]", "needs a {value}"),
        ("Your [{user.name}", "a [ without its ]"),
        ("Your ]", "a ] without its ["),
        ("[a {user.name} [b {user.id}]]", "cannot hold another"),
    ],
)
def test_a_text_that_cannot_be_a_template_says_what_would_be_right(text: str, why: str) -> None:
    with pytest.raises(TemplateError) as refused:
        Template(text)
    assert why in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    with suppress(TemplateError, ContentError):
        assert isinstance(Template(text).render(SEEN), str)
