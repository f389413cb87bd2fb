"""Keeps the place in the answer being said, so that who was cut off hears the rest of it.

Follows the machine's events and commands. What it keeps goes with the session's context, at the
borders of sentences and not with every frame: twice a sentence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time

from conversation import commands as c
from conversation import events as e
from live.core import Core
from sessions.context import MAX_SENTENCES, Answer, Marks, Played, Sentence

OVER = (c.Ending.INTERRUPTED, c.Ending.CANCELLED, c.Ending.FAILED)
"""Endings after which nobody wants the rest. A parked answer goes on in another response."""


@dataclass(slots=True)
class _Voiced:
    """A sentence: what of its audio was made, after `start_ms` of the sentences before it."""

    text: str
    start_ms: int | None = None
    ms: int = 0
    marks: Marks = ()


class Bookmark:
    """One session's. item_of: the item of a response that is spoken aloud, None for others."""

    def __init__(self, core: Core, item_of: Callable[[int], str | None]) -> None:
        self._core = core
        self._item_of = item_of
        self._response: int | None = None
        self._item_id = ""
        self._sentences: list[_Voiced] = []
        self._played_ms = 0

    def follow(self, event: e.Event, commands: Sequence[c.Command]) -> None:
        """Takes in what happened, after the commands were carried out."""
        changed = self._happened(event)
        for command in commands:
            changed |= self._commanded(command, closing=isinstance(event, e.SessionClosed))
        if changed and self._response is not None:
            self._keep()

    def _happened(self, event: e.Event) -> bool:
        """Whether that is worth keeping at once."""
        match event:
            case e.PlayoutAdvanced(response, played_ms) if response == self._response:
                self._played_ms = max(self._played_ms, played_ms)
            case e.SentenceVoiced(response, index, ms, marks) if response == self._response:
                return self._voiced(index, ms, marks)
            case e.SentenceBegun(response, index) if response == self._response:
                return index > 0
            case _:
                pass
        return False

    def _voiced(self, index: int, ms: int, marks: Marks) -> bool:
        if index >= len(self._sentences):
            return False  # beyond what is kept
        sentence = self._sentences[index]
        if sentence.start_ms is None:
            sentence.start_ms = sum(each.ms for each in self._sentences[:index])
        sentence.ms, sentence.marks = ms, marks
        return bool(marks) and marks[-1][0] >= len(sentence.text)

    def _commanded(self, command: c.Command, *, closing: bool) -> bool:
        match command:
            case c.CommitTurn():
                # The user has gone on to something else.
                self._core.context = self._core.context.with_answer(None)
            case c.BeginResponse(response):
                return self._begin(response)
            case c.Speak(response, _, text) if response == self._response:
                if len(self._sentences) < MAX_SENTENCES:
                    self._sentences.append(_Voiced(text))
                    return True
            case c.Truncate(response, played_ms) if response == self._response:
                self._played_ms = played_ms
            case c.EndResponse(response, ending) if response == self._response:
                self._end(ending, closing=closing)
            case _:
                pass
        return False

    def _begin(self, response: int) -> bool:
        item_id = self._item_of(response)
        if item_id is None:
            return False
        self._response, self._item_id = response, item_id
        self._sentences, self._played_ms = [], 0
        return True

    def _end(self, ending: c.Ending, *, closing: bool) -> None:
        if ending is c.Ending.COMPLETED:
            self._played_ms = sum(each.ms for each in self._sentences)
        over = ending in OVER and not closing
        if over:
            self._core.keep(self._core.context.with_answer(None))
        else:
            self._keep()
        self._response = None

    def _keep(self) -> None:
        answer = Answer(
            item_id=self._item_id,
            sentences=tuple(
                Sentence(text=each.text, start_ms=each.start_ms, marks=each.marks)
                for each in self._sentences
            ),
            at=time(),
        )
        played = Played(item_id=self._item_id, ms=max(0, self._played_ms))
        self._core.keep(self._core.context.with_answer(answer).with_played(played))
