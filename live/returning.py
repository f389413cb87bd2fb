"""Taking a stored conversation up where its listener was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time

from live.core import Core
from live.history import HistoryError, Item
from sessions.context import Played, SessionContext
from sessions.resuming import GO_ON_WITHIN_S, Return, place_in

GO_ON_AFTER_S = 0.1
"""Seconds from a client's return until the answer goes on: its settings, which it sends first of
all, count for that already."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is to be said now. sentences: none if the answer has to be found anew."""

    sentences: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def take_up(core: Core, context: SessionContext, back: Return) -> Rest | None:
    """Goes on with the context as the session's; what is still to be said, None for nothing.

    The item of the answer that broke off holds what was heard of it afterwards.
    """
    core.restore(context)
    answer = context.answer
    if answer is None:
        return None
    soon = time() - answer.at <= GO_ON_WITHIN_S
    if not answer.sentences:
        asked = bool(context.items) and context.items[-1].role == "user"
        return Rest() if soon and asked else None
    place = place_in(answer, context.played, back.played)
    if not place.rest:
        return None
    heard = Item(
        answer.item_id,
        "assistant",
        place.heard,
        spoken=True,
        status="incomplete",
        audio_ms=place.heard_ms,
        marks=place.marks,
    )
    _put(core, heard)
    # Should this connection be lost too, before anything more is said.
    core.keep(core.context.with_played(Played(item_id=answer.item_id, ms=place.heard_ms)))
    return Rest(place.rest, {"continues": answer.item_id}) if soon else None


def _put(core: Core, heard: Item) -> None:
    """In the place of what the server took to be heard, or as the latest item."""
    try:
        core.history.get(heard.id)
    except HistoryError:
        if heard.text:
            core.history.add(heard)
    else:
        if not heard.text:
            core.forget(heard.id)
            return
        core.history.replace(
            heard.id,
            text=heard.text,
            status=heard.status,
            audio_ms=heard.audio_ms,
            marks=heard.marks,
        )
    core.remember(heard, core.sources_of(heard.id))
