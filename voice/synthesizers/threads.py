"""Blocking engines on threads of their own, their output as async iterators."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from voice.synthesis import SynthesizerError

T = TypeVar("T")


class SpeechThreads:
    """A small pool that one synthesizer owns.

    Work waits in the pool's queue; it is bounded by the callers, one sentence a session.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._pool: ThreadPoolExecutor | None = ThreadPoolExecutor(threads, f"{name}-synthesizer")

    async def stream(
        self, produce: Callable[[Callable[[T], bool]], None]
    ) -> AsyncGenerator[T, None]:
        """What `produce(emit)` emits on a thread, item by item.

        `emit` returns False once nobody listens any more: then `produce` should return.
        Raises what `produce` raises, and SynthesizerError after `aclose`.
        """
        if self._pool is None:
            raise SynthesizerError(f"{self._name} is closed; start a new one")
        loop = asyncio.get_running_loop()
        ready: asyncio.Queue[T | None] = asyncio.Queue()
        given_up = threading.Event()

        def emit(item: T) -> bool:
            if given_up.is_set():
                return False
            loop.call_soon_threadsafe(ready.put_nowait, item)
            return True

        def run() -> None:
            if not given_up.is_set():
                produce(emit)

        # The future's own callback also comes by call_soon_threadsafe, so after every item.
        work = loop.run_in_executor(self._pool, run)
        work.add_done_callback(lambda _: ready.put_nowait(None))
        try:
            while (item := await ready.get()) is not None:
                yield item
            await work
        finally:
            given_up.set()
            work.cancel()

    async def call(self, function: Callable[[], T]) -> T:
        """`function()` on a thread of the pool."""
        if self._pool is None:
            raise SynthesizerError(f"{self._name} is closed; start a new one")
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    async def aclose(self) -> None:
        """Waits for the sentence at hand; what waits behind it is dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
