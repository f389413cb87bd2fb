"""What the log says of a session: ids, times and lengths; people's words only if asked for."""

import structlog

from live import events as told
from server.realtime.errors import ClientError, Close

log = structlog.get_logger("overture.session")

MAX_FAULTS = 20
"""Faults of one session that are logged; a client that errs at every message fills no disk."""


class SessionLog:
    """One session's lines; each carries its id, and the turn's where there is one."""

    def __init__(self, session_id: str, *, log_words: bool) -> None:
        self._log = log.bind(session=session_id)
        self._log_words = log_words
        self._faults = 0

    def began(self) -> None:
        """A client has connected."""
        self._log.info("session_began")

    def ended(self, close: Close) -> None:
        """And is gone."""
        more = {"faults": self._faults} if self._faults else {}
        self._log.info("session_ended", code=close.code, reason=close.reason, **more)

    def failed(self) -> None:
        """A bug of ours; called in the `except` block."""
        self._log.exception("session_failed")

    def fault(self, error: ClientError, event_id: str | None) -> None:
        """The client did something wrong."""
        self._faults += 1
        if self._faults <= MAX_FAULTS:
            self._log.info("client_error", code=error.code, param=error.param, event_id=event_id)

    def live_event(self, event: told.LiveEvent) -> None:
        """A line for each turn and response, none for what flows."""
        match event:
            case told.Transcribed(item_id, text, seconds):
                self._log.info("heard", turn=item_id, seconds=seconds, **self._words(text))
            case told.ResponseEnded(response_id, item, status, reason):
                words = self._words(item.text if item is not None else "")
                self._log.info("said", response=response_id, status=status, reason=reason, **words)
            case told.TurnMeasured(item_id, stages_ms):
                self._log.info("turn_measured", turn=item_id, **stages_ms)
            case _:
                pass

    def _words(self, text: str) -> dict[str, str | int]:
        return {"words": text} if self._log_words else {"characters": len(text)}
