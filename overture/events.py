"""Telling a running server that something happened, from any Python program.

from overture.events import publish_event

await publish_event("order.ready", user="u42", data={"drink": "latte"})
"""

import asyncio
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

HERE = "http://127.0.0.1:8000"
PATIENCE_S = 5.0
"""For one try; the server needs some milliseconds."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same may be sent again."""


class PublishError(Exception):
    """The event was not accepted; the message says why. status: of the last answer, 0 without."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Published:
    """It is in the server's Redis. duplicate: an event of this id was already."""

    id: str
    duplicate: bool


async def publish_event(
    type: str,
    *,
    user: str = "",
    data: Mapping[str, Any] | None = None,
    id: str = "",
    url: str = HERE,
    key: str = "",
    within_s: float = 30.0,
) -> Published:
    """Tells the server at `url` of an event, and returns once it is durable there.

    type: dotted, "order.ready". user: whom it is about. id: the same one is the same event for a
    week; one is made if none is given, so that trying again never makes two of it. key: an API key
    of the role service. within_s: how long it is tried while the server is away or busy.

    Raises PublishError when the server refuses it, or did not take it in that time.
    """
    import httpx2

    told = {"type": type, "user": user, "data": dict(data or {}), "id": id or f"evt_{uuid.uuid4()}"}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    trouble = PublishError(f"{url} did not take the event within {within_s:g} s")
    pause = FIRST_PAUSE_S
    async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S) as client:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        answer = await client.post(f"{url.rstrip('/')}/v1/events", json=told)
                    except httpx2.TransportError as error:
                        trouble = PublishError(f"{url} cannot be reached: {error!r}")
                    else:
                        if answer.status_code == 202:
                            return Published(**answer.json())
                        trouble = _refusal(answer)
                        if answer.status_code not in PASSING:
                            raise trouble
                    # Many programs that wait for one server do not come back at once.
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        except TimeoutError:
            raise trouble from None


def _refusal(answer: "httpx2.Response") -> PublishError:
    try:
        reason = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        reason = answer.reason_phrase
    return PublishError(
        f"the server refused the event ({answer.status_code}): {reason}", answer.status_code
    )
