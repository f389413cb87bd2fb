"""Who was not let in: every one is counted, and as many are logged as a person would read."""

import asyncio

import structlog
from starlette.requests import HTTPConnection

from server.metrics import Metrics
from server.realtime.rates import Allowance
from server.refusals import RefusedError

log = structlog.get_logger("overture.server")

LOGGED_A_SECOND = 5.0
"""Who knocks in vain all day fills no disk."""


class RefusalLog:
    """One server's."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._allowance: Allowance | None = None

    def note(self, refused: RefusedError, connection: HTTPConnection) -> None:
        """Somebody was refused; called on the event loop."""
        self._metrics.refused(refused.code)
        now = asyncio.get_running_loop().time()
        if self._allowance is None:
            self._allowance = Allowance(LOGGED_A_SECOND, 10 * LOGGED_A_SECOND, now)
        if self._allowance.take(1, now):
            address = connection.client.host if connection.client else ""
            log.warning(
                "connection_refused", why=refused.code, reason=str(refused), address=address
            )
