"""What a client says of itself in the connection's query."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")


class QueryError(ValueError):
    """A value that cannot be taken; the message says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Query:
    """model: any name, echoed. session: one to go on with, else a new one's."""

    model: str
    user: str
    session: str
    extras: bool


def parse_query(params: Mapping[str, str], default_model: str) -> Query:
    """The query of `/v1/realtime`; raises QueryError."""
    session = _name(params, "session") or f"sess_{secrets.token_hex(12)}"
    return Query(
        model=_name(params, "model") or default_model,
        user=_name(params, "user") or f"guest-{session}"[:128],
        session=session,
        extras=params.get("extras", "") in {"1", "true"},
    )


def _name(params: Mapping[str, str], key: str) -> str:
    value = params.get(key, "")
    if value and not _NAME.fullmatch(value):
        raise QueryError(f"?{key}= takes up to 128 letters, digits and . _ @ : + -")
    return value
