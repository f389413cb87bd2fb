"""Which scheduler leads: one holds a lease in Redis, the others wait for it to lapse."""

import asyncio

import structlog

from sessions.ending import end
from sessions.lease import Lease
from sessions.store import StoreUnavailableError

log = structlog.get_logger(__name__)

NAME = "scheduler"
RENEWALS = 4
"""In the life of a lease: three may fail before it is lost."""


class Leader:
    """Takes the lease when it is free and keeps it. token: fencing; grows with every leader.

    What leaders do is idempotent, so that two that overlap for a moment do no harm.
    """

    def __init__(self, lease: Lease, ttl_s: float = 2.0) -> None:
        self._lease = lease
        self._ttl_s = ttl_s
        self._sure_until = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self.token = 0

    @property
    def leading(self) -> bool:
        """Whether the lease is surely ours still."""
        return asyncio.get_running_loop().time() < self._sure_until

    async def start(self) -> None:
        """Tries at once, and from then on."""
        await self.look()
        self._task = asyncio.create_task(self._keep(), name="scheduler-leader")

    async def aclose(self) -> None:
        """Gives the lease back, so that another leads at once."""
        if self._task is not None:
            await end(self._task)
            self._task = None
        if self.leading:
            self._sure_until = float("-inf")
            try:
                await self._lease.release()
            except StoreUnavailableError as error:
                log.warning("the lease is left to lapse", reason=str(error))

    async def look(self) -> None:
        """Renews the lease, or takes it if it is free."""
        asked = asyncio.get_running_loop().time()
        led = self.leading
        try:
            if led and await self._lease.renew():
                self._sure_until = asked + self._ttl_s
                return
            token = await self._lease.acquire()
        except StoreUnavailableError as error:
            if led:
                log.warning("the lease cannot be renewed now", reason=str(error))
            return
        if token is None:
            if led:
                log.warning("another scheduler leads now")
            self._sure_until = float("-inf")
            return
        self.token = token
        self._sure_until = asked + self._ttl_s
        if not led:
            log.info("this scheduler leads", token=token)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._ttl_s / RENEWALS)
            try:
                await self.look()
            except Exception:
                log.exception("keeping the lease failed")
