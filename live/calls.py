"""The agent's own functions at work: bounded in time, and finished once they have begun."""

import asyncio
import json
from collections.abc import Callable, Sequence

from knowledge.passages import FunctionCall, FunctionOutput
from live import events as told
from live.core import Core
from live.history import HistoryError
from live.tools import ToolContext, ToolError
from live.work import Work

TOOL_TIMEOUT = 10.0
"""Seconds a function may take; what a person waits for in silence, and longer, is a job."""
MAX_OUTPUT_CHARS = 32_000
"""Of one output are told to the answerer; a model's context is not for files."""


class Calls:
    """One session's. A call that has begun goes on when its answer is interrupted, as it may have
    changed something: what came of it is remembered all the same."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running = Work()
        self._count = 0

    async def run(
        self, calls: Sequence[FunctionCall], anchor: str | None
    ) -> tuple[FunctionOutput, ...]:
        """Makes the calls, side by side. anchor: the item they help to answer, to which they are
        noted; None when nothing is to be remembered."""
        made = [self._start(call, anchor) for call in calls]
        return tuple([await asyncio.shield(output) for output in made])

    async def settled(self) -> None:
        """Returns when none runs."""
        await self._running.settled()

    async def aclose(self) -> None:
        """Cancels what runs."""
        await self._running.aclose()

    def _start(self, call: FunctionCall, anchor: str | None) -> asyncio.Future[FunctionOutput]:
        output: asyncio.Future[FunctionOutput] = asyncio.get_running_loop().create_future()
        self._count += 1
        self._running.start(self._count, self._run(call, anchor, output.set_result))
        return output

    async def _run(
        self, call: FunctionCall, anchor: str | None, done: Callable[[FunctionOutput], None]
    ) -> None:
        core, loop = self._core, asyncio.get_running_loop()
        began, failed = loop.time(), ""
        text = ""
        try:
            async with asyncio.timeout(TOOL_TIMEOUT):
                text = await self._call(call)
        except ToolError as error:
            failed = str(error) or "the function failed"
        except TimeoutError:
            failed = f"the function did not answer within {TOOL_TIMEOUT:.0f} s"
        except Exception:
            core.log.exception("tool_failed", tool=call.name)
            failed = "the function is broken"
        if failed:
            core.log.warning("tool_failed", tool=call.name, reason=failed)
            text = json.dumps({"error": failed})
        output = FunctionOutput(call.call_id, text[:MAX_OUTPUT_CHARS])
        self._remember(call, output, anchor)
        core.tell(told.ToolCalled(call.name, loop.time() - began, failed))
        done(output)

    async def _call(self, call: FunctionCall) -> str:
        try:
            arguments = json.loads(call.arguments or "{}")
        except ValueError as error:
            raise ToolError(f"the arguments are not valid JSON: {error}") from None
        if not isinstance(arguments, dict):
            raise ToolError("the arguments should be one JSON object")
        context = ToolContext(self._core.context.id, self._core.context.user)
        return await self._core.parts.toolbox.call(call.name, arguments, context)

    def _remember(self, call: FunctionCall, output: FunctionOutput, anchor: str | None) -> None:
        if anchor is None:
            return
        history = self._core.history
        try:
            worked = history.get(anchor).worked
            item = history.replace(anchor, worked=(*worked, call, output))
            self._core.remember(item, self._core.sources_of(anchor))
        except HistoryError:
            self._core.log.info("tool_call_not_kept", tool=call.name)  # its item was deleted
