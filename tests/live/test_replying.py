"""Somebody is told something, and answers."""

import pytest

from conversation.prompts import PromptOutcome
from live import events as told
from live.config import ResponseRequest
from live.history import Item
from tests.live.test_prompts import ID, LONG, READY, Granting, begun, parts_with, to_say
from tests.support.talking import Talk, talking

ASKS = "Would you like another coffee?"


async def told_something(talk: Talk, *sentences: str, **more: object) -> None:
    """Until it was heard to its end."""
    await talk.silence(1.0)
    talk.session.prompts.offer(to_say(*sentences, **more))
    await talk.until_quiet()


async def answers(talk: Talk, text: str) -> str:
    """Says it; what the agent says to that."""
    before = len(talk.answers)
    await talk.says(text)
    await talk.until_quiet()
    return " ".join(talk.answers[before:])


@pytest.mark.parametrize(
    ("text", "said", "kind"),
    [
        ("not now", "All right, in a quarter of an hour.", "not_now"),
        ("in ten minutes", "All right, in ten minutes.", "not_now"),
        ("at half past four", "All right, at half past four.", "not_now"),
        ("stop telling me this", "All right, I won't tell you about orders any more.", "stop"),
        ("say that again", READY, "repeat"),
        ("why did you tell me that", "You ordered it.", "why"),
    ],
)
async def test_the_agent_does_what_it_is_told_and_says_so(text: str, said: str, kind: str) -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk, reason="You ordered it.")
        assert await answers(talk, text) == said
        assert [reply.kind for reply in desk.replies] == [kind]


async def test_yes_is_an_answer_only_to_what_asks() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk)
        await answers(talk, "yes")
        assert desk.replies == []
    async with talking(parts_with(desk)) as talk:
        await told_something(talk, ASKS)
        assert await answers(talk, "yes please") == "All right."
        assert [reply.kind for reply in desk.replies] == ["yes"]


async def test_a_question_after_a_prompt_is_answered_as_ever() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk)
        assert "5 pm" in await answers(talk, "when do you close on sunday")
        await answers(talk, "not now")  # to something else by now
        assert desk.replies == []


async def test_after_half_a_minute_it_is_no_answer_any_more() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk)
        await talk.silence(31.0)
        await answers(talk, "in ten minutes")
        assert desk.replies == []


async def test_who_asked_why_may_still_say_stop() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk, reason="You ordered it.")
        await answers(talk, "why")
        await answers(talk, "stop telling me this")
        assert [reply.kind for reply in desk.replies] == ["why", "stop"]


async def test_who_interrupts_with_an_answer_does_not_hear_the_rest() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say("One is first.", LONG, on_barge_in="resume"))
        await begun(talk)
        await talk.says("in ten minutes")
        for _ in range(3):
            await talk.until_quiet()
            await talk.silence(1.0)
        assert talk.answers[1:] == ["All right, in ten minutes."]
        assert [reply.kind for reply in desk.replies] == ["not_now"]
        assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.CANCELLED]


async def test_stop_said_over_a_prompt_ends_it_and_opts_nobody_out() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say("One is first.", LONG))
        await begun(talk)
        await talk.says("stop")
        for _ in range(3):
            await talk.until_quiet()
            await talk.silence(1.0)
        assert [reply.kind for reply in desk.replies] == ["enough"]
        assert len([e for e in talk.all(told.ResponseBegun) if e.metadata]) == 1


async def test_a_typed_answer_counts_too() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk)
        talk.session.add_item(Item("typed", "user", "in ten minutes"), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert talk.answers[-1] == "All right, in ten minutes."
        assert [reply.when_s for reply in desk.replies] == [600.0]


async def test_nothing_happens_before_the_turn_has_ended() -> None:
    """ "Not now" may go on with "put milk in it"."""
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await told_something(talk)
        speech = talk.script("in ten minutes")
        end = len(speech) - 1600  # a tenth of a second of the silence after it is not heard
        await talk.hears(speech[:end])
        assert desk.replies == []
        await talk.until_quiet()
        assert [reply.kind for reply in desk.replies] == ["not_now"]


async def test_the_button_on_the_card_stops_them_while_it_is_said() -> None:
    desk = Granting()
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await begun(talk)
        talk.session.prompts.refuse(ID)
        await talk.until_quiet()
        assert [reply.kind for reply in desk.replies] == ["stop"]
        assert [gone.outreach_id for gone in talk.all(told.CardGone)] == [ID]
        talk.session.prompts.refuse("out_" + "b" * 20)  # never shown here
        assert len(desk.replies) == 1
