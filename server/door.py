"""Who is asking, and what they may do: asked once for each request and each connection."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from server.client_secrets import PREFIX, ClientSecrets, SecretError
from server.credentials import CredentialsError, presented_key
from server.host import ServerHost
from server.keys import ApiKey, Role
from server.origins import is_allowed
from server.refusal_log import RefusalLog
from server.refusals import ORIGIN, RefusedError, http_refusal
from sessions.store import StoreUnavailableError


class Right(Enum):
    """What a route asks for."""

    TALK = auto()  # begin sessions and calls
    MINT = auto()  # make client secrets for others
    PUBLISH = auto()  # tell of events, have prompts said, and follow them
    OPERATE = auto()  # metrics, rules, the ledger, the kill switch


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.CLIENT: frozenset({Right.TALK, Right.MINT}),
    Role.SERVICE: frozenset({Right.TALK, Right.MINT, Right.PUBLISH}),
    Role.OPERATOR: frozenset(Right),
}
SECRET_RIGHTS = frozenset({Right.TALK})
"""A client secret is in a stranger's browser: it begets no further ones."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in.

    key: the API key's name, also of the one that minted the client secret; "" without keys.
    user: the one person that they may speak for, None if they may name anyone.
    session: fields of the protocol's session object that theirs begins with.
    address: where they come from, "" if unknown.
    key_sessions: how many sessions that key may have at once, None for as many as there are.
    """

    key: str = ""
    rights: frozenset[Right] = frozenset(Right)
    user: str | None = None
    session: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    key_sessions: int | None = None


Endpoint: TypeAlias = Callable[[Request, Caller], Awaitable[Response]]


class Door:
    """Lets callers in, or raises RefusedError. Without keys everybody is let in, as then only this
    machine can reach us, and web pages from elsewhere are kept out by their origin."""

    def __init__(self, host: ServerHost, secrets: ClientSecrets, refusals: RefusalLog) -> None:
        self._refusals = refusals
        self._keys = host.keys
        self._secrets = secrets
        self._allowed_origins = host.allowed_origins

    async def admit(self, connection: HTTPConnection, right: Right) -> Caller:
        """Who a request or a WebSocket's handshake comes from; raises RefusedError."""
        self.check_origin(connection)
        caller = await self._identify(connection)
        if right not in caller.rights:
            raise RefusedError(
                403, "insufficient_permissions", f"this key may not {right.name.lower()}"
            )
        named = _named_user(connection)
        if caller.user is not None and named not in (None, caller.user):
            raise RefusedError(403, "wrong_user", "this key is another user's than ?user=", "user")
        return caller

    def check_origin(self, connection: HTTPConnection) -> None:
        """Refuses web pages from elsewhere."""
        origin, host = connection.headers.get("origin"), connection.headers.get("host")
        allowed = self._allowed_origins
        if not is_allowed(origin, host, allowed, any_name=self._keys is not None):
            raise RefusedError(
                403,
                ORIGIN,
                f"a page from {origin!r:.100} may not connect; OVERTURE_ALLOWED_ORIGINS lists "
                "those that may",
            )

    def is_listed(self, origin: str) -> bool:
        """Whether pages of that origin may reach us, besides our own."""
        return origin in self._allowed_origins

    def in_force(self, caller: Caller) -> bool:
        """Whether the key that let them in has not been withdrawn since."""
        return self._keys is None or self._keys.named(caller.key) is not None

    def guard(self, right: Right, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """An HTTP endpoint that is reached with this right only, and may refuse by itself."""

        async def guarded(request: Request) -> Response:
            try:
                return await endpoint(request, await self.admit(request, right))
            except RefusedError as refused:
                self._refusals.note(refused, request)
                return http_refusal(refused)

        return guarded

    async def _identify(self, connection: HTTPConnection) -> Caller:
        address = connection.client.host if connection.client else ""
        try:
            offered = connection.scope.get("subprotocols", [])
            presented = presented_key(connection.headers, offered)
        except CredentialsError as error:
            raise RefusedError(401, "invalid_api_key", str(error)) from None
        if presented is not None and presented.startswith(PREFIX):
            return await self._by_secret(presented, address)
        if self._keys is None:
            return Caller(address=address)
        if presented is None:
            raise RefusedError(
                401,
                "missing_api_key",
                "this server asks for a key: Authorization: Bearer KEY, or in browsers the "
                "subprotocol openai-insecure-api-key.KEY",
            )
        key = self._keys.find(presented)
        if key is None:
            raise RefusedError(401, "invalid_api_key", "no such key, or it was withdrawn")
        return _by_key(key, address)

    async def _by_secret(self, presented: str, address: str) -> Caller:
        try:
            secret = await self._secrets.redeem(presented)
        except SecretError as error:
            raise RefusedError(401, "invalid_api_key", str(error)) from None
        except StoreUnavailableError:
            raise RefusedError(
                503, "server_error", "client secrets cannot be looked up now; try again"
            ) from None
        bound = None
        if self._keys is not None:
            key = self._keys.named(secret.key)
            if key is None:
                raise RefusedError(401, "invalid_api_key", "the key behind it was withdrawn")
            bound = key.sessions
        return Caller(secret.key, SECRET_RIGHTS, secret.user, secret.session, address, bound)


def _by_key(key: ApiKey, address: str) -> Caller:
    return Caller(key.name, RIGHTS[key.role], key.user, address=address, key_sessions=key.sessions)


def _named_user(connection: HTTPConnection) -> str | None:
    """The query's `user`. Named twice it could mean one person here and another elsewhere."""
    named = connection.query_params.getlist("user")
    if len(named) > 1:
        raise RefusedError(400, "invalid_value", "?user= is there more than once", "user")
    return named[0] if named and named[0] else None
