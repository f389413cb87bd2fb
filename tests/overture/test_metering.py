"""What engines do is counted around their ports."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from knowledge.counts import ModelCounts
from knowledge.documents import Chunk
from knowledge.evidence import gather
from knowledge.index import KnowledgeIndex
from knowledge.passages import (
    AnswererError,
    AnswerPart,
    AnswerSentence,
    Question,
    TokenUsage,
    Tool,
)
from live.parts import Parts
from live.tools import ToolContext, ToolError
from overture.metering import PORTS, Meters
from tests.support.talking import scripted_parts
from voice.recognition import Recognition, RecognizerError, Utterance
from voice.synthesis import SpeechChunk, SynthesizerError, Voice

NOTHING = Utterance(np.zeros(0, np.int16))
FOR_U42 = ToolContext("sess_1", "u42")


class Engines:
    """Every port at once; fails when it is told to."""

    name = "scripted"
    voices = frozenset({"slt"})
    tools: Sequence[Tool] = (Tool("look_up"),)
    fails = False

    async def start(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        """Nothing to free."""

    async def recognize(self, utterance: Utterance) -> Recognition:
        if self.fails:
            raise RecognizerError("it is broken")
        return Recognition("hello")

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        yield SpeechChunk(np.zeros(10, np.int16))
        if self.fails:
            raise SynthesizerError("it is broken")

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        if self.fails:
            raise AnswererError("it is broken")
        yield AnswerSentence("Hello.")
        yield TokenUsage(input_tokens=100, output_tokens=7, cached_tokens=60)

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        if self.fails:
            raise ToolError("it is broken")
        return "42"


class Metered:
    """Parts made of engines, counted into a registry of their own."""

    def __init__(self) -> None:
        self.engines = Engines()
        self.registry = CollectorRegistry()
        self.meters = Meters(self.registry)
        recognizers = {"": self.engines, "scripted": self.engines}
        self.parts: Parts = self.meters.parts(
            replace(
                scripted_parts(),
                recognizers=recognizers,
                synthesizer=self.engines,
                answerer=self.engines,
                toolbox=self.engines,
            )
        )

    def count(self, name: str, **labels: str) -> float | None:
        """A sample's value."""
        return self.registry.get_sample_value(name, labels)

    async def use_all(self) -> list[Exception]:
        """One request to each; what they raised."""
        raised: list[Exception] = []

        async def said() -> None:
            async for _ in self.parts.synthesizer.synthesize("Hello.", Voice()):
                pass

        async def answered() -> None:
            async for _ in self.parts.answerer.answer(Question("hello")):
                pass

        for use in (
            lambda: self.parts.recognizers[""].recognize(NOTHING),
            said,
            answered,
            lambda: self.parts.toolbox.call("look_up", {}, FOR_U42),
        ):
            try:
                await use()
            except (RecognizerError, SynthesizerError, AnswererError, ToolError) as error:
                raised.append(error)
        return raised


@pytest.fixture(scope="module")
def metered() -> Metered:
    """One for all of these tests, as they only look at what grows."""
    return Metered()


async def test_what_an_engine_fails_on_is_counted_and_raised(metered: Metered) -> None:
    before = [metered.count("overture_engine_errors_total", port=port) for port in PORTS]
    assert await metered.use_all() == []
    assert [metered.count("overture_engine_errors_total", port=port) for port in PORTS] == before
    metered.engines.fails = True
    assert len(await metered.use_all()) == 4
    metered.engines.fails = False
    for port, errors in zip(PORTS, before, strict=True):
        assert errors is not None
        assert metered.count("overture_engine_errors_total", port=port) == errors + 1


async def test_requests_show_only_while_they_run(metered: Metered) -> None:
    speech = metered.parts.synthesizer.synthesize("Hello.", Voice())
    await anext(speech)
    assert metered.count("overture_engine_requests", port="synthesizer") == 1
    await speech.aclose()
    assert metered.count("overture_engine_requests", port="synthesizer") == 0


async def test_tokens_are_counted_by_model_and_kind(metered: Metered) -> None:
    def tokens(kind: str) -> float:
        return metered.count("llm_token_usage_total", model="scripted", kind=kind) or 0.0

    before = {kind: tokens(kind) for kind in ("input", "output", "cached")}
    await metered.use_all()
    spent = {kind: tokens(kind) - count for kind, count in before.items()}
    assert spent == {"input": 100, "output": 7, "cached": 60}


async def test_functions_are_counted_and_so_are_their_failures(metered: Metered) -> None:
    def counts() -> tuple[float, float]:
        calls = metered.count("tool_calls_total")
        failures = metered.count("tool_call_failures_total")
        assert calls is not None
        assert failures is not None
        return calls, failures

    calls, failures = counts()
    await metered.use_all()
    metered.engines.fails = True
    await metered.use_all()
    metered.engines.fails = False
    assert counts() == (calls + 2, failures + 1)


def test_the_same_engine_is_one_under_all_its_names(metered: Metered) -> None:
    assert metered.parts.recognizers[""] is metered.parts.recognizers["scripted"]
    assert metered.parts.recognizers[""].name == "scripted"
    assert metered.parts.synthesizer.voices == {"slt"}
    assert [tool.name for tool in metered.parts.toolbox.tools] == ["look_up"]


def test_a_look_up_takes_its_time() -> None:
    registry = CollectorRegistry()
    index = KnowledgeIndex([Chunk("hours.md", ("Hours",), "We close at five on Sunday.", 3)])
    index.on_lookup = Meters(registry).lookups.observe
    assert gather(index, "when do you close on Sunday?")
    assert registry.get_sample_value("rag_request_duration_seconds_count") == 1
    assert registry.get_sample_value("rag_request_duration_seconds_sum") != 0


def test_a_language_model_shows_what_became_of_its_questions() -> None:
    registry, counts = CollectorRegistry(), ModelCounts()
    Meters(registry).model("tiny", counts)
    counts.answered = 3
    counts.failed["timeout"] = 2
    counts.fell_back = 1

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"model": "tiny"} | labels)

    assert value("llm_requests_answered_total") == 3
    assert value("llm_requests_failed_total", reason="timeout") == 2
    assert value("llm_fallbacks_total") == 1


def test_a_queue_is_as_long_as_it_is_when_somebody_looks() -> None:
    registry = CollectorRegistry()
    waiting: list[str] = []
    Meters(registry).queues({"session_writes": lambda: len(waiting)})
    assert registry.get_sample_value("overture_queue_length", {"queue": "session_writes"}) == 0
    waiting += ["a", "b"]
    assert registry.get_sample_value("overture_queue_length", {"queue": "session_writes"}) == 2
