"""Running handlers."""

import asyncio

from messaging.bus import Message
from messaging.handling import Ended, Handlers
from tests.messaging.buses import PATIENCE, until

MESSAGE = Message("1", "t", "", "", b"", 0.0)


async def test_a_handler_that_cancels_itself_has_failed() -> None:
    settled: list[tuple[Ended, str]] = []

    async def settle(message: Message, ended: Ended, reason: str) -> None:
        settled.append((ended, reason))

    async def handler(message: Message) -> None:
        raise asyncio.CancelledError

    handlers = Handlers(handler, settle, lambda: None, at_once=1, handling_s=10)
    handlers.begin(MESSAGE)
    await until(lambda: bool(settled))
    assert settled == [(Ended.FAILED, "its handler cancelled itself")]


async def test_closing_ends_a_handler_that_loses_cancellations() -> None:
    settled: list[Ended] = []
    lost = 0

    async def settle(message: Message, ended: Ended, reason: str) -> None:
        settled.append(ended)

    async def stubborn(message: Message) -> None:
        nonlocal lost
        while lost < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    handlers = Handlers(stubborn, settle, lambda: None, at_once=1, handling_s=60)
    handlers.begin(MESSAGE)
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await handlers.aclose(0.01)
    assert settled == [Ended.CUT_OFF]


async def test_a_slot_is_free_again_when_the_message_is_settled() -> None:
    freed = asyncio.Event()
    told = asyncio.Event()

    async def settle(message: Message, ended: Ended, reason: str) -> None:
        await told.wait()

    async def handler(message: Message) -> None:
        pass

    handlers = Handlers(handler, settle, freed.set, at_once=1, handling_s=10)
    handlers.begin(MESSAGE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert handlers.free == 0
    told.set()
    async with asyncio.timeout(PATIENCE):
        await freed.wait()
    assert handlers.free == 1
    await handlers.aclose(0)
    assert handlers.free == 0
