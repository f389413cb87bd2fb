"""What the sides of one live session share: its settings, its memory, and the two ways out."""

from collections.abc import Callable

import structlog

from conversation.events import Event
from live.config import SessionConfig
from live.events import LiveEvent
from live.history import History, Item
from live.keeping import from_stored, to_stored
from live.parts import Parts
from sessions import context as stored
from voice.audio import SPEAKING_RATE, Pcm
from voice.echo import LIKELY_ECHO, EchoDetector

ECHO_TAIL = 1.0
"""Seconds after the agent's last sample in which its echo may still come: the longest delay that
is looked for, the room, and a microphone that lags."""


class Core:
    """One session's. post: an event for the machine; tell: an event for whoever carries us."""

    def __init__(
        self,
        parts: Parts,
        config: SessionConfig,
        context: stored.SessionContext,
        post: Callable[[Event], None],
        tell: Callable[[LiveEvent], None],
    ) -> None:
        self.parts = parts
        self.config = config
        self.context = context
        self.post = post
        self.tell = tell
        self.history = History()
        self.log: structlog.stdlib.BoundLogger = structlog.get_logger("live").bind(
            session=context.id
        )
        self._echo = EchoDetector()
        self._echo_until = 0.0

    def played(self, samples: Pcm, at: float) -> None:
        """The agent's own voice leaves, to be played at that time."""
        self._echo.played(samples, at)
        self._echo_until = at + len(samples) / SPEAKING_RATE + ECHO_TAIL

    def is_echo(self, heard: Pcm, ago: float) -> bool:
        """Whether this is the agent's own voice coming back; its last sample came `ago` s ago."""
        until = self.parts.clock.now() - ago
        if until > self._echo_until:
            return False
        return self._echo.likeness(heard, until) >= LIKELY_ECHO

    def restore(self, context: stored.SessionContext) -> None:
        """Goes on with a conversation as it was stored."""
        self.context = context
        for item in context.items:
            self.history.add(from_stored(item))

    def remember(self, item: Item, sources: tuple[stored.Source, ...] = ()) -> None:
        """Stores an item as it is, a message as it was heard."""
        if (kept := to_stored(item, sources)) is not None:
            self.keep(self.context.with_item(kept, self.history.before(item.id)))

    def sources_of(self, item_id: str) -> tuple[stored.Source, ...]:
        """What an item that is stored rests on."""
        return next((kept.sources for kept in self.context.items if kept.id == item_id), ())

    def forget(self, item_id: str) -> None:
        """Takes an item out of the conversation; raises HistoryError."""
        self.history.delete(item_id)
        self.keep(self.context.without_item(item_id))

    def keep(self, context: stored.SessionContext) -> None:
        """Makes this the session's context and stores it, soon."""
        self.context = context
        self.parts.memory.save(context)
