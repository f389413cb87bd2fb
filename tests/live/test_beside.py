"""Responses out of the conversation: in text beside whatever is said, in audio on the floor."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from conversation import Floor
from knowledge.passages import AnswerPart, FunctionOutput, Message, Question, TokenUsage, Tool
from live import events as told
from live.beside import AT_ONCE
from live.config import ResponseRequest, SessionConfig
from live.history import Item
from live.session import SessionError
from tests.support.planned import NotedTools, PlannedAnswerer, calls, model_parts
from tests.support.talking import talking

QUESTION = "when do you close on sunday"
BESIDE = ResponseRequest(audio=False, in_conversation=False, metadata={"topic": "hours"})
ALOUD = ResponseRequest(audio=True, in_conversation=False)
ASKED = Item("typed", "user", QUESTION)


class HeldAnswerer(PlannedAnswerer):
    """Answers once it is let go."""

    def __init__(self) -> None:
        super().__init__(["Held."])
        self.go = asyncio.Event()

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        await self.go.wait()
        async for part in super().answer(question):
            yield part


async def test_in_text_it_is_answered_while_the_agent_speaks_and_not_remembered() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(0.5)
        assert talk.all(told.FloorChanged)[-1].floor is Floor.SPEAKING
        before = [item.id for item in talk.session.history]
        talk.session.respond(BESIDE)
        await talk.session.settled()
        assert talk.all(told.FloorChanged)[-1].floor is Floor.SPEAKING
        begun = talk.all(told.ResponseBegun)[-1]
        assert (begun.audio, begun.in_conversation) == (False, False)
        assert begun.metadata == {"topic": "hours"}
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.response_id == begun.response_id
        assert ended.item is not None
        assert "5 pm" in ended.item.text
        assert [item.id for item in talk.session.history] == before


async def test_no_form_is_opened_by_it() -> None:
    async with talking() as talk:
        order = Item("o", "user", "i'd like a large latte")
        talk.session.respond(
            ResponseRequest(audio=False, in_conversation=False, items=(order,)),
        )
        await talk.session.settled()
        assert talk.session.mind.form is None


async def test_it_may_be_asked_about_other_things_than_the_conversation() -> None:
    answerer = PlannedAnswerer(["A question about hours."])
    async with talking(model_parts(answerer)) as talk:
        talk.session.add_item(Item("other", "user", "hello"), None)
        items = (Item("a", "assistant", "We are open."), ASKED)
        talk.session.respond(
            ResponseRequest(
                audio=False, in_conversation=False, items=items, instructions="What is it about?"
            )
        )
        await talk.session.settled()
        (question,) = answerer.questions
        assert question.text == QUESTION
        assert question.history == (Message("assistant", "We are open."),)
        assert question.instructions == "What is it about?"


async def test_four_may_be_made_at_once_and_each_be_cancelled() -> None:
    answerer = HeldAnswerer()
    async with talking(model_parts(answerer)) as talk:
        talk.session.add_item(ASKED, None)
        for _ in range(AT_ONCE):
            talk.session.respond(BESIDE)
        with pytest.raises(SessionError) as refused:
            talk.session.respond(BESIDE)
        assert refused.value.code == "conversation_already_has_active_response"
        first = talk.all(told.ResponseBegun)[0].response_id
        talk.session.cancel(first)
        answerer.go.set()
        await talk.session.settled()
        ended = {event.response_id: event for event in talk.all(told.ResponseEnded)}
        assert len(ended) == AT_ONCE
        assert (ended[first].status, ended[first].reason) == ("cancelled", "client_cancelled")
        assert [e.status for e in ended.values()].count("completed") == AT_ONCE - 1


async def test_a_cancel_without_a_name_means_the_conversations_own() -> None:
    answerer = HeldAnswerer()
    async with talking(model_parts(answerer)) as talk:
        talk.session.respond(BESIDE)
        with pytest.raises(SessionError):
            talk.session.cancel()
        answerer.go.set()


async def test_a_session_that_closes_leaves_none_behind() -> None:
    before = asyncio.all_tasks()
    async with talking(model_parts(HeldAnswerer())) as talk:
        talk.session.respond(BESIDE)
        assert len(asyncio.all_tasks()) > len(before)
    assert asyncio.all_tasks() == before


async def test_it_may_call_functions_of_either_side() -> None:
    tools = NotedTools()
    config = SessionConfig(tools=(Tool("weather"),))
    answerer = PlannedAnswerer(
        [calls("order_status"), TokenUsage(2, 1)],
        ["Ready.", calls("weather"), TokenUsage(3, 1)],
    )
    async with talking(model_parts(answerer, tools), config) as talk:
        talk.session.add_item(ASKED, None)
        talk.session.respond(BESIDE)
        await talk.session.settled()
        assert len(tools.called) == 1
        assert isinstance(answerer.questions[1].history[-1], FunctionOutput)
        assert talk.all(told.FunctionCalled)[0].previous_item_id is None
        assert talk.all(told.ResponseEnded)[0].usage == TokenUsage(5, 2)
        assert [item.worked for item in talk.session.history] == [()]


async def test_aloud_it_takes_the_floor_and_is_not_remembered() -> None:
    async with talking() as talk:
        talk.session.add_item(ASKED, None)
        talk.session.respond(ALOUD)
        await talk.until_quiet()
        assert Floor.SPEAKING in [event.floor for event in talk.all(told.FloorChanged)]
        assert talk.played_s > 1
        assert "5 pm" in talk.answers[0]
        assert [item.id for item in talk.session.history] == ["typed"]


async def test_aloud_it_may_be_interrupted_and_nothing_is_told_of_its_item() -> None:
    async with talking() as talk:
        talk.session.add_item(ASKED, None)
        talk.session.respond(ALOUD)
        await talk.silence(1.0)
        await talk.says("actually what about monday")
        await talk.until_quiet()
        first, second = talk.all(told.ResponseEnded)
        assert (first.status, first.reason) == ("cancelled", "turn_detected")
        assert second.status == "completed"
        assert not talk.all(told.ItemTruncated)


async def test_aloud_it_waits_its_turn_like_any_other() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(0.5)
        with pytest.raises(SessionError):
            talk.session.respond(ALOUD)
