"""Where a person's things lie in Redis."""

import re
from urllib.parse import quote

_UNSAFE = re.compile(r"[{}%\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def encoded(user: str) -> str:
    """A user's id as it stands in keys: without braces and control characters, never empty.

    Different ids stay different. Redis Cluster takes what is between the first `{` and the next
    `}` for the slot, so neither may come from outside.
    """
    return _UNSAFE.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), user) or "%"


def person_key(user: str, *parts: str) -> str:
    """`overture:{USER}:PART:...`; all keys of a person are in one slot of a cluster."""
    return ":".join((f"overture:{{{encoded(user)}}}", *parts))
