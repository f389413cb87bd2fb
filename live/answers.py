"""Answers to the machine's order: found early, adopted or dropped, and fed to their response."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias, assert_never

from conversation import commands as c
from conversation import events as e
from conversation.responses import Origin, ToRequest
from knowledge.passages import AnswerSentence
from live.asking import Asked, asked_of
from live.config import ResponseRequest
from live.core import Core
from live.history import Item
from live.mind import Mind, form_to_json
from live.stages import Stopwatch
from live.thinking import Thinking
from live.wording import CANNOT_ANSWER, CANNOT_HEAR
from live.work import Work

AnswerCommand: TypeAlias = c.Answer | c.AdoptAnswer | c.DropWork


class Answers:
    """Owns the mind's running work.

    on_finished: called with the work of an answer that has ended, before the machine hears of it.
    """

    def __init__(
        self, core: Core, mind: Mind, work: Work, on_finished: Callable[[int], None]
    ) -> None:
        self._core = core
        self._mind = mind
        self._work = work
        self._on_finished = on_finished
        self._thinking: dict[int, tuple[Thinking, Stopwatch]] = {}
        self._requests: dict[int, ResponseRequest] = {}
        self._request_count = 0

    def request(self, request: ResponseRequest) -> int:
        """Notes what a client asked for; the number is the machine's name for it."""
        self._request_count += 1
        self._requests[self._request_count] = request
        return self._request_count

    def request_of(self, origin: Origin) -> ResponseRequest | None:
        """What a client asked for, None if it did not ask."""
        if not isinstance(origin, ToRequest):
            return None
        return self._requests.get(origin.request, ResponseRequest())

    def of(self, work: int | None) -> tuple[Thinking, Stopwatch] | None:
        """The answer being worked out or said, with its times."""
        return self._thinking.get(work) if work is not None else None

    def forget(self, origin: Origin, work: int | None) -> None:
        """Its response has ended."""
        if isinstance(origin, ToRequest):
            self._requests.pop(origin.request, None)
        if work is not None:
            self._thinking.pop(work, None)

    def do(self, command: AnswerCommand) -> None:
        """Carries out one of the machine's commands."""
        match command:
            case c.Answer():
                self._answer(command)
            case c.AdoptAnswer(work):
                self._adopt(work)
            case c.DropWork(work):
                self._work.drop(work)
                self._thinking.pop(work, None)
            case _:
                assert_never(command)

    def _answer(self, command: c.Answer) -> None:
        work = command.work
        if command.trouble:
            self._give(work, (AnswerSentence(CANNOT_HEAR, known=False),))
            return
        request = self.request_of(command.origin)
        if request is not None and request.say:
            self._give(work, tuple(AnswerSentence(text) for text in request.say))
            return
        asked = self._asked(command)
        if isinstance(command.origin, ToRequest) and self._is_for_a_greeting(asked):
            greeting = self._core.parts.greeting
            self._give(work, (AnswerSentence(greeting),) if greeting else ())
            return
        thinking = self._mind.consider(asked)
        thinking.went_on = lambda: self._core.post(e.AnswerWentOn(work))
        watch = Stopwatch()
        self._thinking[work] = (thinking, watch)
        if not command.early:
            self._adopt(work)
        if thinking.known is not None:
            thinking.said.extend(thinking.known)
            if thinking.own:
                self._post_sentences(work, thinking.known)
            else:
                self._give(work, thinking.known, thinking)
        else:
            self._work.start(work, self._look_up(work, thinking, watch))

    def _asked(self, command: c.Answer) -> Asked:
        core = self._core
        items = core.history.items
        if command.text and not command.early:
            items = _without(command.text, items)
        request = self.request_of(command.origin)
        own = core.parts.toolbox.tools
        return asked_of(command.origin, command.text, items, core.config, request, own)

    def _is_for_a_greeting(self, asked: Asked) -> bool:
        """Nobody has said anything, and there is nobody who would know what else to say."""
        if asked.last_words or asked.outputs:
            return False
        question, follows = asked.question, self._core.parts.follows_instructions
        return not (follows and (question.history or question.instructions))

    def _post_sentences(self, work: int, sentences: tuple[AnswerSentence, ...]) -> None:
        for sentence in sentences:
            self._core.post(e.SentenceReady(work, sentence.text))

    def _give(
        self,
        work: int,
        sentences: tuple[AnswerSentence, ...],
        thinking: Thinking | None = None,
    ) -> None:
        self._post_sentences(work, sentences)
        self._finish(work, thinking)

    def _finish(self, work: int, thinking: Thinking | None) -> None:
        calls = False
        if thinking is not None:
            thinking.finished = True
            calls = bool(thinking.calls)
        self._on_finished(work)
        self._core.post(e.AnswerFinished(work, awaits_client=calls))

    async def _look_up(self, work: int, thinking: Thinking, watch: Stopwatch) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async for sentence in self._mind.sentences(thinking):
                watch.durations.setdefault("retrieval", loop.time() - began)
                self._core.post(e.SentenceReady(work, sentence.text))
        except Exception:
            self._core.log.exception("answer_failed")
            thinking.own.clear()
            self._core.post(e.SentenceReady(work, CANNOT_ANSWER))
        if thinking.own:
            return  # rule 1: nothing is done before the turn has really ended; then `_adopt` is
        watch.durations["answer"] = loop.time() - began
        self._finish(work, thinking)

    def _adopt(self, work: int) -> None:
        """The turn has ended: what it meant counts from now on."""
        if work not in self._thinking:
            return
        thinking, watch = self._thinking[work]
        core = self._core
        thinking.adopted = True
        if not thinking.asked.beside:
            thinking.anchor = core.history.items[-1].id if len(core.history) else None
            self._mind.keep(thinking)
            core.keep(core.context.with_form(form_to_json(thinking.form)))
        if thinking.own and not self._work.runs(work):
            self._work.start(work, self._look_up(work, thinking, watch))


def _without(text: str, items: Sequence[Item]) -> Sequence[Item]:
    """The conversation without the turn that is asked about, which is in it already."""
    for index in range(len(items) - 1, -1, -1):
        if items[index].role == "user" and items[index].text == text:
            return [*items[:index], *items[index + 1 :]]
    return items
