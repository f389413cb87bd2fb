"""Tag patterns."""

import pytest

from messaging.tags import tag_filter


@pytest.mark.parametrize(
    ("pattern", "tag", "taken"),
    [
        ("*", "", True),
        ("*", "order.ready", True),
        ("order.ready", "order.ready", True),
        ("order.ready", "order.ready.late", False),
        ("order.ready", "orderXready", False),
        ("order.*", "order.ready", True),
        ("order.*", "order", False),
        ("order.*", "order.", False),
        ("order.*", "order.ready.late", False),
        ("*.ready", "order.ready", True),
        ("order.#", "order", True),
        ("order.#", "order.ready.late", True),
        ("order.#", "orders", False),
        ("#.ready", "ready", True),
        ("a.#.b", "a.b", True),
        ("a.#.b", "a.x.y.b", True),
        ("a.#.b", "a.x.y", False),
        ("(a|b).*", "a.x", False),
        ("order.*", "order.re\nady", True),
    ],
)
def test_a_pattern_takes_what_it_says(pattern: str, tag: str, taken: bool) -> None:
    assert tag_filter(pattern)(tag) is taken
