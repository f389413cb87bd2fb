"""A circuit breaker: a server that keeps failing is left alone for a while."""

from collections.abc import Callable

FAILURES = 3
"""In a row, after which the circuit opens: two happen by chance, and each costs a listener
seconds."""
OPEN_S = 20.0
"""Seconds without asking: a server that restarts takes about that long."""


class CircuitBreaker:
    """Closed until `failures` in a row; then open for `open_s` seconds; then one probe decides.

    now: seconds, monotonic.
    """

    def __init__(
        self, now: Callable[[], float], failures: int = FAILURES, open_s: float = OPEN_S
    ) -> None:
        self._now = now
        self._failures = failures
        self._open_s = open_s
        self._in_a_row = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether the server is left alone, but for a probe."""
        return self._open_until is not None

    def admits(self) -> bool:
        """Whether the server may be asked now. Whoever is let through must tell how it went, with
        `succeeded`, `failed` or `given_up`."""
        if self._open_until is None:
            return True
        if self._probing or self._now() < self._open_until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The server answered."""
        self._in_a_row, self._open_until, self._probing = 0, None, False

    def failed(self) -> None:
        """It did not. Opens the circuit, again after a probe."""
        self._in_a_row += 1
        if self._probing or self._in_a_row >= self._failures:
            self._open_until = self._now() + self._open_s
        self._probing = False

    def given_up(self) -> None:
        """Nobody waited for the answer: that says nothing about the server."""
        self._probing = False
