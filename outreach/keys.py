"""Where a person's things lie in Redis."""

import re
from urllib.parse import quote, unquote

_UNSAFE = re.compile(r"[{}%\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def encoded(user: str) -> str:
    """A user's id as it stands in keys: without braces and control characters, never empty.

    Different ids stay different. Redis Cluster takes what is between the first `{` and the next
    `}` for the slot, so neither may come from outside. sessions/keys.py has the same rule, since
    rooms of one layer do not import each other; a test holds the two together.
    """
    return _UNSAFE.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), user) or "%"


def decoded(name: str) -> str:
    """The user whom `encoded` made this of."""
    return "" if name == "%" else unquote(name, errors="surrogatepass")


def person_key(user: str, *parts: str) -> str:
    """`overture:{USER}:PART:...`; all keys of a person are in one slot of a cluster."""
    return ":".join((f"overture:{{{encoded(user)}}}", *parts))


def index_key(*parts: str) -> str:
    """`overture:index:{outreach}:PART:...`, of what spans people; one slot.

    Members of its sorted sets begin as `member` makes them, which is how a person who is
    forgotten is found in them (sessions/forgetting.py).
    """
    return ":".join(("overture:index:{outreach}", *parts))


def member(user: str, *parts: str) -> str:
    """What stands for something of a person in an index: `{USER} PART ...`."""
    return " ".join((f"{{{encoded(user)}}}", *parts))
