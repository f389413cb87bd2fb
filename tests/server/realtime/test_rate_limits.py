"""What a client is told of its limits is what holds."""

import asyncio

from server.realtime.rate_limits import rate_limits
from server.realtime.rates import Allowance
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import wire_client


def test_the_event_says_what_is_left_and_when_all_of_it_will_be_back() -> None:
    allowance = Allowance(per_second=10, burst=20, now=0.0)
    assert allowance.take(15, now=0.0)
    (limit,) = rate_limits(allowance, now=0.5)
    assert limit == {"name": "requests", "limit": 20, "remaining": 10, "reset_seconds": 1.0}


async def test_every_response_comes_with_it_and_it_counts_what_came(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.say("thank you", output_modalities=["text"])
    types = [event["type"] for event in client.seen]
    assert types[types.index("response.created") + 1] == "rate_limits.updated"
    (limit,) = next(e for e in client.seen if e["type"] == "rate_limits.updated")["rate_limits"]
    assert 0 < limit["remaining"] <= limit["limit"] == 500
