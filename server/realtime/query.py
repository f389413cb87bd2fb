"""What a client says of itself in the connection's query, and what its key says of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.names import NAME


class QueryError(ValueError):
    """A value that cannot be taken; the message says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Query:
    """model: any name, echoed. session: one to go on with, else a new one's.

    settings: fields of the session object that it begins with, from a client secret.
    """

    model: str
    user: str
    session: str
    extras: bool
    settings: Mapping[str, Any] = field(default_factory=dict)


def parse_query(
    params: Mapping[str, str],
    default_model: str,
    *,
    user: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Query:
    """The query of `/v1/realtime`; raises QueryError.

    user: who it is whatever the query says, as the key is theirs. settings: the key's.
    """
    session = _name(params, "session") or f"sess_{secrets.token_hex(12)}"
    return Query(
        model=_name(params, "model") or default_model,
        user=user or _name(params, "user") or f"guest-{session}"[:128],
        session=session,
        extras=params.get("extras", "") in {"1", "true"},
        settings=settings or {},
    )


def _name(params: Mapping[str, str], key: str) -> str:
    value = params.get(key, "")
    if value and not NAME.fullmatch(value):
        raise QueryError(f"?{key}= takes up to 128 letters, digits and . _ @ : + -")
    return value
