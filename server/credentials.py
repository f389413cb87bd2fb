"""Where clients put their key: the Authorization header, or, in browsers, a WebSocket subprotocol.

A page cannot set headers on a WebSocket, so the protocol has it offer the subprotocols `realtime`
and `openai-insecure-api-key.KEY`; the first is answered, the second never repeated nor logged.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers

REALTIME = "realtime"
"""The subprotocol that is answered."""
_KEY = "openai-insecure-api-key."

MAX_KEY = 512
MAX_OFFERED = 16
"""Stock clients offer four at most: realtime, key, organisation, project."""


class CredentialsError(ValueError):
    """No single key was presented; the message says what to send."""


def presented_key(headers: Headers, offered: Sequence[str] = ()) -> str | None:
    """The one key that is presented, None without any; raises CredentialsError.

    Two different keys are refused rather than one preferred: a proxy in front may have looked at
    the other.
    """
    if len(offered) > MAX_OFFERED:
        raise CredentialsError(f"offer {MAX_OFFERED} subprotocols at most")
    keys = [_bearer(value) for value in headers.getlist("authorization")]
    keys += [name.removeprefix(_KEY) for name in offered if name.startswith(_KEY)]
    if not keys:
        return None
    if len(keys) > 1:
        raise CredentialsError("present one key, once")
    if not 0 < len(keys[0]) <= MAX_KEY:
        raise CredentialsError(f"a key has 1 to {MAX_KEY} characters")
    return keys[0]


def _bearer(value: str) -> str:
    scheme, _, key = value.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise CredentialsError("send the key as `Authorization: Bearer KEY`")
    return key.strip()
