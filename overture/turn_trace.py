"""One session's turns as spans, made from what the session tells. No words, and no library.

A turn's trace is known only when its response has ended: then its spans are handed over together,
with the times that the stages had. They are measured by `live.stages`; here they are put on the
clock of the wall.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from live import events as told

Value: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds since 1970."""

    name: str
    start: float
    end: float
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnSpans:
    """A whole turn and, inside it, its stages."""

    whole: Span
    stages: tuple[Span, ...]


@dataclass(slots=True)
class _Turn:
    """What is known so far; times are 0.0 where not reached.

    words_at: the recognizer's latest words. first_audio_at: the agent began to be heard.
    """

    began_at: float
    attributes: dict[str, Value]
    words_at: float = 0.0
    committed_at: float = 0.0
    first_audio_at: float = 0.0
    stages_ms: Mapping[str, float] = field(default_factory=dict)


class TurnTrace:
    """Feed it every event of one session; it hands over each turn when its response has ended."""

    def __init__(
        self,
        session_id: str,
        finished: Callable[[TurnSpans], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._session_id = session_id
        self._finished = finished
        self._now = now
        self._heard: _Turn | None = None
        self._answered: dict[str, _Turn] = {}

    def follow(self, event: told.LiveEvent) -> None:
        """Notes what this event tells of the turn that it belongs to."""
        match event:
            case told.SpeechStarted(item_id):
                self._heard = self._begun("turn", item_id)
            case told.InterimWords():
                if self._heard is not None:
                    self._heard.words_at = self._now()
            case told.TurnCommitted(item):
                self._commit(item.id)
            case told.Transcribed(_, text, seconds):
                if self._heard is not None:
                    self._heard.attributes["overture.heard.characters"] = len(text)
                    self._heard.attributes["overture.heard.seconds"] = round(seconds, 3)
            case told.ResponseBegun():
                self._answer(event)
            case told.SourcesFound(response_id, _, sources):
                if response_id in self._answered:
                    self._answered[response_id].attributes["overture.sources"] = len(sources)
            case told.TurnMeasured():
                self._measured(event)
            case told.ResponseEnded():
                self._end(event)
            case _:
                pass

    def _begun(self, kind: str, item_id: str = "") -> _Turn:
        attributes: dict[str, Value] = {"session.id": self._session_id, "overture.kind": kind}
        if item_id:
            attributes["overture.turn.id"] = item_id
        return _Turn(self._now(), attributes)

    def _commit(self, item_id: str) -> None:
        # A client that commits by hand may do so without any speech having been noticed.
        if self._heard is None or self._heard.attributes.get("overture.turn.id") != item_id:
            self._heard = self._begun("turn", item_id)
        self._heard.committed_at = self._now()

    def _answer(self, event: told.ResponseBegun) -> None:
        turn = self._heard
        if turn is None or not turn.committed_at:
            # The client asked, or the agent speaks first; a turn that is still open stays so.
            kind = "prompt" if "outreach_id" in event.metadata else "request"
            turn = self._begun(kind)
        else:
            self._heard = None
        turn.attributes["overture.response.id"] = event.response_id
        turn.attributes["overture.response.audio"] = event.audio
        self._answered[event.response_id] = turn

    def _measured(self, event: told.TurnMeasured) -> None:
        """Told with the first audio of the one response that is being spoken."""
        for turn in self._answered.values():
            if not turn.first_audio_at:
                turn.first_audio_at = self._now()
                turn.stages_ms = event.stages_ms

    def _end(self, event: told.ResponseEnded) -> None:
        turn = self._answered.pop(event.response_id, None)
        if turn is None:
            return
        turn.attributes["overture.response.status"] = event.status
        turn.attributes["overture.interrupted"] = event.reason == "turn_detected"
        for stage, ms in turn.stages_ms.items():
            turn.attributes[f"overture.{stage}_ms"] = ms
        ended_at = self._now()
        began_at = min(turn.began_at, ended_at)
        whole = Span(str(turn.attributes["overture.kind"]), began_at, ended_at, turn.attributes)
        self._finished(TurnSpans(whole, tuple(_stages(turn, ended_at))))


def _stages(turn: _Turn, ended_at: float) -> list[Span]:
    """Where each stage lay. Only durations were measured, so a stage is put at the end or the
    beginning that is known: recognition ends with its words, and the answer begins there."""
    spans: list[Span] = []

    def add(name: str, start: float, end: float) -> None:
        spans.append(Span(name, max(start, turn.began_at), max(end, turn.began_at)))

    seconds = {stage: ms / 1000 for stage, ms in turn.stages_ms.items()}
    heard_at = turn.words_at or turn.committed_at
    if "end_of_turn" in seconds:
        add("endpointing", turn.committed_at - seconds["end_of_turn"], turn.committed_at)
    if "recognition" in seconds:
        add("recognition", heard_at - seconds["recognition"], heard_at)
    for stage in ("retrieval", "answer"):
        if stage in seconds and heard_at:
            add(stage, heard_at, heard_at + seconds[stage])
    if turn.first_audio_at:
        if turn.committed_at:
            add("first audio", turn.committed_at, turn.first_audio_at)
        add("playout", turn.first_audio_at, ended_at)
    return spans
