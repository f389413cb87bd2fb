"""When nobody speaks for the session's idle time-out, the agent takes the word."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from conversation import TurnPolicy
from knowledge.counts import ModelCounts
from knowledge.fallback import FallbackAnswerer
from knowledge.passages import AnswererError, AnswerPart, Message, Question
from live import events as told
from live.asking import NUDGE
from live.config import SessionConfig
from tests.support.planned import PlannedAnswerer, model_parts
from tests.support.talking import talking

QUESTION = "when do you close on sunday"
IDLE = SessionConfig(policy=TurnPolicy(idle_timeout_ms=5000))


async def test_after_an_answer_the_agent_asks_whether_there_is_more_twice_at_most() -> None:
    async with talking(config=IDLE) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        await talk.silence(40.0)
        assert len(talk.answers) == 3
        assert "anything else" in talk.answers[1]
        assert talk.answers[1] == talk.answers[2]


async def test_the_silence_becomes_an_item_before_the_response_to_it() -> None:
    async with talking(config=IDLE) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        await talk.silence(5.5)
        (silent,) = talk.all(told.IdleTimedOut)
        assert [item.id for item in talk.session.history][2] == silent.item.id
        assert silent.previous_item_id == talk.session.history.items[1].id
        begun = talk.all(told.ResponseBegun)[1]
        assert talk.events.index(silent) < talk.events.index(begun)


async def test_an_open_form_asks_again_for_what_it_lacks() -> None:
    async with talking(config=IDLE) as talk:
        await talk.says("i'd like a large latte with soy milk")
        await talk.until_quiet()
        await talk.silence(5.2)
        await talk.until_quiet()
        assert talk.answers[1] == talk.answers[0]
        await talk.says("yes")
        await talk.until_quiet()
        assert talk.session.mind.form is None


async def test_a_language_model_is_asked_for_the_words() -> None:
    answerer = PlannedAnswerer(["We close at five."], ["Do you want to come?"])
    async with talking(model_parts(answerer), IDLE) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        await talk.silence(5.2)
        await talk.until_quiet()
        assert talk.answers[1] == "Do you want to come?"
        question = answerer.questions[1]
        assert question.text == ""
        assert question.history[-2:] == (
            Message("assistant", "We close at five."),
            Message("system", NUDGE),
        )


class _SilentAnswerer(PlannedAnswerer):
    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        if question.text:
            async for part in super().answer(question):
                yield part
        else:
            raise AnswererError("out of order")


@pytest.mark.parametrize("with_a_fallback", [False, True])
async def test_a_language_model_that_fails_does_not_make_the_agent_complain_into_the_silence(
    with_a_fallback: bool,
) -> None:
    parts = model_parts(_SilentAnswerer(["Five."]))
    if with_a_fallback:
        second = PlannedAnswerer(["We close at five on Sundays."])
        parts = replace(parts, answerer=FallbackAnswerer(parts.answerer, second, ModelCounts()))
    async with talking(parts, IDLE) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        await talk.silence(5.2)
        await talk.until_quiet()
        assert "anything else" in talk.answers[1]
