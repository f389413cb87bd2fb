"""Server events as the wire has them: JSON text, each with its own id."""

import binascii
import secrets
from typing import Any

import orjson

from server.realtime.errors import ClientError


class Encoder:
    """Makes the events of one connection."""

    def __init__(self) -> None:
        # Random once and counted on: an id a frame costs nothing, and no two sessions share one.
        self._prefix = f"event_{secrets.token_hex(8)}_"
        self._count = 0

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def event(self, event_type: str, **fields: Any) -> str:
        """One event."""
        return orjson.dumps({"type": event_type, "event_id": self._next_id(), **fields}).decode()

    def audio(self, response_id: str, item_id: str, audio: bytes) -> str:
        """`response.output_audio.delta`, written out: base64 needs no escaping, and it is hot.

        audio: in the format that the session's output has.
        """
        delta = binascii.b2a_base64(audio, newline=False).decode()
        return (
            f'{{"type":"response.output_audio.delta","event_id":"{self._next_id()}",'
            f'"response_id":"{response_id}","item_id":"{item_id}",'
            f'"output_index":0,"content_index":0,"delta":"{delta}"}}'
        )

    def error(
        self, error: ClientError, event_id: str | None, kind: str = "invalid_request_error"
    ) -> str:
        """`error`, naming the client's own event."""
        return self.event(
            "error",
            error={
                "type": kind,
                "code": error.code,
                "message": str(error),
                "param": error.param,
                "event_id": event_id,
            },
        )
