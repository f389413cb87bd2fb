"""What engines and functions do, counted around their ports: no engine knows of it."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from knowledge.counts import ModelCounts
from knowledge.passages import Answerer, AnswererError, AnswerPart, Question, TokenUsage, Tool
from live.parts import Parts
from live.tools import Toolbox, ToolContext
from voice.recognition import Recognition, Recognizer, RecognizerError, Utterance
from voice.synthesis import SpeechChunk, Synthesizer, SynthesizerError, Voice

PORTS = ("recognizer", "synthesizer", "answerer")
_LOOKUP_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1)
"""Seconds: an index in memory takes 0.1 ms to search and 1 ms to weigh what it found."""


class Meters:
    """One process's counts, in the registry that `/metrics` shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.lookups = Histogram(
            "rag_request_duration_seconds",
            "Finding what the documents say about a question",
            buckets=_LOOKUP_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "overture_engine_errors", "Requests that an engine failed", ["port"], registry=registry
        )
        self._busy = Gauge(
            "overture_engine_requests",
            "Requests that an engine works on, or that wait for it",
            ["port"],
            registry=registry,
        )
        for port in PORTS:  # there from the start, so that a graph shows 0 and no gap
            self._errors.labels(port)
            self._busy.labels(port)
        self.tool_calls = Counter(
            "tool_calls", "Functions of the agent's own that were called", registry=registry
        )
        self.tool_failures = Counter(
            "tool_call_failures",
            "Of those, the ones that failed or were given up",
            registry=registry,
        )

        self._tokens = Counter(
            "llm_token_usage",
            "Tokens as the model's server counts them; cached ones are input too",
            ["model", "kind"],
            registry=registry,
        )

    def parts(self, parts: Parts) -> Parts:
        """The same parts, counted."""
        seen: dict[int, Recognizer] = {}
        for recognizer in parts.recognizers.values():
            seen.setdefault(id(recognizer), _Recognizer(recognizer, self))
        return replace(
            parts,
            recognizers={name: seen[id(each)] for name, each in parts.recognizers.items()},
            synthesizer=_Synthesizer(parts.synthesizer, self),
            answerer=_Answerer(parts.answerer, self),
            toolbox=_Toolbox(parts.toolbox, self),
        )

    def used(self, model: str, usage: TokenUsage) -> None:
        """An answer's tokens."""
        self._tokens.labels(model, "input").inc(usage.input_tokens)
        self._tokens.labels(model, "output").inc(usage.output_tokens)
        self._tokens.labels(model, "cached").inc(usage.cached_tokens)

    def queues(self, queues: Mapping[str, Callable[[], float]]) -> None:
        """Shows how long these are, as they are when somebody looks."""
        if queues:
            lengths = Gauge(
                "overture_queue_length", "What waits", ["queue"], registry=self._registry
            )
            for name, length in queues.items():
                lengths.labels(name).set_function(length)

    def model(self, name: str, counts: ModelCounts) -> None:
        """Shows what became of questions to a language model."""
        self._registry.register(_ModelCollector(name, counts))

    @contextmanager
    def request(self, port: str, error: type[Exception]) -> Iterator[None]:
        """A request to an engine; `error` is how that says it failed."""
        busy = self._busy.labels(port)
        busy.inc()
        try:
            yield
        except error:
            self._errors.labels(port).inc()
            raise
        finally:
            busy.dec()


class _ModelCollector(Collector):
    """Reads the counts when somebody looks."""

    def __init__(self, name: str, counts: ModelCounts) -> None:
        self._name = name
        self._counts = counts

    def collect(self) -> Iterable[CounterMetricFamily]:
        model, counts = self._name, self._counts
        answered = CounterMetricFamily(
            "llm_requests_answered", "Questions that the model answered", labels=("model",)
        )
        answered.add_metric((model,), counts.answered)
        yield answered
        failed = CounterMetricFamily(
            "llm_requests_failed", "Questions that it failed on", labels=("model", "reason")
        )
        for reason, times in counts.failed.items():
            failed.add_metric((model, reason), times)
        yield failed
        fell_back = CounterMetricFamily(
            "llm_fallbacks", "Questions that the documents answered instead", labels=("model",)
        )
        fell_back.add_metric((model,), counts.fell_back)
        yield fell_back


class _Recognizer:
    """See the port."""

    def __init__(self, engine: Recognizer, meters: Meters) -> None:
        self._engine = engine
        self._meters = meters

    @property
    def name(self) -> str:
        return self._engine.name

    async def start(self) -> None:
        await self._engine.start()

    async def recognize(self, utterance: Utterance) -> Recognition:
        with self._meters.request("recognizer", RecognizerError):
            return await self._engine.recognize(utterance)

    async def aclose(self) -> None:
        await self._engine.aclose()


class _Synthesizer:
    """See the port."""

    def __init__(self, engine: Synthesizer, meters: Meters) -> None:
        self._engine = engine
        self._meters = meters

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def voices(self) -> frozenset[str]:
        return self._engine.voices

    async def start(self) -> None:
        await self._engine.start()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        with self._meters.request("synthesizer", SynthesizerError):
            async with aclosing(self._engine.synthesize(text, voice)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def aclose(self) -> None:
        await self._engine.aclose()


class _Answerer:
    """See the port."""

    def __init__(self, engine: Answerer, meters: Meters) -> None:
        self._engine = engine
        self._meters = meters

    @property
    def name(self) -> str:
        return self._engine.name

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        with self._meters.request("answerer", AnswererError):
            async for part in self._engine.answer(question):
                if isinstance(part, TokenUsage):
                    self._meters.used(self.name, part)
                yield part

    async def aclose(self) -> None:
        await self._engine.aclose()


class _Toolbox:
    """See the port."""

    def __init__(self, toolbox: Toolbox, meters: Meters) -> None:
        self._toolbox = toolbox
        self._meters = meters

    @property
    def tools(self) -> Sequence[Tool]:
        return self._toolbox.tools

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        self._meters.tool_calls.inc()
        try:
            return await self._toolbox.call(name, arguments, context)
        except BaseException:  # a cancellation too: it took too long
            self._meters.tool_failures.inc()
            raise
