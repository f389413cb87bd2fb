"""Tag patterns: which tags of a topic a subscription wants.

Tags are dotted, "order.ready". In a pattern `*` stands for exactly one part and `#` for any
number of parts, none included; the pattern "*" alone takes every message, untagged ones too.
"""

import re
from collections.abc import Callable
from functools import lru_cache

EVERYTHING = "*"


@lru_cache(maxsize=256)
def tag_filter(pattern: str) -> Callable[[str], bool]:
    """Tells of a tag whether the pattern takes it.

    >>> wanted = tag_filter("order.*")
    >>> wanted("order.ready"), wanted("order.ready.late"), wanted("order")
    (True, False, False)
    """
    if pattern in (EVERYTHING, "#"):
        return lambda tag: True
    # Each part brings its own dot, so that "order.#" takes "order" as well.
    parts = [_PARTS.get(part, rf"\.{re.escape(part)}") for part in pattern.split(".")]
    whole = re.compile("".join(parts), re.DOTALL)
    return lambda tag: whole.fullmatch("." + tag) is not None


_PARTS = {"*": r"\.[^.]+", "#": r"(?:\.[^.]+)*"}
