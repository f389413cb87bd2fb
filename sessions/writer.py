"""Write-behind: live talk never waits for the store, and nothing is lost while it is away."""

import asyncio
from types import TracebackType

import structlog

from sessions.context import SessionContext
from sessions.ending import end
from sessions.store import SessionStore, StoreUnavailableError

log = structlog.get_logger(__name__)


class SessionWriter:
    """Takes contexts at once and writes the latest of each session in the background.

    Use as an async context manager; leaving it writes what waits, for `timeout_s` at most.

    max_waiting: sessions whose context may wait; beyond it the one that waited longest is given
        up, counted and logged.
    timeout_s: of one write. retry_s, max_retry_s: the first and the longest pause after a
        failure; it doubles in between.
    """

    def __init__(
        self,
        store: SessionStore,
        *,
        max_waiting: int = 10_000,
        timeout_s: float = 2.0,
        retry_s: float = 0.1,
        max_retry_s: float = 2.0,
    ) -> None:
        self._store = store
        self._max_waiting = max_waiting
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._max_retry_s = max_retry_s
        # The latest context of each session, oldest wait first; None: to be forgotten.
        self._waiting: dict[str, SessionContext | None] = {}
        self._work = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._away = False
        self._task: asyncio.Task[None] | None = None
        self.written = 0
        """Writes done."""
        self.failures = 0
        """Writes that failed and were tried again."""
        self.given_up = 0
        """Contexts that were never written."""

    @property
    def waiting(self) -> int:
        """Sessions whose latest context is not in the store yet."""
        return len(self._waiting)

    async def __aenter__(self) -> "SessionWriter":
        self._task = asyncio.create_task(self._run(), name="session-writer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.drained()
        except TimeoutError:
            self.given_up += self.waiting
            log.error("session contexts were not written before the end", lost=self.waiting)
        finally:
            if self._task is not None:
                await end(self._task)

    def save(self, context: SessionContext) -> None:
        """Writes the context soon; a newer one of the same session takes its place."""
        self._put(context.id, context)

    def forget(self, session_id: str) -> None:
        """Erases the session soon."""
        self._put(session_id, None)

    async def load(self, session_id: str) -> SessionContext | None:
        """The session's latest context, written or not.

        Raises StoreUnavailableError (after timeout_s at the latest) and UnreadableContextError.
        """
        if session_id in self._waiting:
            return self._waiting[session_id]
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._store.load(session_id)
        except TimeoutError:
            raise StoreUnavailableError(f"no answer within {self._timeout_s:g} s") from None

    async def drained(self) -> None:
        """Returns when nothing waits."""
        await self._drained.wait()

    def _put(self, session_id: str, context: SessionContext | None) -> None:
        if session_id not in self._waiting and len(self._waiting) >= self._max_waiting:
            self._waiting.pop(next(iter(self._waiting)))
            self.given_up += 1
            if self.given_up == 1:
                log.error("too many session contexts wait; the oldest is given up")
        self._waiting[session_id] = context
        self._drained.clear()
        self._work.set()

    async def _run(self) -> None:
        pause_s = self._retry_s
        while True:
            await self._work.wait()
            session_id, context = next(iter(self._waiting.items()))
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes as it ends.
                async with asyncio.timeout(self._timeout_s):
                    await self._write(session_id, context)
            except (StoreUnavailableError, TimeoutError) as error:
                self._failed(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._max_retry_s)
                continue
            except Exception:
                # Not the store's state but this context: trying again would never end.
                self.given_up += 1
                log.exception("a session context cannot be written", session=session_id)
            else:
                self._succeeded()
                pause_s = self._retry_s
            self._done(session_id, context)

    async def _write(self, session_id: str, context: SessionContext | None) -> None:
        if context is None:
            await self._store.forget(session_id)
        else:
            await self._store.save(context)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        if not self._away:
            self._away = True
            log.warning(
                "sessions are not being stored; they are kept here and written later",
                reason=str(error) or f"no answer within {self._timeout_s:g} s",
            )

    def _succeeded(self) -> None:
        self.written += 1
        if self._away:
            self._away = False
            log.info("sessions are being stored again", waiting=self.waiting)

    def _done(self, session_id: str, context: SessionContext | None) -> None:
        if session_id in self._waiting:  # else the bound pushed it out meanwhile
            latest = self._waiting.pop(session_id)
            if latest is not context:
                # A newer one came while this one was written: it queues up behind the others.
                self._waiting[session_id] = latest
        if not self._waiting:
            self._work.clear()
            self._drained.set()
