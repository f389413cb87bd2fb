"""Which web pages may connect: browsers send cookies and local reach along with any page's wish."""

from collections.abc import Set
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_allowed(
    origin: str | None, host: str | None, allowed: Set[str], *, any_name: bool = False
) -> bool:
    """Whether a page from `origin` may reach us, whom it called `host`.

    No Origin: not a browser. Otherwise it is listed, or it is our own page on loopback. The
    host's name counts too: a page of evil.example whose name was made to resolve to 127.0.0.1
    has the same origin and host, but neither is a loopback name (DNS rebinding).

    any_name: our own page under any name. Right where keys are asked for, as such a page has none.
    """
    if origin is None or origin in allowed:
        return True
    try:
        page = urlsplit(origin)
    except ValueError:
        return False  # no URL at all, such as "http://["
    if page.scheme not in {"http", "https"} or not page.netloc or page.netloc != host:
        return False
    return any_name or page.hostname in LOOPBACK_NAMES
