"""Ending tasks for certain."""

import asyncio
from typing import Any

CANCEL_AGAIN_S = 0.1


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks again and again until they have ended; what they raised is dropped.

    Once is not enough for what goes through asyncio.wait_for of Python 3.11, as libraries do: it
    drops a cancellation that arrives as it ends (see sessions/cancellable.py).
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
