"""What every answerer does, whatever its engine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime

import pytest

from knowledge.counts import ModelCounts
from knowledge.documents import parse_document
from knowledge.extractive import ExtractiveAnswerer
from knowledge.fallback import FallbackAnswerer
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat import ChatClient, ChatLimits, OpenAIChatAnswerer, Persona
from knowledge.passages import (
    Answerer,
    AnswerSentence,
    FunctionCall,
    FunctionOutput,
    Message,
    Question,
    TokenUsage,
    Tool,
)
from knowledge.scripted import ScriptedAnswerer
from tests.support.chat_server import chat_server, fails, says

INDEX = KnowledgeIndex(
    parse_document("hours.md", "# Opening hours\n\nWe open at eight. We close at five.")
)
PATIENT = ChatLimits(60, 60, 60, 60, 60)
ASKED = Question("when do you close")


async def _model(stack: AsyncExitStack, *, works: bool) -> Answerer:
    server = await stack.enter_async_context(chat_server())
    server.will(says("We close at five. See you!", usage=(30, 8)) if works else fails(503))
    return OpenAIChatAnswerer(
        ChatClient(server.url),
        "model",
        INDEX,
        Persona("Café"),
        now=datetime.now,
        counts=ModelCounts(),
        limits=PATIENT,
    )


@pytest.fixture(params=["extractive", "scripted", "openai_chat", "fallback", "fallen back"])
async def answerer(request: pytest.FixtureRequest) -> AsyncIterator[Answerer]:
    async with AsyncExitStack() as stack:
        extractive = ExtractiveAnswerer(INDEX)
        made: Answerer
        match request.param:
            case "extractive":
                made = extractive
            case "scripted":
                made = ScriptedAnswerer(["We close at five."])
            case "openai_chat":
                made = await _model(stack, works=True)
            case "fallback":
                made = FallbackAnswerer(await _model(stack, works=True), extractive, ModelCounts())
            case _:
                made = FallbackAnswerer(await _model(stack, works=False), extractive, ModelCounts())
        stack.push_async_callback(made.aclose)
        yield made


async def test_an_answer_has_a_sentence_that_can_be_said(answerer: Answerer) -> None:
    sentences = [p async for p in answerer.answer(ASKED) if isinstance(p, AnswerSentence)]
    assert sentences
    for sentence in sentences:
        assert sentence.text == sentence.text.strip() != ""
    assert "five" in sentences[0].text


async def test_what_it_names_as_its_source_is_in_the_documents(answerer: Answerer) -> None:
    sentences = [p async for p in answerer.answer(ASKED) if isinstance(p, AnswerSentence)]
    sources = [source for sentence in sentences for source in sentence.sources]
    assert {(source.document, source.line) for source in sources} <= {("hours.md", 3)}


async def test_the_price_comes_last_if_at_all(answerer: Answerer) -> None:
    parts = [part async for part in answerer.answer(ASKED)]
    assert not any(isinstance(part, TokenUsage) for part in parts[:-1])


async def test_it_may_be_left_in_the_middle_and_asked_again(answerer: Answerer) -> None:
    for _ in range(3):
        async for part in answerer.answer(ASKED):
            assert isinstance(part, AnswerSentence)
            break


async def test_tools_instructions_and_a_long_history_do_not_upset_it(answerer: Answerer) -> None:
    history = (
        *[Message("user", "hm"), Message("assistant", "yes?")] * 100,
        FunctionCall("c1", "status", "{}"),
        FunctionOutput("c1", "x" * 50_000),
        Message("system", "The person is called Ann."),
        Message("user", ASKED.text),
    )
    question = Question(
        ASKED.text,
        history,
        instructions="Be brief. {braces}",
        tools=[Tool("status", parameters={"type": "object"})],
        tool_choice="none",
        max_output_tokens=100,
    )
    assert [part async for part in answerer.answer(question)]


async def test_it_goes_on_from_a_function_s_output(answerer: Answerer) -> None:
    history = (
        Message("user", ASKED.text),
        FunctionCall("c1", "status", "{}"),
        FunctionOutput("c1", "five"),
    )
    parts = [part async for part in answerer.answer(Question("", history))]
    assert any(isinstance(part, AnswerSentence) for part in parts)


@pytest.mark.parametrize("text", ["", " ", "?!", "ü" * 100_000, "\x00\ufffd", "</think> {x}"])
async def test_whatever_is_asked_something_is_said(answerer: Answerer, text: str) -> None:
    parts = [part async for part in answerer.answer(Question(text))]
    assert any(isinstance(part, AnswerSentence) for part in parts)


async def test_it_has_a_name(answerer: Answerer) -> None:
    assert answerer.name
