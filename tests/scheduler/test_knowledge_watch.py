"""Documents that change are told of."""

import os
from pathlib import Path

from messaging.bus import Message
from messaging.memory import MemoryBus
from scheduler.happenings import Happening
from scheduler.knowledge_watch import KnowledgeWatch
from tests.support.scheduling import AwayBus, until


async def changes(folder: Path, *steps: tuple[str, str | None]) -> list[tuple[str, object, object]]:
    """(document, new, gone) told after each step: a file's name and its text, None to delete it."""
    told: list[tuple[str, object, object]] = []

    async def take(message: Message) -> None:
        happening = Happening.model_validate_json(message.body)
        about = happening.data
        told.append((str(about["document"]), about["new"], about["gone"]))

    bus = MemoryBus("one")
    await bus.subscribe("happenings", "scheduler", take)
    watch = KnowledgeWatch(folder, bus)
    await watch.look()
    for name, text in steps:
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)
        await watch.look()
    published = bus.counts["happenings", "", "published"] if bus.counts else 0

    async def all_came() -> bool:
        return len(told) == published

    await until(all_came)
    await bus.aclose()
    return told


async def test_what_was_there_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "menu.md").write_text("Latte 3.50")
    assert await changes(tmp_path) == []


async def test_a_document_that_is_new_changes_and_goes(tmp_path: Path) -> None:
    told = await changes(
        tmp_path, ("menu.md", "Latte 3.50"), ("menu.md", "Latte 3.80"), ("menu.md", None)
    )
    assert told == [("menu.md", True, False), ("menu.md", False, False), ("menu.md", False, True)]


async def test_a_document_that_was_only_touched_has_not_changed(tmp_path: Path) -> None:
    (tmp_path / "menu.md").write_text("Latte 3.50")
    bus = MemoryBus("one")
    watch = KnowledgeWatch(tmp_path, bus)
    await watch.look()
    os.utime(tmp_path / "menu.md", (1, 1))
    await watch.look()
    assert not bus.counts
    await bus.aclose()


async def test_hidden_files_are_no_documents(tmp_path: Path) -> None:
    assert await changes(tmp_path, (".menu.md.swp", "x")) == []


async def test_what_changed_while_the_bus_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    (tmp_path / "menu.md").write_text("Latte 3.50")
    (tmp_path / "hours.md").write_text("9 to 5")
    bus = AwayBus("one")
    watch = KnowledgeWatch(tmp_path, bus)
    await watch.look()
    (tmp_path / "menu.md").write_text("Latte 3.80")
    (tmp_path / "hours.md").unlink()
    (tmp_path / "wines.md").write_text("None")
    await watch.look()
    bus.away = False
    await watch.look()
    assert bus.counts["happenings", "", "published"] == 3
    await watch.look()
    assert bus.counts["happenings", "", "published"] == 3
    await bus.aclose()
