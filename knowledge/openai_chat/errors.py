"""How asking a language model can fail."""

from enum import StrEnum

from knowledge.passages import AnswererError


class Failure(StrEnum):
    """What metrics count a failed answer under."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    BUSY = "busy"
    SERVER_ERROR = "server_error"
    STALLED = "stalled"
    CUT = "cut"
    GARBAGE = "garbage"
    NOTHING_SAID = "nothing_said"
    RESTING = "resting"


PASSING = frozenset({Failure.UNREACHABLE, Failure.BUSY, Failure.SERVER_ERROR, Failure.CUT})
"""What may be gone a moment later. A server that stalled has used up the listener's patience."""


class ChatError(AnswererError):
    """The model did not answer. The message is ours alone, so that it can be logged.

    detail: what the server said of it, which may hold people's words. retry_after: seconds that it
    asked to wait, None if it did not. param: the request's field that it refused, "" if unsaid.
    status: of HTTP, 0 if that was not the trouble.
    """

    def __init__(
        self,
        failure: Failure,
        message: str,
        *,
        detail: str = "",
        retry_after: float | None = None,
        param: str = "",
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.detail = detail
        self.retry_after = retry_after
        self.param = param
        self.status = status
