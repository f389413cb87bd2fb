"""Somebody asks to be reminded, or says when they will be back."""

from dataclasses import replace

import pytest

from tests.live.test_replying import answers
from tests.support.talking import scripted_parts, talking

UNKNOWN = "I don't know that."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Remind me to take out the cake in ten minutes",
            "All right, I will remind you in ten minutes.",
        ),
        ("in ten minutes remind me about the cake", "All right, I will remind you in ten minutes."),
        (
            "remind me to call anna at half past four",
            "All right, I will remind you at half past four.",
        ),
        ("cancel that reminder", "All right, no reminder."),
    ],
)
async def test_a_reminder_is_acknowledged(text: str, said: str) -> None:
    async with talking(replace(scripted_parts(), reminds=lambda: True)) as talk:
        assert await answers(talk, text) == said


async def test_where_nobody_reminds_nothing_is_promised() -> None:
    async with talking(scripted_parts()) as talk:
        said = await answers(talk, "Remind me to take out the cake in ten minutes")
        assert "remind" not in said
        assert said.startswith(UNKNOWN)


async def test_a_rule_that_is_paused_is_noticed_at_once() -> None:
    reminding = [True]
    async with talking(replace(scripted_parts(), reminds=lambda: reminding[0])) as talk:
        assert "I will remind you" in await answers(talk, "remind me to call anna in an hour")
        reminding[0] = False
        assert "remind you" not in await answers(talk, "remind me to call anna in an hour")


async def test_the_time_may_come_after_a_pause() -> None:
    async with talking(replace(scripted_parts(), reminds=lambda: True)) as talk:
        await talk.says("remind me to take out the cake")
        await talk.silence(0.3)
        said = await answers(talk, "in ten minutes")
        assert said == "All right, I will remind you in ten minutes."
        assert talk.heard == ["remind me to take out the cake in ten minutes"]


async def test_a_reminder_without_a_time_is_not_promised() -> None:
    async with talking(replace(scripted_parts(), reminds=lambda: True)) as talk:
        assert "I need a time for that." in await answers(talk, "remind me to call anna")


async def test_who_goes_on_speaking_is_acknowledged_once_and_whole() -> None:
    async with talking(replace(scripted_parts(), reminds=lambda: True)) as talk:
        said = await answers(talk, "remind me to call anna in an hour and then in two hours")
        assert said == "All right, I will remind you in an hour."
        assert len(talk.answers) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I'll be back in ten minutes", "See you then."),
        ("be right back", "See you soon."),
    ],
)
async def test_who_leaves_for_now_is_not_looked_up(text: str, said: str) -> None:
    async with talking() as talk:
        assert await answers(talk, text) == said


async def test_a_question_about_coming_back_is_a_question() -> None:
    async with talking() as talk:
        assert "See you" not in await answers(talk, "when should I be back for last orders")


async def test_an_order_that_is_open_stays_open() -> None:
    async with talking(replace(scripted_parts(), reminds=lambda: True)) as talk:
        await answers(talk, "I'd like to order a coffee")
        assert "remind you" in await answers(talk, "remind me to call anna in an hour")
        assert talk.session.prompts.standing.form == "orderDrink"
        assert await answers(talk, "I'll be back in ten minutes") == "See you then."
        assert talk.session.prompts.standing.form == "orderDrink"
