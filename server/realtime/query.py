"""What a client says of itself in the connection's query, and what its key says of it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.names import NAME
from sessions.context import Played
from sessions.resuming import Return

MAX_TOKEN = 128
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What a context may be stored under."""
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_MS = re.compile(r"[0-9]{1,10}")


class QueryError(ValueError):
    """A value that cannot be taken; the message says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Query:
    """model: any name, echoed. session: one to go on with, else a new one's.

    time_zone: IANA name of where the person is, "" if the client does not say.
    back: what it shows to go on with that session.
    settings: fields of the session object that it begins with, from a client secret.
    """

    model: str
    user: str
    session: str
    extras: bool
    back: Return = field(default_factory=Return)
    settings: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str = ""


def parse_query(
    params: Mapping[str, str],
    default_model: str,
    *,
    user: str | None = None,
    settings: Mapping[str, Any] | None = None,
    keyed: bool = False,
) -> Query:
    """The query of `/v1/realtime`; raises QueryError.

    user: who it is whatever the query says, as the key is theirs. settings: the key's.
    keyed: they have a key, so a session of nobody's is not theirs because they know its name.
    """
    session = _session(params) or f"sess_{secrets.token_hex(12)}"
    named = user or _name(params, "user") or None
    guest = f"guest-{session}"[:128]
    token = _token(params)
    return Query(
        model=_name(params, "model") or default_model,
        user=named or guest,
        session=session,
        extras=params.get("extras", "") in {"1", "true"},
        back=Return(named or (None if keyed or token else guest), token, _played(params)),
        settings=settings or {},
        time_zone=_time_zone(params),
    )


def _time_zone(params: Mapping[str, str]) -> str:
    """What is no zone's name is not worth refusing a talk for."""
    zone = params.get("time_zone", "")
    return zone if _ZONE.fullmatch(zone) else ""


def _session(params: Mapping[str, str]) -> str:
    session = params.get("session", "")
    if session and not _SESSION.fullmatch(session):
        raise QueryError("?session= takes up to 128 letters, digits and _ -")
    return session


def _token(params: Mapping[str, str]) -> str:
    token = params.get("resume", "")
    if len(token) > MAX_TOKEN:
        raise QueryError("?resume= takes the resume_token of overture.session")
    return token


def _played(params: Mapping[str, str]) -> Played | None:
    """`ITEM:MS`; an item's name may have colons itself."""
    value = params.get("played", "")
    item_id, _, ms = value.rpartition(":")
    if not value:
        return None
    if not NAME.fullmatch(item_id) or not _MS.fullmatch(ms):
        raise QueryError("?played= takes an item's id, a colon, and the milliseconds played of it")
    return Played(item_id=item_id, ms=int(ms))


def _name(params: Mapping[str, str], key: str) -> str:
    value = params.get(key, "")
    if value and not NAME.fullmatch(value):
        raise QueryError(f"?{key}= takes up to 128 letters, digits and . _ @ : + -")
    return value
