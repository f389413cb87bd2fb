"""Speaking first through a whole live session, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from conversation.prompts import PromptOutcome
from intents.replies import Reply
from knowledge.passages import AnswerSentence, Message, Question
from live import events as told
from live.config import SessionConfig
from live.earcon import earcon
from live.parts import Parts
from live.prompts_port import Addressee, Client, KnownBy, ToSay
from outreach.prompt import Outreach
from tests.support.recordings import speak
from tests.support.talking import LOUD, KeptInMind, Talk, scripted_parts, talking
from voice.audio import HEARING_RATE

READY = "Your latte is ready at the counter."
LONG = "Two is next, and it goes on and on for quite a while after that."
WORD_MS = 250
ID = "out_" + "a" * 20


def outreach(text: str = READY, **changes: object) -> Outreach:
    fields = {"id": ID, "user": "u42", "text": text, "purpose": "orders", "born": 0, "due": 0}
    return Outreach.model_validate(fields | {"expires": 900} | changes)


def to_say(*sentences: str, **changes: object) -> ToSay:
    sentences = sentences or (READY,)
    return ToSay(outreach(" ".join(sentences), **changes), sentences, expires_in=900)


class Granting:
    """Grants what it is asked for, and notes what it is told."""

    def __init__(self) -> None:
        self.refuses = False
        self.began: list[str] = []
        self.released: list[str] = []
        self.reports: list[tuple[PromptOutcome, KnownBy]] = []
        self.heard_ms = 0
        self.replies: list[Reply] = []
        self.uses = 0
        self.intents: list[str | None] = []
        self.has_left = False

    def open(self, session: Addressee) -> "Granting":
        return self

    async def begin(self, outreach_id: str) -> bool:
        self.began.append(outreach_id)
        return not self.refuses

    def release(self, outreach_id: str) -> None:
        self.released.append(outreach_id)

    def report(
        self,
        outreach_id: str,
        outcome: PromptOutcome,
        heard_ms: int,
        heard_share: float,
        by: KnownBy,
    ) -> None:
        self.reports.append((outcome, by))
        self.heard_ms = heard_ms

    def replied(self, outreach_id: str, reply: Reply) -> None:
        self.replies.append(reply)

    def used(self) -> None:
        self.uses += 1

    def turned(self, intent: str | None, slots: Mapping[str, str]) -> None:
        self.intents.append(intent)

    def left(self) -> None:
        self.has_left = True


def parts_with(desk: Granting, memory: KeptInMind | None = None) -> Parts:
    return replace(scripted_parts(memory), desk=desk)


@pytest.fixture
def desk() -> Granting:
    return Granting()


async def begun(talk: Talk) -> None:
    """Listens until the prompt sounds."""
    for _ in range(200):
        if talk.all(told.AudioSent):
            return
        await talk.silence(0.04)
    raise AssertionError("it never began")


async def test_a_prompt_is_claimed_said_and_heard(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say(reason="You ordered it.", rule="order_ready"))
        await talk.until_quiet()
        assert desk.began == [ID]
        assert talk.answers == [READY]
        assert talk.all(told.ResponseBegun)[0].metadata == {"outreach_id": ID}
        assert desk.reports == [(PromptOutcome.HEARD, "clock")]
        (card,) = talk.all(told.CardShown)
        assert (card.text, card.reason, card.spoken_here) == (READY, "You ordered it.", True)


async def test_to_somebody_idle_it_begins_in_the_moment_it_is_offered(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.session.settled()
        assert talk.all(told.AudioSent), "no time has passed on the session's clock"


async def test_what_was_heard_of_it_is_remembered_like_an_answer(desk: Granting) -> None:
    memory = KeptInMind()
    async with talking(parts_with(desk, memory)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.until_quiet()
    (item,) = memory.contexts["test"].items
    assert (item.role, item.text, item.sources) == ("assistant", READY, ())


async def test_it_waits_until_the_person_has_finished_and_was_answered(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        speech = talk.script("when do you close on sunday")
        await talk.hears(speech[: len(speech) // 2])
        talk.session.prompts.offer(to_say())
        await talk.hears(speech[len(speech) // 2 :])
        assert desk.began == []
        await talk.until_quiet()
        await talk.until_quiet()
        await talk.silence(1.0)
        await talk.until_quiet()
        assert "5 pm" in talk.answers[0]
        assert talk.answers[1:] == [READY]


async def test_who_began_to_speak_while_it_was_claimed_is_not_spoken_over() -> None:
    class Slow(Granting):
        """Takes so long that the person says something meanwhile."""

        speech = np.zeros(0, np.int16)

        async def begin(self, outreach_id: str) -> bool:
            talk.session.hear(self.speech)
            self.speech = self.speech[:0]
            return await super().begin(outreach_id)

    desk = Slow()
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        speech = talk.script("when do you close on sunday")
        desk.speech = speech[: len(speech) // 2]
        talk.session.prompts.offer(to_say())
        await talk.session.settled()
        assert (desk.began, desk.released) == ([ID], [ID])
        assert talk.played_s == 0
        await talk.hears(speech[len(speech) // 2 :])
        await talk.until_quiet()
        await talk.silence(1.0)
        await talk.until_quiet()
        assert talk.answers[-1] == READY, "it was said afterwards"


async def test_nothing_begins_on_a_sound_that_may_be_the_first_of_an_utterance(
    desk: Granting,
) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        speech = speak("a large latte")
        first = int(np.flatnonzero(np.abs(speech.astype(np.int32)) > LOUD)[0])
        await talk.hears(speech[first : first + 60 * HEARING_RATE // 1000])
        talk.session.prompts.offer(to_say())
        await talk.session.settled()
        assert desk.began == []
        await talk.silence(0.4)
        assert not talk.all(told.SpeechStarted), "too little to be speech"
        assert desk.began == [ID]
        assert talk.played_s > 0


async def test_what_may_not_be_said_is_not_said(desk: Granting) -> None:
    desk.refuses = True
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.silence(1.0)
        assert talk.played_s == 0
        assert desk.reports == [(PromptOutcome.REFUSED, "clock")]
        assert not talk.all(told.CardShown)


async def test_a_session_without_a_desk_says_nothing_of_its_own_accord() -> None:
    async with talking() as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.silence(1.0)
        assert talk.played_s == 0


async def test_a_clients_own_report_tells_how_much_was_heard(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await begun(talk)
        talk.session.report_playout(talk.all(told.AgentItemBegun)[0].item.id, 0)
        await talk.until_quiet()
        assert desk.reports == [(PromptOutcome.HEARD, "client")]


@pytest.mark.parametrize(
    ("on_barge_in", "said_again"),
    [("resume", (LONG,)), ("again", ("One is first.", LONG)), ("yield", ())],
)
async def test_an_interrupted_prompt_does_as_its_rule_says(
    desk: Granting, on_barge_in: str, said_again: tuple[str, ...]
) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say("One is first.", LONG, on_barge_in=on_barge_in))
        while len(talk.all(told.TextSent)) < 2:
            await talk.silence(0.04)
        await talk.says("when do you close on sunday")
        for _ in range(4):
            await talk.until_quiet()
            await talk.silence(0.8)
        assert "5 pm" in talk.answers[1]
        assert talk.answers[2:] == ([" ".join(said_again)] if said_again else [])
        outcome = PromptOutcome.HEARD if said_again else PromptOutcome.INTERRUPTED
        assert [reported for reported, _ in desk.reports] == [outcome]
        assert len(desk.began) == (2 if said_again else 1)
        assert len(talk.all(told.CardShown)) == 1


async def test_a_session_that_ends_in_the_middle_gives_the_prompt_back(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await begun(talk)
    assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.RETURNED]
    assert desk.has_left


async def test_a_withdrawn_prompt_is_not_begun(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        talk.session.prompts.offer(to_say())  # the floor has not been quiet for long enough
        talk.session.prompts.withdraw(ID)
        await talk.silence(2.0)
        assert desk.began == []
        assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.CANCELLED]


# In text


TEXT = SessionConfig(audio=False)


async def test_in_text_it_is_heard_when_the_client_has_shown_it(desk: Granting) -> None:
    async with talking(parts_with(desk), TEXT) as talk:
        talk.session.prompts.client = Client(acknowledges=True)
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.until_quiet()
        assert talk.answers == [READY]
        assert desk.reports == []
        talk.session.prompts.acknowledge(ID)
        assert desk.reports == [(PromptOutcome.HEARD, "acknowledged")]


async def test_what_a_text_client_never_shows_goes_back(desk: Granting) -> None:
    async with talking(parts_with(desk), TEXT) as talk:
        talk.session.prompts.client = Client(acknowledges=True)
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.waits(12.0)
        assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.RETURNED]


async def test_a_stock_text_client_has_heard_what_it_was_sent(desk: Granting) -> None:
    async with talking(parts_with(desk), TEXT) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await talk.until_quiet()
        assert desk.reports == [(PromptOutcome.HEARD, "sent")]


# What is told to whoever schedules prompts


async def test_the_desk_hears_of_use_and_of_intents_but_of_no_words(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.says("i'd like a large latte with soy milk")
        await talk.until_quiet()
        assert desk.uses >= 1
        assert desk.intents == ["orderDrink"]
        assert talk.session.prompts.standing.form == "orderDrink"


async def test_a_prompt_that_asks_for_a_sound_begins_with_one(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say("One is first.", LONG, earcon=True))
        await begun(talk)
        first = talk.all(told.AudioSent)[0].samples
        assert np.array_equal(first, earcon()[: len(first)])
        while len(talk.all(told.TextSent)) < 2:
            await talk.silence(0.04)
        await talk.says("when do you close on sunday")
        for _ in range(3):
            await talk.until_quiet()
            await talk.silence(0.8)
        cut = talk.all(told.ItemTruncated)[0]
        sound_ms = len(earcon()) // 24
        assert cut.audio_end_ms >= len(cut.text.split()) * WORD_MS + sound_ms
        assert talk.answers[-1] == LONG, "nothing is lost of what follows"
        assert desk.reports == [(PromptOutcome.HEARD, "clock")]


# With a goal


async def test_its_seat_is_left_even_if_the_closing_is_cut_off() -> None:
    claiming, cancelled, rest = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Clinging(Granting):
        async def begin(self, outreach_id: str) -> bool:
            claiming.set()
            try:
                await rest.wait()
            except asyncio.CancelledError:
                cancelled.set()
                await rest.wait()
            return False

    desk = Clinging()
    async with talking(parts_with(desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say())
        await claiming.wait()
        closing = asyncio.create_task(talk.session.aclose())
        await cancelled.wait()
        closing.cancel()
        await asyncio.wait([closing])
        assert desk.has_left


class Model:
    """An answerer that follows instructions."""

    name = "model"

    def __init__(self, *sentences: str, hangs: bool = False) -> None:
        self._sentences = sentences
        self._hangs = hangs
        self.asked: list[Question] = []

    async def answer(self, question: Question) -> AsyncIterator[AnswerSentence]:
        self.asked.append(question)
        if self._hangs:
            await asyncio.Event().wait()
        for text in self._sentences:
            yield AnswerSentence(text)

    async def aclose(self) -> None:
        """Nothing to free."""


def parts_of(model: Model, desk: Granting) -> Parts:
    return replace(parts_with(desk), answerer=model, follows_instructions=True)


async def test_a_goal_is_put_into_words_by_the_language_model(desk: Granting) -> None:
    model = Model("Anna, your latte waits for you!")
    async with talking(parts_of(model, desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say(goal="Say that the latte is ready."))
        await talk.session.settled()
        await talk.until_quiet()
        assert talk.answers == ["Anna, your latte waits for you!"]
        asked = model.asked[0].history[-1]
        assert isinstance(asked, Message)
        assert (asked.role, model.asked[0].text) == ("system", "")
        assert "Say that the latte is ready." in asked.text


async def test_what_may_have_been_missed_is_said_so_in_the_models_words_too(desk: Granting) -> None:
    async with talking(parts_of(Model("Your latte waits."), desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(replace(to_say(goal="Say that it is ready."), again=True))
        await talk.session.settled()
        await talk.until_quiet()
        assert talk.answers == ["In case you missed it, your latte waits."]


async def test_a_model_that_says_nothing_leaves_the_prompts_own_words(desk: Granting) -> None:
    async with talking(parts_of(Model(), desk)) as talk:
        await talk.silence(1.0)
        talk.session.prompts.offer(to_say(goal="Say that it is ready."))
        await talk.session.settled()
        await talk.until_quiet()
        assert talk.answers == [READY]


async def test_what_is_withdrawn_before_it_has_words_is_never_said(desk: Granting) -> None:
    async with talking(parts_of(Model(hangs=True), desk)) as talk:
        talk.session.prompts.offer(to_say(goal="Say that it is ready."))
        talk.session.prompts.withdraw(ID)
        assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.CANCELLED]


async def test_a_session_that_ends_before_it_has_words_gives_it_back(desk: Granting) -> None:
    async with talking(parts_of(Model(hangs=True), desk)) as talk:
        talk.session.prompts.offer(to_say(goal="Say that it is ready."))
    assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.RETURNED]


async def test_what_comes_after_the_end_goes_back(desk: Granting) -> None:
    async with talking(parts_with(desk)) as talk:
        pass
    talk.session.prompts.offer(to_say())
    assert [outcome for outcome, _ in desk.reports] == [PromptOutcome.RETURNED]
