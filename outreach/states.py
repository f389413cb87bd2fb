"""The life of one prompt, as a table."""

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """Where a prompt stands."""

    MATCHED = "matched"
    """A rule, or somebody's request, wants it said."""
    SUPPRESSED = "suppressed"
    """A check of the policy failed for good; the reason names it."""
    HOLDOUT = "holdout"
    """The person is in the share that hears nothing, for comparison."""
    SHADOW = "shadow"
    """Its rule is only tried: everything but the speaking."""
    HELD = "held"
    """A check failed for now; it is looked at again at `until`."""
    PUBLISHED = "published"
    """It waits in the person's mailbox for a session."""
    RESERVED = "reserved"
    """A live session has it in its queue, by a lease."""
    SPEAKING = "speaking"
    """Its first sample may flow."""
    HEARD = "heard"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    ENGAGED = "engaged"
    """The person answered it."""
    CONVERTED = "converted"
    """They did what it was for."""
    DEFERRED = "deferred"
    """"Not now": a new prompt follows later."""
    OPTED_OUT = "opted_out"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DEAD = "dead"
    """It could not be delivered as often as it may be tried."""


S = State

TRANSITIONS: Mapping[State, frozenset[State]] = {
    S.MATCHED: frozenset({S.SUPPRESSED, S.HOLDOUT, S.SHADOW, S.HELD, S.PUBLISHED, S.FAILED}),
    S.HELD: frozenset(
        {S.HELD, S.PUBLISHED, S.SUPPRESSED, S.HOLDOUT, S.SHADOW, S.EXPIRED, S.CANCELLED, S.FAILED}
    ),
    S.PUBLISHED: frozenset(
        {S.RESERVED, S.HELD, S.SUPPRESSED, S.EXPIRED, S.CANCELLED, S.DEAD, S.FAILED}
    ),
    S.RESERVED: frozenset({S.SPEAKING, S.PUBLISHED, S.RESERVED, S.EXPIRED, S.CANCELLED, S.FAILED}),
    S.SPEAKING: frozenset(
        {S.HEARD, S.INTERRUPTED, S.FAILED, S.PUBLISHED, S.RESERVED, S.EXPIRED, S.CANCELLED, S.DEAD}
    ),
    S.HEARD: frozenset({S.ENGAGED, S.CONVERTED, S.DEFERRED, S.OPTED_OUT}),
    S.INTERRUPTED: frozenset({S.ENGAGED, S.CONVERTED, S.DEFERRED, S.OPTED_OUT}),
    S.ENGAGED: frozenset({S.CONVERTED, S.DEFERRED, S.OPTED_OUT}),
    S.SUPPRESSED: frozenset(),
    S.HOLDOUT: frozenset({S.CONVERTED}),
    S.SHADOW: frozenset(),
    S.FAILED: frozenset(),
    S.CONVERTED: frozenset(),
    S.DEFERRED: frozenset(),
    S.OPTED_OUT: frozenset(),
    S.EXPIRED: frozenset(),
    S.CANCELLED: frozenset(),
    S.DEAD: frozenset(),
}
"""What may follow what. PUBLISHED after RESERVED or SPEAKING: its lease ran out, it was given back,
or it is to be said again; whatever was begun once is said again only with "in case you missed it".
"""

OVER = frozenset(
    {S.SUPPRESSED, S.HOLDOUT, S.SHADOW, S.HEARD, S.INTERRUPTED, S.FAILED, S.ENGAGED, S.CONVERTED}
    | {S.DEFERRED, S.OPTED_OUT, S.EXPIRED, S.CANCELLED, S.DEAD}
)
"""It will not be spoken (again)."""
