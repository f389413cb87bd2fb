"""Client secrets: keys for a stranger's browser, good for minutes and for one person.

A developer's own backend has the API key and asks for a secret (`ek_...`); the browser talks with
that. It is 256 random bits, kept only as its digest, so there is nothing to forge; and kept where
every instance looks. It may be used for several sessions until it expires, and a session that has
begun goes on after that, as the protocol has it.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from server.names import NAME
from server.realtime.errors import ClientError
from server.realtime.incoming import validated
from sessions.client_secrets import SecretStore

PREFIX = "ek_"
KEPT_AFTER_S = 600
"""So long one that has expired is told from one that never was."""

_FORM = re.compile(r"ek_[A-Za-z0-9_-]{43}")


class SecretError(Exception):
    """Not a client secret that is good now; the message says why."""


class ClientSecret(BaseModel):
    """What one stands for. key: the API key that it was made with, "" on a server without keys.

    session: the session object's fields that its sessions begin with. expires_at: seconds since
    the epoch.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    user: str
    expires_at: int
    session: dict[str, Any] = {}


class ExpiresAfter(BaseModel):
    """How long it lives."""

    model_config = ConfigDict(strict=True, extra="forbid")

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(default=600, ge=10, le=7200)


class SecretRequest(BaseModel):
    """The body of `POST /v1/realtime/client_secrets`. session: checked by who knows its form."""

    model_config = ConfigDict(strict=True, extra="forbid")

    expires_after: ExpiresAfter = ExpiresAfter()
    session: dict[str, Any] = {}


def parse_request(body: object) -> SecretRequest:
    """The request; raises ClientError naming the field at fault."""
    if not isinstance(body, dict):
        raise ClientError("invalid_type", "the body should be a JSON object")
    known = {key: value for key, value in body.items() if value is not None}
    request = validated(SecretRequest, known)
    assert isinstance(request, SecretRequest)
    return request


class ClientSecrets:
    """Makes them, and says what one that is presented stands for. now: seconds since the epoch."""

    def __init__(self, store: SecretStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    async def mint(
        self, *, key: str, user: str, seconds: int, session: dict[str, Any]
    ) -> tuple[str, ClientSecret]:
        """A new one and what it stands for; raises StoreUnavailableError."""
        assert NAME.fullmatch(user)
        value = PREFIX + secrets.token_urlsafe(32)
        expires_at = int(self._now()) + seconds
        secret = ClientSecret(key=key, user=user, expires_at=expires_at, session=session)
        document = orjson.dumps(secret.model_dump())
        await self._store.keep(_digest(value), document, seconds + KEPT_AFTER_S)
        return value, secret

    async def redeem(self, presented: str) -> ClientSecret:
        """What it stands for; raises SecretError, StoreUnavailableError."""
        if not _FORM.fullmatch(presented):
            raise SecretError("this is no client secret: one has ek_ and 43 more characters")
        document = await self._store.find(_digest(presented))
        if document is None:
            raise SecretError("nobody here made this client secret, or it expired long ago")
        secret = ClientSecret.model_validate_json(document)
        if self._now() >= secret.expires_at:
            when = datetime.fromtimestamp(secret.expires_at, UTC)
            raise SecretError(f"this client secret expired at {when:%H:%M:%S} UTC; get another")
        return secret


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
