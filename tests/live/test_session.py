"""Whole conversations through ears, mind and mouth, without a socket and without waiting."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from conversation import Floor, TurnPolicy
from knowledge.passages import AnswerSentence, Question
from live import events as told
from live.config import ResponseRequest, SessionConfig
from live.history import Item
from live.session import SessionError
from tests.support.talking import KeptInMind, scripted_parts, talking
from voice.audio import HEARING_RATE
from voice.recognition import Recognition, RecognizerError, Utterance
from voice.synthesis import SpeechChunk, SynthesizerError, Voice
from voice.synthesizers.cached import CachedSynthesizer
from voice.synthesizers.flite import FliteSynthesizer
from voice.synthesizers.scripted import ScriptedSynthesizer

QUESTION = "when do you close on sunday"
ORDER = "i'd like a large latte with soy milk"


async def test_a_question_is_heard_and_answered_aloud_with_its_source() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        assert talk.heard == [QUESTION]
        assert "5 pm" in talk.answers[0]
        assert talk.all(told.SourcesFound)[0].sources[0].document == "opening-hours.md"
        assert talk.played_s > 1.0


async def test_the_events_of_a_turn_come_in_the_protocols_order() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        order = [
            told.SpeechStarted,
            told.SpeechStopped,
            told.TurnCommitted,
            told.Transcribed,
            told.ResponseBegun,
            told.AgentItemBegun,
            told.TextSent,
            told.AudioSent,
            told.ResponseEnded,
        ]
        places = [next(i for i, e in enumerate(talk.events) if type(e) is kind) for kind in order]
        assert places == sorted(places)


async def test_every_stage_of_a_spoken_turn_is_measured() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        (measured,) = talk.all(told.TurnMeasured)
        stages = measured.stages_ms
        assert {"end_of_turn", "recognition", "retrieval", "first_audio", "voice_to_voice"} <= set(
            stages
        )
        assert stages["voice_to_voice"] >= stages["end_of_turn"] >= 96


async def test_an_order_is_read_back_and_corrected_by_a_second_sentence() -> None:
    async with talking() as talk:
        await talk.says(ORDER)
        await talk.until_quiet()
        assert "large latte" in talk.answers[0]
        await talk.says("no make it medium")
        await talk.until_quiet()
        assert "medium latte" in talk.answers[1]
        form = talk.session.mind.form
        assert form is not None
        assert form.slots["size"] == "medium"


async def test_a_pause_after_a_dangling_word_does_not_end_the_turn() -> None:
    async with talking() as talk:
        await talk.says("i'd like a large")
        await talk.silence(0.3)
        assert talk.heard == []
        await talk.says("latte with soy milk")
        await talk.until_quiet()
        assert talk.heard == [ORDER]


async def test_words_interrupt_the_answer_and_only_the_heard_ones_are_kept() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(1.0)
        assert talk.all(told.FloorChanged)[-1].floor is Floor.SPEAKING
        await talk.says("actually what about monday")
        await talk.until_quiet()
        first, second = talk.all(told.ResponseEnded)
        assert (first.status, first.reason) == ("cancelled", "turn_detected")
        assert second.status == "completed"
        (cut,) = talk.all(told.ItemTruncated)
        spoken = next(e.text for e in talk.all(told.TextSent))
        assert cut.text
        assert spoken.startswith(cut.text)
        assert cut.text != spoken
        assert talk.session.history.get(cut.item_id).text == cut.text


async def test_a_cough_pauses_the_answer_and_loses_nothing_of_it() -> None:
    rng = np.random.default_rng(3)
    burst = rng.normal(0, 1, HEARING_RATE // 4) * np.exp(-np.linspace(0, 5, HEARING_RATE // 4))
    cough = (burst * 12_000).clip(-32_000, 32_000).astype(np.int16)
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(0.8)
        await talk.hears(cough)
        await talk.until_quiet()
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.status == "completed"
        assert len(talk.all(told.SpeechStarted)) == 1


async def test_a_right_lets_the_agent_go_on_where_it_paused() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(0.5)
        await talk.says("right")
        await talk.until_quiet()
        assert len(talk.all(told.PlayoutPaused)) == len(talk.all(told.PlayoutResumed))
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.status == "completed"
        assert ended.item is not None
        assert ended.item.audio_ms == pytest.approx(talk.played_s * 1000, abs=1)


async def test_a_typed_question_is_answered_without_a_microphone() -> None:
    async with talking() as talk:
        talk.session.add_item(Item("typed", "user", QUESTION), None)
        talk.session.respond(ResponseRequest(metadata={"mine": "1"}))
        await talk.until_quiet()
        assert "5 pm" in talk.answers[0]
        assert talk.all(told.ResponseBegun)[0].metadata == {"mine": "1"}


async def test_a_text_session_answers_in_text_alone() -> None:
    async with talking(config=SessionConfig(audio=False)) as talk:
        talk.session.add_item(Item("typed", "user", QUESTION), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert "5 pm" in talk.answers[0]
        assert talk.played_s == 0


async def test_a_second_response_is_refused_while_one_is_spoken() -> None:
    async with talking() as talk:
        talk.session.add_item(Item("typed", "user", QUESTION), None)
        talk.session.respond(ResponseRequest())
        await talk.silence(0.5)
        with pytest.raises(SessionError) as refused:
            talk.session.respond(ResponseRequest())
        assert refused.value.code == "conversation_already_has_active_response"


async def test_a_cancelled_response_falls_silent_and_keeps_what_was_heard() -> None:
    async with talking() as talk:
        talk.session.add_item(Item("typed", "user", QUESTION), None)
        talk.session.respond(ResponseRequest())
        await talk.silence(0.9)
        talk.session.cancel()
        played = talk.played_s
        await talk.silence(0.5)
        assert talk.played_s == played
        (ended,) = talk.all(told.ResponseEnded)
        assert (ended.status, ended.reason) == ("cancelled", "client_cancelled")


async def test_a_client_that_ends_turns_itself_is_not_answered_unasked() -> None:
    config = SessionConfig(policy=TurnPolicy(manual=True))
    async with talking(config=config) as talk:
        await talk.says(QUESTION)
        await talk.silence(2.0)
        assert talk.heard == []
        talk.session.commit()
        await talk.silence(0.5)
        assert talk.heard == [QUESTION]
        assert not talk.all(told.ResponseBegun)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert "5 pm" in talk.answers[0]


async def test_a_turn_ends_when_the_client_stops_sending_audio() -> None:
    async with talking() as talk:
        await talk.hears(talk.script(QUESTION)[: -HEARING_RATE // 10])
        await talk.waits(1.5)
        assert talk.heard == [QUESTION]


async def test_nothing_to_commit_is_refused() -> None:
    async with talking() as talk:
        with pytest.raises(SessionError) as refused:
            talk.session.commit()
        assert refused.value.code == "input_audio_buffer_commit_empty"


async def test_audio_far_beyond_real_time_is_refused() -> None:
    async with talking() as talk:
        with pytest.raises(SessionError) as refused:
            talk.session.hear(np.zeros(11 * HEARING_RATE, np.int16))
        assert refused.value.code == "input_audio_rate_exceeded"


class _BrokenRecognizer:
    name = "broken"

    def __init__(self, hangs: bool = False) -> None:
        self._hangs = hangs

    async def start(self) -> None: ...

    async def recognize(self, utterance: Utterance) -> Recognition:
        if self._hangs:
            await asyncio.Event().wait()
        raise RecognizerError("out of order")

    async def aclose(self) -> None: ...


async def test_a_recognizer_that_fails_is_owned_up_to_in_a_sentence() -> None:
    parts = replace(scripted_parts(), recognizers={"": _BrokenRecognizer()})
    async with talking(parts) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        assert "say that again" in talk.answers[0]
        assert talk.all(told.FloorChanged)[-1].floor is Floor.IDLE
        (failed,) = talk.all(told.TranscriptionFailed)
        assert failed.item_id == talk.all(told.TurnCommitted)[0].item.id
        assert failed.reason == "out of order"
        assert talk.heard == []


async def test_a_manual_turn_that_cannot_be_recognized_is_told_to_have_failed() -> None:
    parts = replace(scripted_parts(), recognizers={"": _BrokenRecognizer()})
    async with talking(parts, SessionConfig(policy=TurnPolicy(manual=True))) as talk:
        await talk.says(QUESTION)
        talk.session.commit()
        await talk.silence(0.2)
        assert len(talk.all(told.TranscriptionFailed)) == 1
        assert talk.heard == []


class _BrokenAnswerer:
    name = "broken"

    async def answer(self, question: Question) -> AsyncIterator[AnswerSentence]:
        return
        yield

    async def aclose(self) -> None: ...


async def test_an_answerer_that_says_nothing_is_owned_up_to() -> None:
    async with talking(replace(scripted_parts(), answerer=_BrokenAnswerer())) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        assert "can't look that up" in talk.answers[0]


class _BrokenSynthesizer:
    name = "broken"
    voices: frozenset[str] = frozenset()

    async def start(self) -> None: ...

    async def synthesize(self, text: str, voice: Voice) -> AsyncIterator[SpeechChunk]:
        raise SynthesizerError("no voice today")
        yield

    async def aclose(self) -> None: ...


async def test_without_a_voice_the_answer_is_still_shown_and_the_session_lives() -> None:
    async with talking(replace(scripted_parts(), synthesizer=_BrokenSynthesizer())) as talk:
        for _ in range(2):
            await talk.says(QUESTION)
            await talk.until_quiet()
        shown = [event.text for event in talk.all(told.TextSent)]
        assert sum("5 pm" in text for text in shown) == 2


async def test_a_conversation_goes_on_where_it_was_in_another_session() -> None:
    memory = KeptInMind()
    async with talking(scripted_parts(memory), session_id="one") as talk:
        await talk.says(ORDER)
        await talk.until_quiet()
    async with talking(scripted_parts(memory), session_id="one") as talk:
        assert [item.role for item in talk.session.history] == ["user", "assistant"]
        await talk.says("no make it medium")
        await talk.until_quiet()
        assert "medium latte" in talk.answers[0]


async def test_another_persons_session_is_not_taken_up() -> None:
    memory = KeptInMind()
    async with talking(scripted_parts(memory), session_id="one", user="ann") as talk:
        await talk.says(ORDER)
        await talk.until_quiet()
    with pytest.raises(SessionError, match="another's"):
        async with talking(scripted_parts(memory), session_id="one", user="bob"):
            pass
    assert memory.contexts["one"].user == "ann"


async def test_instructions_that_cannot_be_followed_are_warned_of_once() -> None:
    async with talking() as talk:
        for text in ("talk like a pirate", "talk like a poet"):
            talk.session.update(replace(talk.session.config, instructions=text))
        assert len(talk.all(told.Warned)) == 1


async def test_a_closed_session_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(0.5)
    assert asyncio.all_tasks() == before


async def test_the_agents_own_echo_does_not_stop_it() -> None:
    parts = replace(scripted_parts(), synthesizer=CachedSynthesizer(FliteSynthesizer()))
    await parts.synthesizer.start()
    async with talking(parts) as talk:
        await talk.says(QUESTION)
        await talk.silence(0.3)
        for _ in range(200):
            played = talk.echo(delay_s=0.1, gain=0.1)
            await talk.hears(played)
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.status == "completed"
        assert len(talk.all(told.SpeechStarted)) == 1


async def test_a_client_may_cut_an_answer_to_what_was_heard_after_it_ended() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.item is not None
        for _ in range(2):
            talk.session.truncate(ended.item.id, 900)
        kept = talk.session.history.get(ended.item.id).text
        assert kept
        assert ended.item.text.startswith(kept)
        assert len(kept.split()) == pytest.approx(900 / 280, abs=2)
        assert len(talk.all(told.ItemTruncated)) == 2


class _BuggyRecognizer(_BrokenRecognizer):
    async def recognize(self, utterance: Utterance) -> Recognition:
        raise ZeroDivisionError


async def test_a_bug_in_an_engine_costs_one_turn_and_not_the_session() -> None:
    parts = replace(scripted_parts(), recognizers={"": _BuggyRecognizer()})
    async with talking(parts) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        assert "say that again" in talk.answers[0]


async def test_quiet_speech_of_a_manual_turn_is_kept_from_its_beginning() -> None:
    config = SessionConfig(policy=TurnPolicy(manual=True))
    async with talking(config=config) as talk:
        await talk.hears((talk.script(QUESTION) / 300).astype(np.int16))
        await talk.silence(1.5)
        talk.session.commit()
        await talk.silence(0.2)
        assert talk.heard == [QUESTION]


class _NotingSynthesizer(ScriptedSynthesizer):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Voice] = []

    async def synthesize(self, text: str, voice: Voice) -> AsyncIterator[SpeechChunk]:
        self.asked.append(voice)
        async for chunk in super().synthesize(text, voice):
            yield chunk


async def test_one_response_may_be_spoken_by_another_voice() -> None:
    synthesizer = _NotingSynthesizer()
    async with talking(replace(scripted_parts(), synthesizer=synthesizer)) as talk:
        for voice in (Voice("other", 1.2), None):
            talk.session.add_item(Item(f"typed-{voice}", "user", "thank you"), None)
            talk.session.respond(ResponseRequest(voice=voice))
            await talk.until_quiet()
        own = talk.session.config.voice
    assert synthesizer.asked[0] == Voice("other", 1.2)
    assert synthesizer.asked[-1] == own
    assert [begun.voice for begun in talk.all(told.ResponseBegun)] == ["other", ""]


async def test_a_client_may_delete_what_is_being_spoken() -> None:
    async with talking() as talk:
        await talk.says(QUESTION)
        await talk.silence(0.5)
        item_id = talk.all(told.AgentItemBegun)[0].item.id
        talk.session.delete_item(item_id)
        await talk.until_quiet()
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.status == "completed"
        assert item_id not in talk.session.history
