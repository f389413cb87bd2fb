"""What our topics and groups are called at the broker.

A topic of ours is four there, because a topic takes one kind of message only: TOPIC for messages
without an order, TOPIC__keyed for those with a key, TOPIC__later for delayed ones, TOPIC__dead for
dead letters. A group of ours is one there for each of the first three.
"""

import hashlib
import re
import string

ALLOWED = string.ascii_letters + string.digits + "-_"
AT = "__at__"
"""In the groups that one instance has for itself (ALL, OWNER)."""
LONGEST = 110  # a topic may have 127 letters there, and retry topics join topic and group


def encode(name: str) -> str:
    """A name in the letters that RocketMQ allows; different names stay different.

    >>> encode("order.ready")
    'order_2Eready'
    """
    safe = re.sub(
        r"[^A-Za-z0-9-]", lambda m: "".join(f"_{b:02X}" for b in m.group().encode()), name
    )
    return _short(safe)


def keyed(name: str) -> str:
    """The topic, or group, for messages with a key."""
    return f"{name}__keyed"


def later(name: str) -> str:
    """The topic, or group, for delayed messages."""
    return f"{name}__later"


def dead(topic: str) -> str:
    """The topic for dead letters."""
    return f"{topic}__dead"


def shared_group(topic: str, group: str) -> str:
    """A group whose consumers share the work."""
    return _short(f"{topic}__{encode(group)}")


def own_group(topic: str, group: str, kind: str, instance: str) -> str:
    """A group of one instance alone."""
    return _short(f"{topic}__{encode(group)}__{kind}{AT}{encode(instance)}")


def owner_tag(instance: str) -> str:
    """The broker's tag on messages for one instance: it filters by this itself."""
    return hashlib.sha1(instance.encode(), usedforsecurity=False).hexdigest()[:20]


def line_of(key: str) -> str:
    """The message group of a key: short and plain, whatever people call their keys."""
    return hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()


def _short(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    # The marker stays, so that a group left behind by a dead instance is still known as one.
    mark = AT if AT in name else "__"
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:16]
    return f"{name[: LONGEST - 30]}{mark}{digest}"
