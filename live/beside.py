"""Responses out of the conversation, in text: they need no floor, and nothing of them is kept."""

import asyncio
import secrets

from conversation.responses import ToRequest
from knowledge.passages import AnswerSentence
from live import events as told
from live.asking import asked_of
from live.config import ResponseRequest
from live.core import Core
from live.history import Item, function_call_item, new_item_id
from live.mind import Mind
from live.thinking import Thinking
from live.wording import CANNOT_ANSWER

AT_ONCE = 4
"""Responses beside the conversation that one session may have; each may be a model at work."""


class Beside:
    """One session's. Each response is a task, from its `ResponseBegun` to its `ResponseEnded`."""

    def __init__(self, core: Core, mind: Mind) -> None:
        self._core = core
        self._mind = mind
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def full(self) -> bool:
        """No other may begin now."""
        return len(self._tasks) >= AT_ONCE

    def begin(self, request: ResponseRequest) -> None:
        """Answers beside whatever is being said."""
        core = self._core
        asked = asked_of(
            ToRequest(0),
            "",
            core.history.items,
            core.config,
            request,
            core.parts.toolbox.tools,
        )
        response_id = f"resp_{secrets.token_hex(10)}"
        core.tell(told.response_begun(response_id, core.config, request, request.metadata))
        thinking = self._mind.consider(asked)
        thinking.adopted = True
        response = _Response(core, response_id, thinking)
        task = asyncio.create_task(self._run(response), name=f"beside-{response_id}")
        self._tasks[response_id] = task
        task.add_done_callback(lambda _: self._end(response))

    def cancel(self, response_id: str | None) -> bool:
        """Stops it; False if there is no such response."""
        task = self._tasks.get(response_id or "")
        return task is not None and task.cancel()

    async def settled(self) -> None:
        """Returns when none is being made."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Cancels all of them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, response: "_Response") -> None:
        try:
            for sentence in response.thinking.known or ():
                response.say(sentence)
            async for sentence in self._mind.sentences(response.thinking):
                response.say(sentence)
        except Exception:
            self._core.log.exception("answer_failed")
            response.say(AnswerSentence(CANNOT_ANSWER, known=False))
        response.complete()

    def _end(self, response: "_Response") -> None:
        del self._tasks[response.id]
        response.end()


class _Response:
    """What has been said of one."""

    def __init__(self, core: Core, response_id: str, thinking: Thinking) -> None:
        self._core = core
        self._item = Item(new_item_id(), "assistant", status="in_progress")
        self._words: list[str] = []
        self._completed = False
        self.id = response_id
        self.thinking = thinking

    def say(self, sentence: AnswerSentence) -> None:
        """Sends a sentence."""
        tell = self._core.tell
        if not self._words:
            tell(told.AgentItemBegun(self.id, self._item, None))
        text = f" {sentence.text}" if self._words else sentence.text
        self._words.append(sentence.text)
        tell(told.TextSent(self.id, self._item.id, text))
        if sentence.sources:
            tell(told.SourcesFound(self.id, self._item.id, sentence.sources))

    def complete(self) -> None:
        """Nothing more will be said: what the client is to run is told."""
        for call in self.thinking.calls:
            self._core.tell(told.FunctionCalled(self.id, function_call_item(call), None))
        self._completed = True

    def end(self) -> None:
        """It is over, or was cancelled."""
        status: told.Status = "completed" if self._completed else "cancelled"
        reason: str = "" if self._completed else "client_cancelled"
        if self._completed and self.thinking.cut:
            status, reason = "incomplete", self.thinking.cut
        item = None
        if self._words:
            kept: told.ItemStatus = "completed" if status == "completed" else "incomplete"
            item = Item(self._item.id, "assistant", " ".join(self._words), status=kept)
        usage = self.thinking.take_usage()
        self._core.tell(told.ResponseEnded(self.id, item, status, reason, usage))
