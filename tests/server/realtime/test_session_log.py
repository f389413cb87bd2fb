"""The log names sessions and turns, and keeps people's words to itself."""

from structlog.testing import capture_logs

from live import events as told
from live.history import Item
from server.realtime.errors import ClientError
from server.realtime.session_log import MAX_FAULTS, SessionLog

EVENTS = (
    told.Transcribed("item_u", "my secret order", 1.5),
    told.ResponseEnded("r", Item("i", "assistant", "your secret order"), "completed"),
)


def test_words_are_not_logged() -> None:
    with capture_logs() as logs:
        session = SessionLog("sess_1", log_words=False)
        for event in EVENTS:
            session.live_event(event)
    assert len(logs) == 2
    assert all(line["session"] == "sess_1" for line in logs)
    assert logs[0]["turn"] == "item_u"
    assert "secret" not in str(logs)


def test_words_are_logged_when_asked_for() -> None:
    with capture_logs() as logs:
        session = SessionLog("sess_1", log_words=True)
        for event in EVENTS:
            session.live_event(event)
    assert [line["words"] for line in logs] == ["my secret order", "your secret order"]


def test_a_client_that_errs_without_end_does_not_fill_the_log() -> None:
    with capture_logs() as logs:
        session = SessionLog("sess_1", log_words=False)
        for _ in range(10 * MAX_FAULTS):
            session.fault(ClientError("invalid_value", "no"), None)
    assert len(logs) == MAX_FAULTS
