"""`POST /v1/realtime/client_secrets`: a secret for one person's browser."""

import secrets
import time
from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.bodies import read_json
from server.client_secrets import ClientSecrets, parse_request
from server.door import Caller
from server.host import ServerHost
from server.realtime.errors import ClientError
from server.realtime.query import QueryError, parse_query
from server.realtime.rates import Allowance
from server.realtime.session_config import wire_session
from server.realtime.wire_session import changed
from server.refusals import RefusedError
from sessions.store import StoreUnavailableError

MAX_BODY = 256 * 1024
"""Instructions of 64,000 characters beside a hundred functions."""
TRUSTED = 5.0
"""Secrets a second for a key that speaks for anyone: a backend with many visitors."""
BOUND = 0.2
"""And for one person's own key. What they leave in Redis lives two hours at most."""
BURST_S = 20.0
"""Seconds' worth of either at once."""


class Minting:
    """The route's endpoint."""

    def __init__(
        self,
        host: ServerHost,
        client_secrets: ClientSecrets,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._secrets = client_secrets
        self._clock = clock
        self._rates: dict[str, Allowance] = {}

    async def create(self, request: Request, caller: Caller) -> Response:
        """Answers as the protocol does; raises RefusedError."""
        self._count(caller)
        body = await read_json(request, MAX_BODY)
        try:
            asked = parse_request(body)
            query = parse_query(request.query_params, self._host.agent.id)
            fresh = wire_session(query.session, query.model, self._host.config)
            session = changed(fresh, asked.session)
        except QueryError as error:
            raise RefusedError(400, "invalid_value", str(error)) from None
        except ClientError as error:
            raise RefusedError(400, error.code, str(error), error.param) from None
        named = request.query_params.get("user")
        try:
            value, secret = await self._secrets.mint(
                key=caller.key,
                user=caller.user or named or f"guest-{secrets.token_hex(8)}",
                seconds=asked.expires_after.seconds,
                session=asked.session,
            )
        except StoreUnavailableError:
            raise RefusedError(
                503, "server_error", "client secrets cannot be kept now; try again"
            ) from None
        reply = {
            "value": value,
            "expires_at": secret.expires_at,
            "session": session.model_dump(),
        }
        return Response(
            orjson.dumps(reply),
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    def _count(self, caller: Caller) -> None:
        """There are as many allowances as keys, and one for all on a server without."""
        per_second = TRUSTED if caller.user is None else BOUND
        now = self._clock()
        rate = self._rates.setdefault(caller.key, Allowance(per_second, per_second * BURST_S, now))
        if not rate.take(1, now):
            raise RefusedError(429, "rate_limit_exceeded", "too many client secrets; wait a little")
