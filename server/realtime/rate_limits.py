"""`rate_limits.updated`: how much more a client may send at once, as the server counts it."""

from typing import Any

from server.realtime.rates import Allowance


def rate_limits(messages: Allowance, now: float) -> list[dict[str, Any]]:
    """The event's `rate_limits`: client events, which the protocol calls requests.

    limit: how many may come at once. There is none on tokens: what they cost is the operator's.
    """
    limit, left = messages.burst, messages.left(now)
    return [
        {
            "name": "requests",
            "limit": int(limit),
            "remaining": int(left),
            "reset_seconds": round((limit - left) / messages.per_second, 3),
        }
    ]
