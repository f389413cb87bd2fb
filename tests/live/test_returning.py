"""Who was cut off hears the rest: after a lost connection, and after a server that died."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from conversation import Floor, TurnPolicy
from knowledge.passages import AnswerPart, AnswerSentence, FunctionCall, Question
from live import events as told
from live.config import ResponseRequest, SessionConfig
from live.history import Item, function_call_item
from live.parts import Parts
from live.session import SessionError
from sessions.context import Played, SessionContext
from sessions.resuming import GO_ON_WITHIN_S, Return
from tests.support.talking import KeptInMind, Talk, scripted_parts, talking

QUESTION = "when do you close on sunday"
SENTENCES = (
    "On Sundays we close at five.",
    "On other days we stay until eight.",
    "Do come by for a coffee.",
)
WORD_MS = 250
WHOLE = " ".join(SENTENCES)


class Guide:
    """An answerer who has three sentences for everything."""

    name = "guide"

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        for text in SENTENCES:
            yield AnswerSentence(text)

    async def aclose(self) -> None:
        """Nothing to free."""


class Silent(Guide):
    """One who is asked, and never comes to an answer."""

    async def answer(self, question: Question) -> AsyncIterator[AnswerPart]:
        from asyncio import Event

        await Event().wait()
        yield AnswerSentence("")


def guided(memory: KeptInMind) -> Parts:
    return replace(scripted_parts(memory), answerer=Guide())


async def until_said(talk: Talk, words: int) -> None:
    """Listens until so many words of the answer were sent, give or take the lead."""
    for _ in range(2000):
        if talk.played_s >= words * WORD_MS / 1000:
            return
        await talk.silence(0.04)
    raise AssertionError("the agent never said so much")


def as_crashed(memory: KeptInMind) -> KeptInMind:
    """What a server that was killed outright has left."""
    left = KeptInMind()
    for context in memory.contexts.values():
        left.save(SessionContext.from_json(context.to_json()))
    return left


async def interrupted_after(words: int, memory: KeptInMind) -> tuple[KeptInMind, str]:
    """A conversation whose connection is lost then: what a crash left at that moment, and the
    item being said. `memory` has what a connection that ends in order leaves."""
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await until_said(talk, words)
        left = as_crashed(memory)
        item_id = talk.all(told.AgentItemBegun)[0].item.id
    return left, item_id


async def rest_after(memory: KeptInMind, back: Return | None = None) -> Talk:
    """The conversation once its client has come back and heard it out; it is closed."""
    async with talking(guided(memory), session_id="one", back=back) as talk:
        await talk.waits(0.3)
        if talk.all(told.ResponseBegun):
            await talk.until_quiet()
    return talk


async def test_after_a_lost_connection_the_answer_goes_on_with_the_sentence_it_was_in() -> None:
    memory = KeptInMind()
    await interrupted_after(9, memory)
    talk = await rest_after(memory)
    assert talk.answers == [" ".join(SENTENCES[1:])]
    texts = [item.text for item in talk.session.history]
    assert texts[0] == QUESTION
    assert SENTENCES[0] in texts[1]
    assert WHOLE.startswith(texts[1])
    assert texts[1] != WHOLE
    assert texts[2] == talk.answers[0]


@pytest.mark.parametrize("words", [2, 9, 15])
async def test_after_a_crash_nothing_is_missing_and_no_more_than_a_sentence_comes_twice(
    words: int,
) -> None:
    left, _ = await interrupted_after(words, KeptInMind())
    talk = await rest_after(left)
    whole_before = WHOLE.removesuffix(talk.answers[0]).split()
    assert WHOLE.endswith(talk.answers[0])
    assert len(whole_before) <= words
    assert words - len(whole_before) <= 7 + 1  # the longest sentence, and the lead
    assert talk.session.resumed


async def test_what_the_client_says_it_heard_counts_after_a_crash() -> None:
    left, item_id = await interrupted_after(15, KeptInMind())
    first_words = Played(item_id=item_id, ms=2 * WORD_MS + 10)
    talk = await rest_after(left, Return("u42", played=first_words))
    assert talk.answers == [WHOLE]
    heard = [item.text for item in talk.session.history][1]
    assert heard == "On Sundays"


async def test_what_the_server_sent_into_a_dead_connection_is_said_again() -> None:
    memory = KeptInMind()
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        item_id = talk.all(told.AgentItemBegun)[0].item.id
        assert talk.answers == [WHOLE]
    heard = Played(item_id=item_id, ms=7 * WORD_MS)
    again = await rest_after(memory, Return("u42", played=heard))
    assert again.answers == [" ".join(SENTENCES[1:])]
    assert [item.text for item in again.session.history][1] == "On Sundays we close at five. On"


async def test_an_answer_that_was_heard_to_its_end_is_not_said_again() -> None:
    memory = KeptInMind()
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        item_id = talk.all(told.AgentItemBegun)[0].item.id
    for played in (None, Played(item_id=item_id, ms=10**6), Played(item_id="other", ms=0)):
        again = await rest_after(memory, Return("u42", played=played))
        assert again.answers == []
        assert [item.text for item in again.session.history] == [QUESTION, WHOLE]


async def test_a_connection_that_is_lost_twice_goes_on_where_the_second_one_broke() -> None:
    memory = KeptInMind()
    await interrupted_after(2, memory)
    async with talking(guided(memory), session_id="one") as talk:
        await until_said(talk, 8)
    talk = await rest_after(memory)
    assert talk.answers == [" ".join(SENTENCES[1:])]


async def test_a_client_that_is_lost_again_before_a_word_loses_nothing() -> None:
    memory = KeptInMind()
    await interrupted_after(9, memory)
    async with talking(guided(memory), session_id="one"):
        pass
    talk = await rest_after(memory)
    assert talk.answers == [" ".join(SENTENCES[1:])]


async def test_the_rest_is_a_response_of_its_own_that_names_what_it_continues() -> None:
    memory = KeptInMind()
    _, item_id = await interrupted_after(9, memory)
    talk = await rest_after(memory)
    assert talk.all(told.ResponseBegun)[0].metadata == {"continues": item_id}


async def test_a_question_that_was_not_answered_yet_is_answered() -> None:
    memory = KeptInMind()
    async with talking(
        replace(scripted_parts(memory), answerer=Silent()), session_id="one"
    ) as talk:
        # Work that never ends cannot be waited for, so time passes without that.
        talk.session.hear(talk.script(QUESTION))
        await talk.until(lambda: bool(talk.all(told.ResponseBegun)))
        left = as_crashed(memory)
    for kept in (left, memory):
        again = await rest_after(kept)
        assert again.answers == [WHOLE]
        assert [item.role for item in again.session.history] == ["user", "assistant"]


async def test_what_the_user_interrupted_is_not_taken_up_again() -> None:
    memory = KeptInMind()
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await until_said(talk, 4)
        await talk.says("stop")
        await talk.until_quiet()
        left = as_crashed(memory)
    for kept in (left, memory):
        assert (await rest_after(kept)).answers == []


async def test_what_the_client_cancelled_is_not_taken_up_again() -> None:
    memory = KeptInMind()
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await until_said(talk, 4)
        talk.session.cancel()
    assert (await rest_after(memory)).answers == []


async def test_after_a_minute_nobody_waits_for_the_rest() -> None:
    memory = KeptInMind()
    await interrupted_after(9, memory)
    context = memory.contexts["one"]
    assert context.answer is not None
    old = context.answer.model_copy(update={"at": context.answer.at - GO_ON_WITHIN_S - 1})
    memory.save(context.with_answer(old))
    talk = await rest_after(memory)
    assert talk.answers == []
    assert talk.session.resumed


async def test_a_client_that_begins_something_else_at_once_is_not_talked_over() -> None:
    memory = KeptInMind()
    await interrupted_after(9, memory)
    async with talking(guided(memory), session_id="one") as talk:
        talk.session.add_item(Item("typed", "user", "what is in a mocha"), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert talk.answers == [WHOLE]


async def test_settings_sent_on_return_count_for_the_rest() -> None:
    memory = KeptInMind()
    await interrupted_after(9, memory)
    async with talking(guided(memory), session_id="one") as talk:
        talk.session.update(SessionConfig(audio=False, policy=TurnPolicy(manual=True)))
        await talk.waits(0.3)
        assert talk.played_s == 0
        assert talk.answers == [" ".join(SENTENCES[1:])]


async def test_items_are_as_they_were() -> None:
    memory = KeptInMind()
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        call = function_call_item(FunctionCall("call_1", "order", '{"size": "large"}'))
        for item in (Item("typed", "user", "thanks"), call):
            talk.session.add_item(item, None)
        talk.session.add_item(Item("first", "system", "be brief"), "root")
        before = list(talk.session.history)
    async with talking(guided(memory), session_id="one") as talk:
        assert list(talk.session.history) == before
        spoken = next(item for item in before if item.text == WHOLE)
        talk.session.truncate(spoken.id, 2 * WORD_MS)
        assert talk.session.history.get(spoken.id).text == "On Sundays"


async def test_a_wrong_token_opens_nothing_and_changes_nothing() -> None:
    memory = KeptInMind()
    async with talking(guided(memory), session_id="one") as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        token = talk.session.resume_token
    kept = memory.contexts["one"]
    for back in (Return("u42", "forged"), Return(None), Return("bob", token), Return("bob")):
        with pytest.raises(SessionError, match="another's"):
            async with talking(guided(memory), session_id="one", back=back):
                pass
        assert memory.contexts["one"] == kept
    async with talking(guided(memory), session_id="one", back=Return(None, token)) as talk:
        assert talk.session.resume_token == token
        assert len(talk.session.history) == 2


async def test_a_session_that_nobody_knows_any_more_begins_anew() -> None:
    async with talking(guided(KeptInMind()), back=Return(None, "an old token")) as talk:
        assert not talk.session.resumed
        assert talk.session.resume_token != "an old token"
        await talk.waits(0.3)
        assert [event.floor for event in talk.all(told.FloorChanged)] in ([], [Floor.IDLE])
