"""docs/floor.md shows the machine as it is."""

from pathlib import Path

from conversation.drawing import diagram

PAGE = Path(__file__).parents[2] / "docs" / "floor.md"


def test_the_page_about_the_floor_holds_the_current_diagram() -> None:
    current = f"```mermaid\n{diagram()}```\n"
    told = "docs/floor.md is out of date; put in what `python -m conversation.drawing` prints"
    assert current in PAGE.read_text(), told
