"""Rule 3 of the floor: what the user's sounds do while the agent has it."""

import pytest

from conversation import Floor, TurnPolicy
from conversation import commands as c
from conversation import events as e
from conversation.policy import OVERLAP_DECISION
from tests.support.conversing import CHAR_MS, Conversing

LONG = "We have lattes and mochas and teas, and today a very good cake."
MORE = "Would you like to hear about the cake?"


def speaking(policy: TurnPolicy | None = None, recognition_ms: int | None = 40) -> Conversing:
    """The agent is in the middle of a long answer."""
    talk = Conversing(policy, recognition_ms=recognition_ms)
    talk.answers["what is there"] = [LONG, MORE]
    talk.user_says("what is there", ms=896)
    while not talk.all(c.BeginResponse):
        talk.silence(32)
    talk.until_said(20)
    return talk


def test_the_agent_pauses_at_the_users_first_sound() -> None:
    talk = speaking()
    began = talk.now
    talk.user_says("stop", ms=160)
    assert talk.time_of(c.PauseSpeech) - began < 0.15


def test_a_cough_does_not_stop_the_answer() -> None:
    talk = speaking()
    talk.user_coughs()
    talk.until_quiet()
    assert talk.said == [(f"{LONG} {MORE}", c.Ending.COMPLETED)]
    assert len(talk.all(c.PauseSpeech)) == len(talk.all(c.ResumeSpeech)) == 1
    assert talk.heard == ["what is there"]


def test_the_client_does_not_hear_of_a_cough_during_the_answer() -> None:
    talk = speaking()
    talk.user_coughs()
    talk.until_quiet()
    assert len(talk.all(c.ReportSpeechStarted)) == len(talk.all(c.ReportSpeechStopped)) == 1


def test_a_murmur_of_agreement_does_not_stop_the_answer() -> None:
    talk = speaking()
    talk.user_says("mm-hm", ms=320)
    talk.until_quiet()
    assert talk.texts == [f"{LONG} {MORE}"]


def test_words_stop_the_answer_and_only_the_heard_ones_are_kept() -> None:
    talk = speaking()
    talk.user_says("only a tea", ms=600)
    talk.until_quiet()
    kept, ending = talk.said[0]
    assert ending is c.Ending.INTERRUPTED
    assert LONG.startswith(kept)
    assert 12 <= len(kept) < len(LONG)
    assert talk.heard == ["what is there", "only a tea"]
    assert talk.texts[1:] == ["You said: only a tea."]


def test_words_in_700_ms_of_speech_stop_the_answer_before_the_user_pauses() -> None:
    talk = speaking(recognition_ms=60)
    began = talk.now
    talk.user_says("only a tea and that is all", ms=1500)
    assert talk.said[0][1] is c.Ending.INTERRUPTED
    assert talk.time_of(c.StopSpeech) - began == pytest.approx(0.76, abs=0.08)
    talk.until_quiet()
    assert talk.heard[-1] == "only a tea and that is all"


def test_speech_that_nobody_understands_stops_the_answer_after_1400_ms() -> None:
    talk = speaking(recognition_ms=5000)
    began = talk.now
    talk.user_says("only a tea and that is all", ms=1500)
    assert talk.said[0][1] is c.Ending.INTERRUPTED
    assert talk.time_of(c.StopSpeech) - began == pytest.approx(1.4, abs=0.04)
    assert talk.floor is Floor.LISTENING


def test_a_long_fit_of_coughing_loses_nothing_of_the_answer() -> None:
    talk = speaking()
    talk.user_coughs(ms=1200)
    talk.until_quiet()
    assert talk.said[0] == (f"{LONG} {MORE}", c.Ending.COMPLETED)
    assert talk.heard == ["what is there"]


def test_the_user_may_go_on_while_the_agent_is_thinking() -> None:
    talk = Conversing(answer_ms=1000)
    talk.user_says("I'd like a latte", ms=896)
    talk.silence(320)
    assert talk.floor is Floor.THINKING
    talk.user_says("and a muffin", ms=640)
    talk.until_quiet()
    assert talk.said[0] == ("", c.Ending.INTERRUPTED)
    assert talk.heard == ["I'd like a latte", "and a muffin"]
    assert talk.texts[1:] == ["You said: and a muffin."]


def test_a_cough_while_the_agent_is_thinking_loses_nothing() -> None:
    talk = Conversing(answer_ms=1000)
    talk.user_says("I'd like a latte", ms=896)
    talk.silence(320)
    talk.user_coughs()
    talk.until_quiet()
    assert talk.texts == ["You said: I'd like a latte."]


def test_speech_over_the_very_end_of_the_answer_is_a_turn_of_its_own() -> None:
    talk = speaking()
    talk.until_said(len(LONG) + len(MORE) - 1)
    talk.user_says("yes please", ms=400)
    talk.until_quiet()
    assert talk.said[0] == (f"{LONG} {MORE}", c.Ending.COMPLETED)
    assert talk.heard[-1] == "yes please"
    assert talk.texts[-1] == "You said: yes please."


def test_words_that_are_found_late_interrupt_all_the_same() -> None:
    talk = speaking(recognition_ms=2000)
    paused = talk.now
    talk.user_says("stop", ms=192)
    talk.silence(1700)
    resumed = talk.time_of(c.ResumeSpeech)
    assert resumed - paused == pytest.approx(OVERLAP_DECISION, abs=0.1)
    talk.until_quiet()
    assert talk.said[0][1] is c.Ending.INTERRUPTED
    assert talk.heard[-1] == "stop"


def test_a_recognizer_that_never_replies_does_not_keep_the_agent_from_going_on() -> None:
    talk = speaking()
    talk.recognition_ms = None
    talk.user_coughs()
    talk.until_quiet()
    assert talk.texts == [f"{LONG} {MORE}"]


def test_a_word_said_with_push_to_talk_interrupts_though_no_silence_follows() -> None:
    talk = speaking()
    talk.user_says("stop", ms=256)
    talk.no_audio(5000)
    assert talk.said[0][1] is c.Ending.INTERRUPTED
    assert talk.heard[-1] == "stop"


def test_an_answer_that_may_not_be_interrupted_is_finished_and_the_user_answered_after() -> None:
    talk = speaking(TurnPolicy(interrupt_response=False))
    talk.user_says("and how much is it", ms=900)
    talk.until_quiet()
    assert talk.texts == [f"{LONG} {MORE}", "You said: and how much is it."]
    assert not talk.all(c.PauseSpeech)


def test_a_client_that_forbids_interruptions_meanwhile_gets_the_rest_of_the_answer() -> None:
    talk = speaking()
    talk.user_says("hello", ms=192)
    talk.changes_policy(TurnPolicy(interrupt_response=False))
    talk.until_quiet()
    assert talk.texts == [f"{LONG} {MORE}", "You said: hello."]


def test_a_cancelled_response_keeps_what_was_heard() -> None:
    talk = speaking()
    talk.post(e.ResponseCancelled())
    kept, ending = talk.said[0]
    assert ending is c.Ending.CANCELLED
    assert LONG.startswith(kept)
    assert kept
    assert talk.floor is Floor.IDLE


def test_a_sentence_that_could_not_be_voiced_does_not_hide_those_heard_after_it() -> None:
    talk = speaking()
    response = talk.all(c.BeginResponse)[0].response
    talk.post(e.SentencePlayed(response, 0, failed=True))
    talk.until_said(len(LONG) + 20)
    talk.post(e.ResponseCancelled())
    assert talk.texts[0].startswith(f"{LONG} Would you like")


def test_the_heard_text_ends_where_the_audio_ended() -> None:
    talk = speaking()
    talk.post(e.ResponseCancelled())
    cut = talk.all(c.Truncate)[0]
    assert len(cut.text) * CHAR_MS <= cut.played_ms < (len(cut.text) + 12) * CHAR_MS
