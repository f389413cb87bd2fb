"""The conversation's items, in order: what was said, as it was heard."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from knowledge.passages import Exchange, FunctionCall

MAX_ITEMS = 1000
"""Items kept of one conversation; the oldest go first (a turn is two, so hours of talk)."""

ROOT = "root"
"""The name of the place before the first item (OpenAI Realtime, `previous_item_id`)."""


class HistoryError(ValueError):
    """An item that is not there, or is there already. The message names it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item.

    text: a message's words; spoken ones as they were heard by either side.
    spoken: it was audio, and `text` is its transcript. audio_ms: how much audio, 0 if unknown.
    marks: rising (character of `text`, ms of its audio) pairs, for spoken ones of the agent's.
    raw: for items that are not messages, the item as the wire has it.
    worked: what the agent called, and what came of it, to answer this; the client sees none of it.
    """

    id: str
    role: Literal["user", "assistant", "system"] = "user"
    text: str = ""
    spoken: bool = False
    status: Literal["completed", "incomplete", "in_progress"] = "completed"
    audio_ms: int = 0
    kind: str = "message"
    marks: tuple[tuple[int, int], ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    worked: tuple[Exchange, ...] = ()

    def heard_text(self, audio_ms: int) -> str:
        """The words whose audio ends within `audio_ms`; all of them if that is unknown."""
        if not self.marks:
            return self.text
        chars = [char for char, ms in self.marks if ms <= audio_ms]
        return self.text[: max(chars, default=0)].rstrip()


def new_item_id() -> str:
    """An id that no other item has."""
    return f"item_{secrets.token_hex(10)}"


def function_call_item(call: FunctionCall) -> Item:
    """A call that the client is to make."""
    item_id = new_item_id()
    raw = {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call",
        "status": "completed",
        "call_id": call.call_id,
        "name": call.name,
        "arguments": call.arguments,
    }
    return Item(item_id, "assistant", kind="function_call", raw=raw)


class History:
    """An ordered set of items."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return any(item.id == item_id for item in self._items)

    @property
    def items(self) -> Sequence[Item]:
        """All of them, oldest first."""
        return self._items

    def get(self, item_id: str) -> Item:
        """The item; raises HistoryError."""
        return self._items[self._index(item_id)]

    def before(self, item_id: str) -> str | None:
        """The id before it, "" for the first; None if it is the last or not there."""
        try:
            index = self._index(item_id)
        except HistoryError:
            return None
        if index == len(self._items) - 1:
            return None
        return self._items[index - 1].id if index else ""

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Puts it after that item (None: at the end; ROOT: first); returns the id before it.

        Raises HistoryError if `after` is not there or the id is taken.
        """
        if any(known.id == item.id for known in self._items):
            raise HistoryError(f"there is an item '{item.id}' already; choose another id")
        if after is None:
            index = len(self._items)
        else:
            index = 0 if after == ROOT else self._index(after) + 1
        self._items.insert(index, item)
        if len(self._items) > MAX_ITEMS:
            self._items.pop(0)
            index -= 1
        return self._items[index - 1].id if index > 0 else None

    def replace(self, item_id: str, **changes: Any) -> Item:
        """Changes fields of an item; raises HistoryError."""
        index = self._index(item_id)
        self._items[index] = replace(self._items[index], **changes)
        return self._items[index]

    def delete(self, item_id: str) -> None:
        """Forgets it; raises HistoryError."""
        del self._items[self._index(item_id)]

    def _index(self, item_id: str) -> int:
        for index in range(len(self._items) - 1, -1, -1):
            if self._items[index].id == item_id:
                return index
        raise HistoryError(f"there is no item '{item_id}' in this conversation")
