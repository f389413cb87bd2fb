"""What a session tells becomes a turn's spans, without a word of it."""

import pytest

from knowledge.passages import Passage
from live import events as told
from live.history import Item
from overture.turn_trace import Span, TurnSpans, TurnTrace


class Watched:
    """A session's trace, on a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.turns: list[TurnSpans] = []
        self._trace = TurnTrace("sess_1", self.turns.append, lambda: self.now)

    def at(self, now: float, *events: told.LiveEvent) -> None:
        """The session tells these then."""
        self.now = now
        for event in events:
            self._trace.follow(event)


ASKED = Item("item_u", "user", "when do you close", spoken=True)
BEGUN = told.ResponseBegun("resp_1", audio=True)
STAGES = {
    "end_of_turn": 200.0,
    "recognition": 50.0,
    "retrieval": 10.0,
    "answer": 30.0,
    "first_audio": 100.0,
    "voice_to_voice": 300.0,
}


def spoken_turn(watched: Watched, *, reason: str = "") -> None:
    """A question from 1000 to 1002, answered from 1002.3 to 1005."""
    watched.at(1000.0, told.SpeechStarted("item_u", 100))
    watched.at(1002.1, told.InterimWords("item_u", "when do you close"))
    watched.at(1002.2, told.TurnCommitted(ASKED, None))
    watched.at(1002.2, told.Transcribed("item_u", "when do you close", 2.0), BEGUN)
    passage = Passage("hours.md", "Hours", "We close at five.", 3)
    watched.at(1002.3, told.SourcesFound("resp_1", "item_a", (passage,)))
    watched.at(1002.3, told.TurnMeasured("item_a", STAGES))
    status: told.Status = "cancelled" if reason else "completed"
    watched.at(1005.0, told.ResponseEnded("resp_1", None, status, reason))


def test_a_turn_lasts_from_the_first_word_to_the_last() -> None:
    watched = Watched()
    spoken_turn(watched)
    (turn,) = watched.turns
    assert (turn.whole.name, turn.whole.start, turn.whole.end) == ("turn", 1000.0, 1005.0)
    assert turn.whole.attributes["session.id"] == "sess_1"
    assert turn.whole.attributes["overture.turn.id"] == "item_u"
    assert turn.whole.attributes["overture.response.id"] == "resp_1"
    assert turn.whole.attributes["overture.voice_to_voice_ms"] == 300.0
    assert turn.whole.attributes["overture.sources"] == 1


def test_each_stage_lies_where_it_was() -> None:
    watched = Watched()
    spoken_turn(watched)
    stages = {span.name: (span.start, span.end) for span in watched.turns[0].stages}
    assert stages == {
        "endpointing": pytest.approx((1002.0, 1002.2)),
        "recognition": pytest.approx((1002.05, 1002.1)),
        "retrieval": pytest.approx((1002.1, 1002.11)),
        "answer": pytest.approx((1002.1, 1002.13)),
        "first audio": pytest.approx((1002.2, 1002.3)),
        "playout": pytest.approx((1002.3, 1005.0)),
    }


def test_no_word_of_anybodys_is_in_a_trace() -> None:
    watched = Watched()
    spoken_turn(watched)
    assert "close" not in repr(watched.turns)
    assert watched.turns[0].whole.attributes["overture.heard.characters"] == len(ASKED.text)


def test_a_turn_that_interrupts_another_is_its_own() -> None:
    watched = Watched()
    spoken_turn(watched, reason="turn_detected")
    first = watched.turns[0].whole
    assert first.attributes["overture.interrupted"] is True
    # The interrupting speech began while the first answer was still going on.
    again = Watched()
    again.at(1000.0, told.SpeechStarted("item_u", 100), told.TurnCommitted(ASKED, None), BEGUN)
    again.at(1003.0, told.SpeechStarted("item_v", 3000))
    again.at(1003.1, told.ResponseEnded("resp_1", None, "cancelled", "turn_detected"))
    again.at(1004.0, told.TurnCommitted(Item("item_v", "user"), "item_u"))
    again.at(1004.1, told.ResponseBegun("resp_2", audio=True))
    again.at(1006.0, told.ResponseEnded("resp_2", None, "completed"))
    spans = [(turn.whole.attributes["overture.turn.id"], turn.whole.end) for turn in again.turns]
    assert spans == [("item_u", 1003.1), ("item_v", 1006.0)]


def test_what_nobody_asked_for_aloud_is_a_trace_of_its_kind() -> None:
    watched = Watched()
    watched.at(1000.0, told.ResponseBegun("r1", audio=True, metadata={"outreach_id": "o1"}))
    watched.at(1001.0, told.ResponseEnded("r1", None, "completed"))
    watched.at(1002.0, told.ResponseBegun("r2", audio=False))
    watched.at(1003.0, told.ResponseEnded("r2", None, "failed", "no"))
    assert [turn.whole.name for turn in watched.turns] == ["prompt", "request"]
    assert watched.turns[1].whole == Span(
        "request",
        1002.0,
        1003.0,
        {
            "session.id": "sess_1",
            "overture.kind": "request",
            "overture.response.id": "r2",
            "overture.response.audio": False,
            "overture.response.status": "failed",
            "overture.interrupted": False,
        },
    )


def test_what_belongs_to_no_response_is_passed_over() -> None:
    watched = Watched()
    watched.at(
        1000.0,
        told.ResponseEnded("never_begun", None, "completed"),
        told.TurnMeasured("item_a", STAGES),
        told.InterimWords("item_u", "hello"),
        told.Warned("be careful"),
    )
    assert watched.turns == []
