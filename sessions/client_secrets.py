"""The client secrets' port: what each stands for, known to every instance."""

from typing import Protocol


class SecretStore(Protocol):
    """Keeps a document for each secret's digest; the secret itself is kept nowhere."""

    async def keep(self, digest: str, document: bytes, ttl_s: int) -> None:
        """For `ttl_s` seconds; raises StoreUnavailableError."""
        ...

    async def find(self, digest: str) -> bytes | None:
        """The document, None if there is none any more; raises StoreUnavailableError."""
        ...
