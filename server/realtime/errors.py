"""What can be wrong with what a client does: told to it in an error event, or by closing."""

from dataclasses import dataclass


class ClientError(Exception):
    """A client event that cannot be carried out; the session goes on.

    code: the protocol's ("invalid_value", ...). param: the dotted path of the field at fault.
    event_id: the client's name of the event, where whoever raises it is the only one who knows.
    """

    def __init__(
        self, code: str, message: str, param: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.event_id = event_id


@dataclass(frozen=True, slots=True)
class Close:
    """How a connection ends. code: RFC 6455 §7.4; reason: at most 123 bytes, for people."""

    code: int
    reason: str


NORMAL = 1000
GOING_AWAY = 1001
POLICY = 1008
"""The client broke a rule; doing the same again will end the same way."""
INTERNAL = 1011
TRY_LATER = 1013
"""Not now: the server is full, not ready, or the client reads too slowly."""


class ClosingError(Exception):
    """The client did something that ends the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.close = Close(code, reason)
