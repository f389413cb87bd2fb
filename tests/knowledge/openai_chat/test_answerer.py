"""A language model answers, and fails, over real HTTP on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from knowledge.counts import ModelCounts
from knowledge.documents import read_documents
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat import (
    ChatClient,
    ChatError,
    ChatLimits,
    Failure,
    OpenAIChatAnswerer,
    Persona,
)
from knowledge.openai_chat.answerer import LOST_THREAD
from knowledge.passages import (
    AnswerCut,
    AnswerPart,
    AnswerSentence,
    FunctionCall,
    FunctionOutput,
    Message,
    Question,
    TokenUsage,
    Tool,
)
from tests.support.chat_server import (
    DONE,
    ChatServer,
    Cut,
    Reply,
    Stall,
    calls,
    chat_server,
    delta,
    ending,
    event,
    fails,
    says,
    words,
)

INDEX = KnowledgeIndex(read_documents(Path(__file__).parents[3] / "agents/cafe/knowledge"))
PATIENCE = 60.0
PATIENT = ChatLimits(PATIENCE, PATIENCE, PATIENCE, PATIENCE, PATIENCE)
"""So that a slow machine fails no test; one that is about a time-out makes just that one short."""
SOON = 0.2
STATUS = Tool("status", "How far an order is.")
CLOSING = Question("when do you close on Sunday")

Make = Callable[[ChatLimits], OpenAIChatAnswerer]


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as chat:
        yield chat


@pytest.fixture
async def make(server: ChatServer) -> AsyncIterator[Make]:
    """Makes an answerer for the server."""
    made: list[OpenAIChatAnswerer] = []

    def new(limits: ChatLimits) -> OpenAIChatAnswerer:
        answerer = OpenAIChatAnswerer(
            ChatClient(server.url, "sk-secret"),
            "small-model",
            INDEX,
            Persona("Lighthouse Coffee", unknown="No idea."),
            now=lambda: datetime(2026, 11, 21, 13, 5),
            counts=ModelCounts(),
            limits=limits,
        )
        made.append(answerer)
        return answerer

    yield new
    for answerer in made:
        await answerer.aclose()


async def parts(answerer: OpenAIChatAnswerer, question: Question = CLOSING) -> list[AnswerPart]:
    async with asyncio.timeout(PATIENCE):
        return [part async for part in answerer.answer(question)]


async def said(answerer: OpenAIChatAnswerer, question: Question = CLOSING) -> list[str]:
    found = await parts(answerer, question)
    return [part.text for part in found if isinstance(part, AnswerSentence)]


async def failure(answerer: OpenAIChatAnswerer, question: Question = CLOSING) -> ChatError:
    with pytest.raises(ChatError) as failed:
        await parts(answerer, question)
    return failed.value


# What goes right


async def test_an_answer_comes_sentence_by_sentence_with_its_source_and_its_price(
    server: ChatServer, make: Make
) -> None:
    server.will(says("On Sunday we close at 5 pm. See you then!", usage=(120, 11)))
    first, second, usage = await parts(make(PATIENT))
    assert isinstance(first, AnswerSentence)
    assert first.text == "On Sunday we close at 5 pm."
    assert [source.document for source in first.sources] == ["opening-hours.md"]
    assert second == AnswerSentence("See you then!")
    assert usage == TokenUsage(120, 11)


async def test_without_a_word_on_the_price_none_is_told(server: ChatServer, make: Make) -> None:
    server.will(says("At five."))
    assert await parts(make(PATIENT)) == [AnswerSentence("At five.")]


async def test_a_sentence_is_there_before_the_next_one_is_written(
    server: ChatServer, make: Make
) -> None:
    stall = Stall()
    server.will(Reply([*words("At five. But"), stall, *words(" not today."), *ending()]))
    answer = aiter(make(PATIENT).answer(CLOSING))
    async with asyncio.timeout(PATIENCE):
        assert await anext(answer) == AnswerSentence("At five.")
        stall.go.set()
        assert await anext(answer) == AnswerSentence("But not today.")


async def test_the_last_sentence_does_not_wait_for_the_price(
    server: ChatServer, make: Make
) -> None:
    stall = Stall()
    server.will(Reply([*words("At five."), delta("stop"), stall, DONE]))
    answer = aiter(make(replace(PATIENT, usage_s=SOON)).answer(CLOSING))
    async with asyncio.timeout(PATIENCE):
        assert await anext(answer) == AnswerSentence("At five.")
        # A server that never tells the price has answered all the same.
        assert [part async for part in answer] == []


async def test_the_model_is_given_the_passages_that_fit_and_the_key(
    server: ChatServer, make: Make
) -> None:
    server.will(says("At five."))
    await parts(make(PATIENT), replace(CLOSING, instructions="Be brief."))
    assert server.keys == ["Bearer sk-secret"]
    request = server.requests[0]
    assert (request["model"], request["stream"]) == ("small-model", True)
    assert request["stream_options"] == {"include_usage": True}
    assert "On Sunday we open at 9 am and close at 5 pm." in server.told
    assert "Be brief." in server.told
    assert server.asked == CLOSING.text


async def test_a_question_that_only_points_back_finds_what_it_points_at(
    server: ChatServer, make: Make
) -> None:
    server.will(says("£4."))
    history = (Message("user", "do you have a mocha"), Message("assistant", "We do."))
    await parts(make(PATIENT), Question("how much is it", history))
    assert "Mocha: small" in server.told


async def test_what_the_agent_says_when_it_does_not_know_counts_as_not_known(
    server: ChatServer, make: Make
) -> None:
    server.will(says("No idea."))
    assert await parts(make(PATIENT)) == [AnswerSentence("No idea.", known=False)]


async def test_a_call_is_handed_on_whole_after_the_words(server: ChatServer, make: Make) -> None:
    call = calls("status", '{"number": 5}')
    server.will(replace(call, steps=[*words("One moment."), *call.steps]))
    assert await parts(make(PATIENT), replace(CLOSING, tools=[STATUS])) == [
        AnswerSentence("One moment."),
        FunctionCall("call_1", "status", '{"number": 5}'),
    ]


async def test_a_call_that_was_not_allowed_is_never_made(server: ChatServer, make: Make) -> None:
    server.will(calls("status", "{}"))
    question = replace(CLOSING, tools=[STATUS], tool_choice="none")
    assert (await failure(make(PATIENT), question)).failure is Failure.GARBAGE


async def test_the_answer_goes_on_from_the_output_of_a_call(server: ChatServer, make: Make) -> None:
    server.will(says("It is ready."))
    history = (
        Message("user", "where is my mocha"),
        FunctionCall("call_1", "status", "{}"),
        FunctionOutput("call_1", "ready"),
    )
    await parts(make(PATIENT), Question("", history, tools=[STATUS]))
    roles = [message["role"] for message in server.requests[0]["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    assert "Mocha" in server.told


async def test_a_bound_on_tokens_is_passed_on_and_an_answer_that_reached_it_says_so(
    server: ChatServer, make: Make
) -> None:
    server.will(Reply([*words("At five. But not"), *ending("length", usage=(9, 5))]))
    assert await parts(make(PATIENT), replace(CLOSING, max_output_tokens=5)) == [
        AnswerSentence("At five."),
        AnswerSentence("But not"),
        AnswerCut("max_output_tokens"),
        TokenUsage(9, 5),
    ]
    assert server.requests[0]["max_tokens"] == 5


async def test_a_server_that_ignores_the_bound_is_stopped(server: ChatServer, make: Make) -> None:
    server.will(Reply([*words(*["And on and on. "] * 1000), *ending()]))
    *sentences, cut = await parts(make(PATIENT), replace(CLOSING, max_output_tokens=5))
    assert cut == AnswerCut("max_output_tokens")
    assert 0 < len(sentences) < 10


async def test_a_model_that_wants_the_bound_by_its_other_name_gets_it(
    server: ChatServer, make: Make
) -> None:
    refused = fails(400, "use max_completion_tokens", param="max_tokens")
    server.will(refused, says("At five."))
    answerer = make(PATIENT)
    for _ in range(2):
        assert await said(answerer) == ["At five."]
    assert ["max_tokens" in request for request in server.requests] == [True, False, False]
    assert server.requests[2]["max_completion_tokens"] == 400


async def test_a_model_that_takes_no_functions_answers_without_them(
    server: ChatServer, make: Make
) -> None:
    server.will(fails(400, "small-model does not support tools"), says("At five."))
    answerer = make(PATIENT)
    for _ in range(2):
        assert await said(answerer, replace(CLOSING, tools=[STATUS])) == ["At five."]
    assert ["tools" in request for request in server.requests] == [True, False, False]
    assert "tool_choice" not in server.requests[1]


async def test_one_that_refuses_a_question_anyway_is_offered_functions_again(
    server: ChatServer, make: Make
) -> None:
    server.will(fails(400, "too long"))
    answerer = make(PATIENT)
    assert (await failure(answerer, replace(CLOSING, tools=[STATUS]))).failure is Failure.REFUSED
    server.will(says("At five."))
    assert await said(answerer, replace(CLOSING, tools=[STATUS])) == ["At five."]
    assert "tools" in server.requests[-1]


async def test_a_function_that_must_be_called_is_not_given_up(
    server: ChatServer, make: Make
) -> None:
    server.will(fails(400, "no tools"))
    error = await failure(make(PATIENT), replace(CLOSING, tools=[STATUS], tool_choice="status"))
    assert error.failure is Failure.REFUSED
    assert len(server.requests) == 1


async def test_a_connection_is_used_again(server: ChatServer, make: Make) -> None:
    server.will(says("At five.", usage=(1, 1)))
    answerer = make(PATIENT)
    for _ in range(3):
        await parts(answerer)
    assert len(server.connections) == 1


async def test_a_listener_who_leaves_ends_the_request(server: ChatServer, make: Make) -> None:
    stall = Stall()
    server.will(Reply([*words("At five. But"), stall]))
    answerer = make(PATIENT)
    listening = asyncio.create_task(parts(answerer))
    async with asyncio.timeout(PATIENCE):
        await stall.reached.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await server.gone.wait()
    assert listening.cancelled()


# What goes wrong


@pytest.mark.parametrize(
    "trouble", [fails(500), fails(503), fails(429), Reply([Cut()]), Reply([*words(" "), Cut()])]
)
async def test_what_may_pass_is_tried_once_more(
    server: ChatServer, make: Make, trouble: Reply
) -> None:
    server.will(trouble, says("At five."))
    assert await said(make(PATIENT)) == ["At five."]


@pytest.mark.parametrize(
    ("trouble", "kind", "asked"),
    [
        (fails(500), Failure.SERVER_ERROR, 2),
        (fails(429), Failure.BUSY, 2),
        (fails(429, headers={"retry-after": "0"}), Failure.BUSY, 2),
        (fails(429, headers={"retry-after": "30"}), Failure.BUSY, 1),
        (fails(429, headers={"retry-after": "Wed, 21 Oct 2026"}), Failure.BUSY, 1),
        (fails(401), Failure.REFUSED, 1),
        (fails(404), Failure.REFUSED, 1),
        (fails(400), Failure.REFUSED, 2),
        (Reply([], 302, {"location": "/elsewhere"}), Failure.REFUSED, 1),
        (Reply([b"x" * 100_000], 500), Failure.SERVER_ERROR, 2),
        (Reply([Cut()]), Failure.CUT, 2),
        (Reply([*words("At fi"), Cut()]), Failure.CUT, 1),
        (Reply([*words("At fi")]), Failure.CUT, 1),
        (Reply(ending()), Failure.NOTHING_SAID, 1),
        (Reply([DONE]), Failure.NOTHING_SAID, 1),
        (Reply([b"<html>Welcome</html>"]), Failure.CUT, 2),
        (Reply([b"data: {\n" * 20]), Failure.GARBAGE, 1),
        (Reply([event({"error": {"message": "overloaded"}})]), Failure.SERVER_ERROR, 2),
        (calls("shutdown", "{}"), Failure.GARBAGE, 1),
        (calls("status", "[7]"), Failure.GARBAGE, 1),
    ],
)
async def test_a_failure_before_the_first_sentence_is_raised(
    server: ChatServer, make: Make, trouble: Reply, kind: Failure, asked: int
) -> None:
    server.will(trouble)
    error = await failure(make(PATIENT), replace(CLOSING, tools=[STATUS]))
    assert error.failure is kind
    assert len(server.requests) == asked
    assert "sk-secret" not in str(error)


async def test_a_server_that_is_not_there_is_named_as_such(make: Make, server: ChatServer) -> None:
    client = ChatClient("http://127.0.0.1:1/v1")
    answerer = OpenAIChatAnswerer(
        client, "m", INDEX, Persona("x"), now=datetime.now, counts=ModelCounts(), limits=PATIENT
    )
    assert (await failure(answerer)).failure is Failure.UNREACHABLE
    await answerer.aclose()


@pytest.mark.parametrize("steps", [[], words(" "), [b": ping\n\n"]])
async def test_a_server_that_stalls_before_the_first_word_is_not_asked_again(
    server: ChatServer, make: Make, steps: list[bytes]
) -> None:
    server.will(Reply([*steps, Stall()]))
    error = await failure(make(replace(PATIENT, first_words_s=SOON)))
    assert error.failure is Failure.STALLED
    assert len(server.requests) <= 1  # none, where even the question took too long


async def test_a_model_that_only_thinks_is_given_up(server: ChatServer, make: Make) -> None:
    server.will(Reply([*words("<think>Hmm, "), Stall()]))
    error = await failure(make(replace(PATIENT, first_sentence_s=SOON)))
    assert error.failure is Failure.STALLED


@pytest.mark.parametrize(
    "trouble",
    [
        [Cut()],
        [event({"error": "overloaded"})],
        [b"data: {\n" * 20],
        [Stall()],
    ],
)
async def test_after_words_have_gone_out_a_failure_is_owned_up_to(
    server: ChatServer, make: Make, trouble: list[bytes | Stall | Cut]
) -> None:
    server.will(Reply([*words("At five. But on Mon"), *trouble]))
    stalls = isinstance(trouble[0], Stall)
    answerer = make(replace(PATIENT, between_words_s=SOON) if stalls else PATIENT)
    assert await parts(answerer) == [
        AnswerSentence("At five."),
        AnswerSentence(LOST_THREAD, known=False),
    ]
    assert len(server.requests) == 1


async def test_an_answer_that_never_ends_is_ended(server: ChatServer, make: Make) -> None:
    server.will(Reply([*words("At five. But on Mon"), Stall()]))
    assert await said(make(replace(PATIENT, whole_s=SOON))) == ["At five.", LOST_THREAD]


async def test_a_call_that_was_cut_is_never_made(server: ChatServer, make: Make) -> None:
    whole = calls("status", '{"number": 5}')
    server.will(Reply([*words("One moment. I"), *whole.steps[:2], Cut()]))
    found = await parts(make(PATIENT), replace(CLOSING, tools=[STATUS]))
    assert not any(isinstance(part, FunctionCall) for part in found)


async def test_after_several_failures_the_server_is_left_alone(
    server: ChatServer, make: Make
) -> None:
    server.will(fails(400))
    answerer = make(PATIENT)
    for _ in range(3):
        assert (await failure(answerer)).failure is Failure.REFUSED
    assert (await failure(answerer)).failure is Failure.RESTING
    assert len(server.requests) == 3


async def test_a_listener_who_leaves_is_no_failure(server: ChatServer, make: Make) -> None:
    answerer = make(PATIENT)
    for _ in range(5):
        stall = Stall()
        server.will(Reply([stall]))
        listening = asyncio.create_task(parts(answerer))
        async with asyncio.timeout(PATIENCE):
            await stall.reached.wait()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    server.will(says("At five."))
    assert await said(answerer) == ["At five."]
