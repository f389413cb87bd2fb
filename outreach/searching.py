"""Finding prompts, newest first."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from outreach import indexes
from outreach.entry import Entry
from outreach.keys import person_key
from outreach.reading import readable
from outreach.scripts import command, together
from outreach.states import State

if TYPE_CHECKING:
    from redis.asyncio import Redis

PAGE = 50
"""Prompts read at once: 3 ms of the event loop."""
MAX_READ = 5000
"""Prompts that one search looks at: half a second's work; it goes on with `before`."""
MAX_FOUND = 500


class Searching:
    """Reads what the indexes name, and keeps what fits."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def find(
        self, user: str, rule: str, state: State | None, text: str, before: float, limit: int
    ) -> Sequence[Entry]:
        """See Ledger.search. text: words that all stand somewhere in the prompt."""
        key = indexes.rule_key(rule) if rule else indexes.ALL
        if user:
            key = person_key(user, "outreach")
        words = text.casefold().split()
        limit = min(limit, MAX_FOUND)
        found: list[Entry] = []
        last = "+inf" if before == math.inf else f"({before!r}"
        for start in range(0, MAX_READ, PAGE):
            page = command("ZREVRANGEBYSCORE", key, last, "-inf", "LIMIT", start, PAGE)
            (names,) = await together(self._redis, page)
            named = [(user, name.decode()) if user else indexes.named(name) for name in names]
            reads = [command("HGETALL", person_key(of, "outreach", id)) for of, id in named]
            read = await together(self._redis, *reads) if reads else []
            # Without a document: its time of keeping was over, or its person was forgotten.
            for entry in readable(fields for fields in read if b"doc" in fields):
                # An index has the time at which it was written, a moment before the entry itself.
                if entry.steps[0].at < before and _fits(entry, rule, state, words):
                    found.append(entry)
            if len(found) >= limit or len(names) < PAGE:
                break
        return found[:limit]


def _fits(entry: Entry, rule: str, state: State | None, words: Sequence[str]) -> bool:
    outreach = entry.outreach
    if (state is not None and entry.state is not state) or (rule and outreach.rule != rule):
        return False
    if not words:
        return True
    said = (outreach.text, outreach.goal, outreach.reason)
    known = (outreach.id, outreach.user, outreach.rule, outreach.purpose)
    everything = "\n".join((*said, *known)).casefold()
    return all(word in everything for word in words)
