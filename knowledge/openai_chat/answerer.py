"""Answers by a language model behind an OpenAI-compatible server, sentence by sentence."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import structlog

from knowledge.asking import asked_before, what_is_asked
from knowledge.counts import ModelCounts
from knowledge.evidence import gather
from knowledge.index import KnowledgeIndex, passage_of
from knowledge.openai_chat.breaker import CircuitBreaker
from knowledge.openai_chat.chunks import CallBuilder, Chunk
from knowledge.openai_chat.client import ChatClient
from knowledge.openai_chat.errors import PASSING, ChatError, Failure
from knowledge.openai_chat.messages import Persona, messages_of, tools_of
from knowledge.openai_chat.speech import SpokenSentences
from knowledge.openai_chat.support import Support
from knowledge.passages import AnswerCut, AnswerPart, AnswerSentence, Passage, Question, TokenUsage
from sessions.journal import note

PASSAGES = 8
"""Given for a question: the café's seven lines of opening hours, and one more."""
RETRY_PAUSE = 0.1
"""Seconds before the second try when the server names none: enough for a proxy to find another."""
LONGEST_RETRY_AFTER = 1.0
"""Seconds that a server may ask to be left alone; a listener waits meanwhile."""
CHARS_PER_TOKEN = 12
"""No tokenizer's words are longer on average; a server that ignores the bound is stopped there."""

REFUSES_TOOLS = frozenset({400, 422})
"""Statuses with which servers refuse functions, and much else: so it is tried without them."""
TOOLS_ADVICE = "take a model that can call functions; docs/language-model.md"

LOST_THREAD = "I'm sorry, I lost the rest of that."
"""Said when the model fails after something of its answer has been said."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """What an answer may cost; times in seconds.

    first_words_s: from the question to the model's first words, a second try included.
    first_sentence_s: to the first sentence or call, for a model that thinks in the open.
    between_words_s: from words to the next ones. whole_s: for all of it.
    usage_s: after the last word, in which the server may still say what it cost.
    max_output_tokens: where the question sets no bound; two minutes of speech.
    """

    first_words_s: float = 4.0
    first_sentence_s: float = 7.0
    between_words_s: float = 4.0
    whole_s: float = 45.0
    usage_s: float = 1.0
    max_output_tokens: int = 400


_CUTS: dict[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}


class OpenAIChatAnswerer:
    """Gives the model the passages that fit the question, and hands on what it says.

    now: the time where the agent is. counts: told what became of each question.
    """

    def __init__(
        self,
        client: ChatClient,
        model: str,
        index: KnowledgeIndex,
        persona: Persona,
        *,
        now: Callable[[], datetime],
        counts: ModelCounts,
        limits: ChatLimits | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._index = index
        self._persona = persona
        self._now = now
        self._counts = counts
        self._limits = limits or ChatLimits()
        self._breaker = breaker or CircuitBreaker(lambda: asyncio.get_running_loop().time())
        # OpenAI's newer models refuse the first name, many other servers know no other.
        self._bound_name = "max_tokens"
        self._takes_tools = True

    @property
    def name(self) -> str:
        """The model's."""
        return self._model

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        """Sentences, then calls, then the tokens spent; raises ChatError before the first sentence.

        A model that fails later is owned up to instead, and none of its calls is handed on.
        """
        if not self._breaker.admits():
            raise ChatError(Failure.RESTING, "failed several times; it is left alone for a while")
        said, ended = False, False
        try:
            async with aclosing(self._parts(question)) as parts:
                async for part in parts:
                    said = said or isinstance(part, AnswerSentence)
                    yield part
            ended = True
            self._breaker.succeeded()
            self._counts.answered += 1
        except ChatError as error:
            ended = True
            self._breaker.failed()
            self._counts.failed[error.failure] += 1
            if not said:
                raise
            log.warning("answer_broke_off", model=self._model, reason=str(error))
            yield AnswerSentence(LOST_THREAD, known=False)
        finally:
            if not ended:
                self._breaker.given_up()

    async def open(self) -> None:
        """Loads what talking to the server takes, so that the first question need not wait."""
        await self._client.open()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _parts(self, question: Question) -> AsyncGenerator[AnswerPart, None]:
        limits, loop = self._limits, asyncio.get_running_loop()
        begun, now = loop.time(), self._now()
        passages = await asyncio.to_thread(self._find, question, now.date())
        most_tokens = question.max_output_tokens or limits.max_output_tokens
        body = self._body(question, passages, now, most_tokens)
        note(
            "model_input",
            model=self._model,
            messages=body["messages"],
            passages=[(p.document, p.line, p.score) for p in passages],
        )
        support = Support(self._index, passages)
        speech, calls = SpokenSentences(), CallBuilder()
        usage: TokenUsage | None = None
        finish, said, room = "", False, CHARS_PER_TOKEN * most_tokens
        chunk, chunks = await self._begin(body, begun + limits.first_words_s)
        async with aclosing(chunks):
            while chunk is not None and room > 0:
                sentences = speech.feed(chunk.words)
                if chunk.finish_reason:
                    sentences += speech.finish()
                for text in sentences:
                    said = True
                    yield self._sentence(text, support)
                for piece in chunk.calls:
                    calls.feed(piece)
                room -= len(chunk.words)
                usage, finish = chunk.tokens or usage, chunk.finish_reason or finish
                ends = limits.whole_s if said or calls else limits.first_sentence_s
                chunk = await self._next(chunks, begun + ends, finished=finish != "")
        if not finish:
            for text in speech.finish():
                said = True
                yield self._sentence(text, support)
            finish = "length" if room <= 0 else ""
        if not said and not calls:
            raise ChatError(Failure.NOTHING_SAID, "ended without a word")
        may_call = question.tools if question.tool_choice != "none" else ()
        for call in calls.calls({tool.name for tool in may_call}):
            yield call
        if finish in _CUTS:
            yield AnswerCut(_CUTS[finish])
        if usage is not None:
            yield usage

    async def _begin(
        self, body: dict[str, Any], deadline: float
    ) -> tuple[Chunk | None, AsyncGenerator[Chunk, None]]:
        """The first chunk with something in it, and the rest; asks twice where that may help."""
        loop = asyncio.get_running_loop()
        tried, offered = False, "tools" in body
        while True:
            chunks = self._client.chunks(body)
            try:
                async with asyncio.timeout_at(deadline):
                    async for chunk in chunks:
                        if chunk.words.strip() or chunk.calls or chunk.finish_reason:
                            if offered and "tools" not in body:
                                self._note_that_it_takes_no_tools()
                            return chunk, chunks
                raise ChatError(Failure.NOTHING_SAID, "ended without a word")
            except TimeoutError:
                waited = f"{self._limits.first_words_s:g} s"
                raise ChatError(Failure.STALLED, f"said nothing within {waited}") from None
            except ChatError as error:
                pause = RETRY_PAUSE if error.retry_after is None else error.retry_after
                if self._amends(body, error):
                    continue
                late = pause > LONGEST_RETRY_AFTER or loop.time() + pause >= deadline
                if tried or late or error.failure not in PASSING:
                    raise
                log.info("model_asked_again", model=self._model, reason=str(error))
                tried = True
                await asyncio.sleep(pause)

    def _amends(self, body: dict[str, Any], error: ChatError) -> bool:
        """Whether the request was changed into one that this server may take."""
        if error.param == "max_tokens" and "max_tokens" in body:
            self._bound_name = "max_completion_tokens"
            body[self._bound_name] = body.pop("max_tokens")
            return True
        if error.status in REFUSES_TOOLS and body.get("tool_choice") in ("auto", "none"):
            del body["tools"], body["tool_choice"]
            return True
        return False

    def _note_that_it_takes_no_tools(self) -> None:
        """Many small models take none, and some servers only with an option of theirs."""
        if self._takes_tools:
            self._takes_tools = False
            log.warning("model_takes_no_functions", model=self._model, advice=TOOLS_ADVICE)

    async def _next(
        self, chunks: AsyncGenerator[Chunk, None], deadline: float, *, finished: bool
    ) -> Chunk | None:
        """The next chunk, None after the last; raises ChatError if the answer lacks its end."""
        patience = self._limits.usage_s if finished else self._limits.between_words_s
        until = asyncio.get_running_loop().time() + patience
        try:
            async with asyncio.timeout_at(until if finished else min(until, deadline)):
                return await anext(chunks, None)
        except TimeoutError:
            if finished:
                return None
            raise ChatError(Failure.STALLED, "stopped in the middle of its answer") from None
        except ChatError:
            if finished:
                return None
            raise

    def _find(self, question: Question, today: date) -> list[Passage]:
        """The passages that fit best; what was asked before counts a little. Takes about 1 ms."""
        asked, before = what_is_asked(question, today)
        found = gather(self._index, asked, before or asked_before(question))
        chunks = dict.fromkeys(evidence.chunk for evidence in found)
        return [passage_of(chunk) for chunk in list(chunks)[:PASSAGES]]

    def _body(
        self, question: Question, passages: list[Passage], now: datetime, most_tokens: int
    ) -> dict[str, Any]:
        return {
            "model": self._model,
            "messages": messages_of(self._persona, question, passages, now),
            "stream": True,
            "stream_options": {"include_usage": True},
            self._bound_name: most_tokens,
            **(tools_of(question.tools, question.tool_choice) if self._takes_tools else {}),
        }

    def _sentence(self, text: str, support: Support) -> AnswerSentence:
        if text == self._persona.unknown:
            return AnswerSentence(text, known=False)
        return AnswerSentence(text, support.of(text))
