"""Ended sessions are let go of soon, however their parts refer to each other."""

import asyncio
import gc
import weakref

from overture import garbage
from overture.garbage import Garbage


class Part:
    """Refers to itself, as a session's parts refer to each other."""

    def __init__(self) -> None:
        self.itself = self


async def test_what_an_ended_session_leaves_is_collected() -> None:
    gc.disable()
    try:
        part = Part()
        left = weakref.ref(part)
        del part
        assert left() is not None
        Garbage().session_ended()
        while left() is not None:
            await asyncio.sleep(garbage.AFTER / 10)
    finally:
        gc.enable()


async def test_sessions_that_end_together_are_collected_once() -> None:
    collections = 0

    def count(phase: str, info: dict[str, int]) -> None:
        nonlocal collections
        collections += phase == "start" and info["generation"] == 2

    gc.collect()
    gc.callbacks.append(count)
    try:
        together = Garbage()
        for _ in range(100):
            together.session_ended()
        while not collections:
            await asyncio.sleep(garbage.AFTER / 10)
        await asyncio.sleep(2 * garbage.AFTER)
        assert collections == 1
    finally:
        gc.callbacks.remove(count)
