"""The session store port: contexts outlive connections."""

from typing import Protocol

from sessions.context import SessionContext


class StoreUnavailableError(Exception):
    """The store did not take or give the context now; trying again later may work."""


class SessionStore(Protocol):
    """Keeps the latest context of each session for a while after its last use."""

    async def load(self, session_id: str) -> SessionContext | None:
        """The context, its life renewed; None when unknown or expired.

        Raises StoreUnavailableError, and UnreadableContextError when what is stored cannot be read.
        """
        ...

    async def save(self, context: SessionContext) -> None:
        """Replaces the session's context and renews its life; raises StoreUnavailableError."""
        ...

    async def forget(self, session_id: str) -> None:
        """Erases the session; unknown ones are no error. Raises StoreUnavailableError."""
        ...
