"""Words in, sentences out: control phrase, open form, intent, then knowledge (DESIGN §1).

Working an answer out changes nothing. Only `Mind.keep` does, once the turn has really ended, and
the agent's own functions, which wait for that too.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

import structlog

from conversation import Completeness
from intents.engine import IntentEngine
from intents.understanding import Form, Understanding
from knowledge.passages import (
    AnswerCut,
    Answerer,
    AnswererError,
    AnswerPart,
    AnswerSentence,
    Exchange,
    FunctionCall,
    FunctionOutput,
    Message,
    TokenUsage,
)
from live.asking import Asked, last_text
from live.calls import Calls
from live.noting import Noting
from live.replying import Replying
from live.thinking import Thinking
from live.wording import (
    ANYTHING_ELSE,
    CANNOT_ANSWER,
    NOTHING_TO_REPEAT,
    as_sentences,
    wants_the_floor,
    words_of_output,
)

SENTENCE_TIMEOUT = 10.0
"""Seconds an answerer may take for its next sentence before it counts as hung."""
TOOL_ROUNDS = 4
"""How often one answer may run functions of the agent's; what is not known then never will be."""
KNOWN_CALLS = 256
"""Ids of calls that are remembered, so that no two are the same: some models count from 0 in each
answer, and a call is paired with its output by nothing else."""
KEPT_WORDINGS = 16
"""Functions of the client's, called and not yet answered, whose intent's own words are kept."""


class Mind:
    """One session's: it remembers the open form.

    replying: what was said of the agent's own accord; answers to that come before everything else.
    noting: what people ask for later, and when they will be back.
    follows: the answerer is a language model, which may be asked with functions and their outputs.
    """

    def __init__(
        self,
        intents: IntentEngine,
        answerer: Answerer,
        calls: Calls,
        replying: Replying,
        noting: Noting,
        log: structlog.stdlib.BoundLogger,
        *,
        follows: bool = False,
    ) -> None:
        self._log = log
        self._intents = intents
        self._answerer = answerer
        self._calls = calls
        self._replying = replying
        self._noting = noting
        self._follows = follows
        self._wordings: dict[str, str] = {}
        self._call_ids: deque[str] = deque(maxlen=KNOWN_CALLS)
        self.form: Form | None = None
        self.understanding = Understanding(None)
        self.turns = 0
        self.on_turn: Callable[[], None] = lambda: None

    def completeness(self, text: str) -> Completeness:
        """Could the speaker stop here?"""
        if self._noting.goes_on(text):
            return Completeness.DANGLING
        return self._intents.completeness(text, self.form)

    def wants_the_floor(self, text: str) -> bool:
        """Whether words said over the agent are meant to stop it."""
        if wants_the_floor(text) or self._replying.read(text) is not None:
            return True
        if self._noting.reminder(text):
            return True
        return self._intents.understand(text, self.form).intent is not None

    def can_be_called(self, name: str) -> bool:
        """Whether anything could ever call a function of this name."""
        return self._follows or name in self._intents.names

    # An answer

    def consider(self, asked: Asked) -> Thinking:
        """What the words mean, at once; the sentences too when no knowledge is needed."""
        thinking = Thinking(asked, self.understanding, self.form)
        if asked.silence:
            self._consider_silence(thinking)
        elif asked.outputs:
            if not self._follows:
                thinking.known = self._outputs_said(thinking, asked.outputs)
        elif not asked.beside and (asked.question.text or not self._follows):
            if asked.question.text:
                thinking.replied = self._replying.read(asked.question.text)
            if thinking.replied is not None:
                thinking.understanding = Understanding(None)
                thinking.known = as_sentences(thinking.replied.say)
            elif noted := self._noted(asked.question.text):
                thinking.understanding = Understanding(None)
                thinking.known = as_sentences(noted)
            else:
                self._consider_words(thinking, asked.last_words)
        if thinking.known is None and not self._follows and not asked.question.text:
            # Knowledge can only be asked about words: the latest there are.
            question = replace(asked.question, text=asked.last_words)
            thinking.asked = replace(asked, question=question)
        return thinking

    def _consider_silence(self, thinking: Thinking) -> None:
        again = self._intents.ask_again(self.form) if self.form is not None else ""
        if again:
            thinking.known = as_sentences(again)
        elif not self._follows:
            thinking.known = as_sentences(ANYTHING_ELSE)

    def _noted(self, text: str) -> str:
        """What is said to a wish for later. What is an intent is not taken for one, but where
        somebody says in so many words that they want to be reminded."""
        if noted := self._noting.reminder(text):
            return noted
        if self._follows or not (noted := self._noting.leaving(text)):
            return ""
        return "" if self._intents.understand(text, self.form).intent is not None else noted

    def _consider_words(self, thinking: Thinking, text: str) -> None:
        reply = self._intents.respond(text, self.form)
        thinking.understanding, thinking.form = reply.understanding, reply.form
        done = reply.done
        form = reply.form
        forced = thinking.asked.forced and form is not None and self._intents.is_filled(form)
        if done is None and form is not None and forced:  # it needs no yes
            done = Understanding(form.intent, form.slots, 1.0)
        if done is not None and done.intent and thinking.asked.may_call(done.intent):
            if reply.done is None:
                thinking.form = None
            self._call(thinking, done)
            thinking.known, thinking.otherwise = (), reply.text if reply.done else ""
        elif reply.repeat:
            last = last_text(thinking.asked.question.history, "assistant")
            thinking.known = as_sentences(last or NOTHING_TO_REPEAT)
        elif reply.text:
            thinking.known = as_sentences(reply.text)

    def _call(self, thinking: Thinking, done: Understanding) -> None:
        """The function of the intent's name, with its slots."""
        arguments = json.dumps(dict(done.slots), ensure_ascii=False)
        self._sort(thinking, FunctionCall("", done.intent or "", arguments))

    def _sort(self, thinking: Thinking, call: FunctionCall) -> None:
        if not call.call_id or call.call_id in self._call_ids:
            call = replace(call, call_id=f"call_{secrets.token_hex(10)}")
        self._call_ids.append(call.call_id)
        whose = thinking.calls if call.name in thinking.asked.client else thinking.own
        whose.append(call)

    async def sentences(self, thinking: Thinking) -> AsyncIterator[AnswerSentence]:
        """The answer, or what there is of it until functions of the agent's are to run and the
        turn has not ended yet; then ask again. An engine that fails is owned up to, not raised."""
        while True:
            if thinking.own:
                if not thinking.adopted:
                    return
                for sentence in await self._use(thinking):
                    thinking.said.append(sentence)
                    yield sentence
            if not self._to_be_asked(thinking):
                return
            async for sentence in self._answered(thinking):
                yield sentence
            if not thinking.own:
                return

    def _to_be_asked(self, thinking: Thinking) -> bool:
        return thinking.known is None and not thinking.calls

    async def _answered(self, thinking: Thinking) -> AsyncIterator[AnswerSentence]:
        """What the answerer makes of the question as it is now."""
        answer = aiter(self._answerer.answer(thinking.asked.question))
        before = len(thinking.said)
        try:
            while True:
                async with asyncio.timeout(SENTENCE_TIMEOUT):
                    part = await anext(answer, None)
                if part is None:
                    break
                if isinstance(part, AnswerSentence):
                    thinking.said.append(part)
                    yield part
                else:
                    self._note(thinking, part)
        except (AnswererError, TimeoutError) as error:
            self._log.warning("answer_failed", reason=str(error) or "no sentence in time")
            thinking.own.clear()
            yield self._sorry(thinking)
            return
        if len(thinking.said) == before and not (thinking.calls or thinking.own):
            self._log.warning("answer_failed", reason="the answerer said nothing")
            yield self._sorry(thinking)

    def _note(self, thinking: Thinking, part: AnswerPart) -> None:
        match part:
            case FunctionCall(name=name):
                if thinking.asked.may_call(name):
                    self._sort(thinking, part)
                else:
                    self._log.warning("tool_unknown", tool=name)
            case TokenUsage():
                thinking.used(part)
            case AnswerCut(reason):
                thinking.cut = reason
            case AnswerSentence():
                pass
            case _:
                assert_never(part)

    def _sorry(self, thinking: Thinking) -> AnswerSentence:
        silence = thinking.asked.silence
        return AnswerSentence(ANYTHING_ELSE if silence else CANNOT_ANSWER, known=False)

    # Functions

    async def _use(self, thinking: Thinking) -> Sequence[AnswerSentence]:
        """Runs the agent's own functions. Their outputs go back to a language model; without one
        they are said."""
        calls, thinking.own = thinking.own, []
        outputs = await self._calls.run(calls, thinking.anchor)
        thinking.rounds += 1
        thinking.went_on()
        if not self._follows:
            thinking.known = thinking.known or ()
            return self._outputs_said(thinking, outputs)
        thinking.known = None
        asked, question = thinking.asked, thinking.asked.question
        worked: list[Exchange] = [*question.history]
        if question.text:
            worked.append(Message("user", question.text))
        if thinking.said:
            worked.append(Message("assistant", " ".join(said.text for said in thinking.said)))
        last = thinking.rounds >= TOOL_ROUNDS
        question = replace(
            question,
            text="",
            history=(*worked, *calls, *outputs),
            tool_choice="none" if last or question.tool_choice == "none" else "auto",
        )
        thinking.asked = replace(asked, question=question)
        return ()

    def _outputs_said(
        self, thinking: Thinking, outputs: Sequence[FunctionOutput]
    ) -> tuple[AnswerSentence, ...]:
        return tuple(
            sentence
            for output in outputs
            for sentence in as_sentences(
                words_of_output(
                    output.output, thinking.otherwise or self._wordings.get(output.call_id, "")
                )
            )
        )

    def keep(self, thinking: Thinking) -> None:
        """The turn has ended: what it meant counts from now on."""
        self.form = thinking.form
        self.understanding = thinking.understanding
        if thinking.asked.question.text and not thinking.asked.silence:
            self._replying.turned(thinking.replied)
            self.turns += 1
            if thinking.replied is None:
                self.on_turn()
        for call in thinking.calls:
            self._wordings[call.call_id] = thinking.otherwise
        while len(self._wordings) > KEPT_WORDINGS:
            del self._wordings[next(iter(self._wordings))]


def form_to_json(form: Form | None) -> dict[str, Any] | None:
    """How an open form is stored."""
    if form is None:
        return None
    return {"intent": form.intent, "slots": dict(form.slots), "awaiting": form.awaiting}


def form_from_json(stored: Mapping[str, Any] | None) -> Form | None:
    """An open form as it was stored; None if there was none."""
    if stored is None:
        return None
    return Form(stored["intent"], dict(stored["slots"]), stored.get("awaiting", ""))
