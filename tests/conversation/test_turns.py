"""Rules 1 and 2 of the floor: work early, speak late; when a turn ends."""

import pytest

from conversation import Completeness, Endpointing, Floor, TurnPolicy
from conversation import commands as c
from conversation import events as e
from conversation.policy import UTTERANCE_LIMIT_MS
from conversation.responses import ToTurn
from tests.support.conversing import FRAME_MS, Conversing

UNSURE, DANGLING = Completeness.UNSURE, Completeness.DANGLING


def silence_before_end(talk: Conversing, said_until_ms: int) -> float:
    """How long the user had been silent when the turn was committed, in ms."""
    return talk.time_of(c.CommitTurn) * 1000 - said_until_ms


def test_a_question_is_heard_and_answered() -> None:
    talk = Conversing()
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    assert talk.heard == ["a large latte"]
    assert talk.said == [("You said: a large latte.", c.Ending.COMPLETED)]
    assert talk.floors == [Floor.IDLE, Floor.LISTENING, Floor.THINKING, Floor.SPEAKING, Floor.IDLE]


def test_the_answer_is_prepared_in_the_pause_and_adopted_at_the_end_of_the_turn() -> None:
    talk = Conversing(recognition_ms=20, answer_ms=20)
    talk.user_says("when do you close", ms=896, then=UNSURE)
    talk.silence(192)
    early = talk.all(c.Answer)[0]
    assert early.early
    assert talk.all(c.PrepareSpeech) == [c.PrepareSpeech("You said: when do you close.")]
    assert not talk.all(c.AdoptAnswer) + talk.all(c.CommitTurn) + talk.all(c.BeginResponse)
    talk.silence(320)
    assert talk.all(c.AdoptAnswer) == [c.AdoptAnswer(early.work)]
    assert talk.all(c.Answer) == [early]


def test_what_was_prepared_is_dropped_when_the_user_goes_on() -> None:
    talk = Conversing(recognition_ms=20, answer_ms=20)
    talk.user_says("I'd like a latte", ms=896, then=UNSURE)
    talk.silence(256)
    early = talk.all(c.Answer)[0]
    talk.user_says("and a muffin", ms=640)
    talk.until_quiet()
    assert c.DropWork(early.work) in talk.all(c.DropWork)
    assert talk.heard == ["I'd like a latte and a muffin"]
    assert talk.texts == ["You said: I'd like a latte and a muffin."]


def test_words_that_come_after_the_user_went_on_are_ignored() -> None:
    talk = Conversing(recognition_ms=300)
    talk.user_says("I'd like", ms=512)
    talk.silence(192)
    talk.user_says("a latte", ms=512)
    talk.until_quiet()
    assert talk.heard == ["I'd like a latte"]


def test_a_loaded_machine_prepares_nothing_and_answers_all_the_same() -> None:
    talk = Conversing()
    talk.post(e.LoadChanged(loaded=True))
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    assert [answer.early for answer in talk.all(c.Answer)] == [False]
    assert talk.texts == ["You said: a large latte."]


@pytest.mark.parametrize(
    ("completeness", "wait_ms"),
    [(Completeness.COMPLETE, 128), (Completeness.LIKELY, 160), (UNSURE, 352), (DANGLING, 1216)],
)
def test_the_silence_that_ends_a_turn_depends_on_what_was_said(
    completeness: Completeness, wait_ms: int
) -> None:
    talk = Conversing(recognition_ms=10)
    talk.user_says("I'd like a large", ms=896, then=completeness)
    talk.silence(2000)
    assert silence_before_end(talk, 896) == pytest.approx(wait_ms, abs=FRAME_MS + 1)


def test_no_setting_lets_a_turn_last_beyond_the_hard_limit() -> None:
    talk = Conversing(TurnPolicy(Endpointing(dangling_ms=60_000)))
    talk.user_says("and", ms=320, then=DANGLING)
    talk.silence(3500)
    assert silence_before_end(talk, 320) == pytest.approx(3000, abs=FRAME_MS + 1)


def test_a_dangling_turn_goes_on_after_a_pause() -> None:
    talk = Conversing()
    talk.user_says("I'd like a large", ms=896, then=DANGLING)
    talk.silence(1000)
    talk.user_says("latte", ms=384)
    talk.until_quiet()
    assert talk.heard == ["I'd like a large latte"]


def test_a_turn_ends_when_the_client_stops_sending_in_the_middle_of_a_word() -> None:
    talk = Conversing()
    talk.user_says("a large latte", ms=896)
    talk.no_audio(3000)
    assert talk.heard == ["a large latte"]
    assert talk.time_of(c.CommitTurn) == pytest.approx(0.896 + 1.0 + 0.04)
    stopped = talk.all(c.ReportSpeechStopped)[0]
    assert stopped.at_ms == 896


def test_a_turn_ends_when_the_client_stops_sending_in_a_pause() -> None:
    talk = Conversing()
    talk.user_says("I'd like a large", ms=896, then=DANGLING)
    talk.silence(192)
    talk.no_audio(1500)
    assert talk.heard == ["I'd like a large"]


def test_speech_that_comes_again_before_the_words_are_known_belongs_to_the_same_turn() -> None:
    talk = Conversing(recognition_ms=400)
    talk.user_says("a large", ms=512)
    talk.no_audio(1100)
    talk.user_says("latte", ms=512)
    talk.until_quiet()
    assert talk.heard == ["a large latte"]


def test_a_sound_without_words_is_forgotten() -> None:
    talk = Conversing()
    talk.user_coughs()
    talk.silence(1000)
    assert talk.heard == []
    assert len(talk.all(c.DropTurn)) == 1
    assert talk.floor is Floor.IDLE


def test_a_turn_waits_for_its_words_however_long_the_silence() -> None:
    talk = Conversing(recognition_ms=6000)
    talk.user_says("a large latte", ms=896)
    talk.silence(5000)
    assert talk.floor is Floor.LISTENING
    talk.until_quiet()
    assert talk.heard == ["a large latte"]
    assert len(talk.all(c.Transcribe)) == 1


def test_a_failed_recognition_is_owned_up_to() -> None:
    talk = Conversing()
    talk.recognizer_fails = True
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    assert talk.texts == ["I could not hear you."]


def test_trouble_with_the_first_half_is_forgotten_when_the_whole_is_understood() -> None:
    talk = Conversing()
    talk.recognizer_fails = True
    talk.user_says("a large", ms=512)
    talk.silence(192)
    talk.recognizer_fails = False
    talk.user_says("latte", ms=512)
    talk.until_quiet()
    assert talk.texts == ["You said: a large latte."]


def test_a_recognizer_that_never_replies_is_given_up() -> None:
    talk = Conversing(recognition_ms=None)
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    assert talk.texts == ["I could not hear you."]
    assert talk.all(c.DropWork) == [c.DropWork(talk.all(c.Transcribe)[0].work)]


def test_an_answer_without_sentences_leaves_the_floor_free() -> None:
    talk = Conversing()
    talk.mind_fails = True
    talk.user_says("a large latte", ms=896)
    talk.silence(1000)
    assert talk.said == [("", c.Ending.COMPLETED)]
    assert talk.floor is Floor.IDLE


def test_an_answer_that_never_comes_is_given_up() -> None:
    talk = Conversing(answer_ms=None)
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    assert talk.said == [("", c.Ending.FAILED)]


def test_an_endless_utterance_is_recognized_as_it_stands_and_the_next_one_begins() -> None:
    talk = Conversing()
    talk.mind_fails = True
    talk.user_says("word " * 200, ms=UTTERANCE_LIMIT_MS + 4000)
    talk.until_quiet()
    assert len(talk.heard) == 2
    assert talk.all(c.CommitTurn)[0].turn != talk.all(c.CommitTurn)[1].turn


def test_cleared_input_is_not_heard_and_speech_that_goes_on_is_a_new_turn() -> None:
    talk = Conversing()
    talk.user_says("nonsense", ms=512)
    talk.post(e.InputCleared())
    talk.user_says("a latte", ms=512)
    talk.until_quiet()
    assert talk.heard == ["a latte"]


def test_a_commit_ends_the_turn_before_the_silence_does() -> None:
    talk = Conversing()
    talk.user_says("I'd like a large", ms=896, then=DANGLING)
    talk.post(e.InputCommitted())
    talk.silence(96)
    assert talk.heard == ["I'd like a large"]
    assert isinstance(talk.all(c.BeginResponse)[0].origin, ToTurn)
