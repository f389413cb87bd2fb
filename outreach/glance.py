"""Whether there is anything to sweep: asked four times a second, so it has to be cheap."""

from typing import TYPE_CHECKING

from outreach.inbox import WAITING
from outreach.indexes import DUE
from outreach.scripts import NOW, Script, together

if TYPE_CHECKING:
    from redis.asyncio import Redis

# KEYS: members by Unix time. ARGV: seconds. How many are older than that.
_OLDER = Script(NOW + "return redis.call('ZCOUNT', KEYS[1], '-inf', seconds(now - ARGV[1]))")


async def glance(redis: "Redis", event_waits_s: float) -> tuple[bool, bool]:
    """Whether a prompt is due for a look, and whether an event waits for so long; one round trip.

    Raises OutreachUnavailableError.
    """
    due, waiting = await together(redis, _OLDER([DUE], 0), _OLDER([WAITING], event_waits_s))
    return due > 0, waiting > 0
