"""Rules 5 and 8 of the floor: turns the client owns, and the one silence timer."""

import pytest

from conversation import Completeness, Floor, TurnPolicy
from conversation import commands as c
from conversation import events as e
from conversation.policy import CLIENT_FUNCTION_WAIT, CLIENT_RESPONSE_WAIT, OWED_LIMIT
from conversation.prompts import Priority
from conversation.responses import OfPrompt, OfSilence
from tests.support.conversing import Conversing

LOW, NORMAL, HIGH, CRITICAL = Priority
TWO = ("Your order is ready now.", "Please come to the counter.")
MANUAL = TurnPolicy(manual=True)


def prompts_begun(talk: Conversing) -> list[float]:
    """When each prompt began, in seconds."""
    return [
        at
        for at, command in talk.log
        if isinstance(command, c.BeginResponse) and isinstance(command.origin, OfPrompt)
    ]


def test_a_turn_in_a_session_without_automatic_responses_is_committed_and_not_answered() -> None:
    talk = Conversing(TurnPolicy(create_response=False))
    talk.user_says("a large latte", ms=896)
    talk.silence(3000)
    assert talk.heard == ["a large latte"]
    assert not talk.all(c.Answer) + talk.all(c.BeginResponse)
    assert talk.floor is Floor.IDLE


def test_prompts_wait_five_seconds_for_the_clients_response() -> None:
    talk = Conversing(TurnPolicy(create_response=False))
    talk.user_says("a large latte", ms=896)
    talk.offer("p", priority=HIGH)
    talk.silence(8000)
    waited = prompts_begun(talk)[0] - talk.time_of(c.CommitTurn)
    assert waited == pytest.approx(CLIENT_RESPONSE_WAIT, abs=0.04)


def test_the_clients_response_goes_before_prompts_that_waited_for_it() -> None:
    talk = Conversing(TurnPolicy(create_response=False))
    talk.user_says("a large latte", ms=896)
    talk.offer("p", priority=NORMAL)
    talk.silence(1000)
    talk.requests_response()
    talk.until_quiet()
    talk.silence(5000)
    assert talk.texts == ["This is response 1.", "This is prompt p."]


def test_a_call_that_was_prepared_early_is_waited_for_too() -> None:
    talk = Conversing(answer_ms=20)
    talk.awaits_client = True
    talk.answers = {"a large": []}
    talk.user_says("a large", ms=896, then=Completeness.UNSURE)
    talk.offer("p", priority=HIGH)
    talk.silence(20_000)
    assert talk.all(c.AdoptAnswer)
    waited = prompts_begun(talk)[0] - talk.time_of(c.AdoptAnswer)
    assert waited == pytest.approx(CLIENT_FUNCTION_WAIT, abs=0.04)


def test_an_answer_that_works_on_is_not_given_up() -> None:
    talk = Conversing(answer_ms=None)
    talk.user_says("a large latte", ms=896)
    talk.silence(1000)
    (answer,) = talk.all(c.Answer)
    for _ in range(4):
        talk.silence(10_000)
        talk.post(e.AnswerWentOn(answer.work))
    assert talk.floor is Floor.THINKING
    talk.silence(25_000)
    assert talk.said == [("", c.Ending.FAILED)]


def test_prompts_wait_ten_seconds_for_a_function_the_client_runs() -> None:
    talk = Conversing()
    talk.awaits_client = True
    talk.user_says("a large latte", ms=896)
    talk.offer("p", priority=HIGH)
    talk.silence(20_000)
    answered = talk.time_of(c.Speak, 0)
    assert prompts_begun(talk)[0] - answered == pytest.approx(CLIENT_FUNCTION_WAIT, abs=0.04)


def test_a_response_create_parks_the_prompt_which_is_said_after() -> None:
    talk = Conversing()
    talk.offer("p", *TWO)
    talk.silence(1000)
    talk.until_said(5)
    talk.requests_response()
    talk.silence(10_000)
    assert talk.said[0][1] is c.Ending.PARKED
    assert talk.texts[1:] == ["This is response 1.", " ".join(TWO)]
    assert talk.reports == {"p": "heard"}


def test_a_response_create_waits_for_the_end_of_a_critical_prompt() -> None:
    talk = Conversing()
    talk.offer("p", *TWO, priority=CRITICAL)
    talk.until_said(5)
    talk.requests_response()
    talk.until_quiet()
    assert talk.texts == [" ".join(TWO), "This is response 1."]


def test_a_response_create_waits_for_the_user_to_finish() -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=512)
    talk.requests_response()
    talk.user_says("a large latte", ms=900)
    talk.until_quiet()
    assert talk.floors[2] is Floor.THINKING
    assert talk.texts == ["This is response 1.", "You said: I'd like a large latte."]


def test_a_waiting_response_counts_as_one_in_progress() -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=512)
    assert not talk.machine.responding
    talk.requests_response()
    assert talk.machine.responding


def test_a_response_create_while_a_sound_is_judged_waits_for_the_judgement() -> None:
    talk = Conversing()
    talk.offer("p", *TWO)
    talk.silence(1000)
    talk.until_said(5)
    talk.user_coughs()
    talk.requests_response()
    assert talk.floor is Floor.LISTENING
    talk.silence(10_000)
    assert talk.texts[1:] == ["This is response 1.", " ".join(TWO)]


def test_answers_that_wait_for_the_floor_are_bounded() -> None:
    talk = Conversing(TurnPolicy(interrupt_response=False))
    talk.offer("p", "word " * 400, priority=CRITICAL)
    talk.silence(1000)
    for index in range(OWED_LIMIT + 2):
        talk.user_says(f"turn{index}", ms=512)
        talk.silence(600)
    talk.until_quiet(limit_ms=300_000)
    assert len(talk.heard) == OWED_LIMIT + 2
    assert talk.texts[1] == "You said: turn2."
    assert len(talk.texts) == 1 + OWED_LIMIT


def test_a_client_that_ends_turns_itself_hears_nothing_of_voice_activity() -> None:
    talk = Conversing(MANUAL)
    talk.user_says("a large latte", ms=900)
    talk.silence(5000)
    assert not talk.all(c.ReportSpeechStarted) + talk.all(c.CommitTurn) + talk.all(c.Transcribe)


def test_a_manual_turn_is_committed_at_once_and_its_words_follow() -> None:
    talk = Conversing(MANUAL)
    talk.user_says("a large latte", ms=896)
    talk.post(e.InputCommitted())
    assert talk.all(c.CommitTurn)[0].text is None
    talk.requests_response()
    talk.no_audio(5000)
    assert talk.heard == ["a large latte"]
    assert talk.texts == ["This is response 1."]
    commands = [command for _, command in talk.log]
    assert commands.index(talk.all(c.KeepWords)[0]) < commands.index(talk.all(c.Answer)[0])


def test_a_manual_turn_without_any_speech_may_be_committed() -> None:
    talk = Conversing(MANUAL)
    talk.silence(500)
    talk.post(e.InputCommitted())
    talk.silence(500)
    assert talk.heard == [""]


def test_a_manual_turn_that_was_not_understood_is_owned_up_to() -> None:
    talk = Conversing(MANUAL)
    talk.recognizer_fails = True
    talk.user_says("a large latte", ms=896)
    talk.post(e.InputCommitted())
    talk.requests_response()
    talk.no_audio(5000)
    assert talk.texts == ["I could not hear you."]


def test_voice_activity_protects_the_user_in_manual_turns_too() -> None:
    talk = Conversing(MANUAL)
    talk.offer("p", priority=NORMAL)
    talk.user_says("a very long story", ms=4000)
    talk.silence(5000)
    assert not talk.spoken_over
    assert prompts_begun(talk)[0] > 4.0


def test_speech_does_not_stop_the_agent_in_manual_turns() -> None:
    talk = Conversing(MANUAL)
    talk.requests_response()
    talk.user_says("hello hello hello", ms=2000)
    talk.silence(3000)
    assert talk.said == [("This is response 1.", c.Ending.COMPLETED)]
    assert not talk.all(c.PauseSpeech)


def test_a_manual_response_does_not_wait_for_an_open_microphone() -> None:
    talk = Conversing(MANUAL)
    talk.user_says("a large latte", ms=896)
    talk.post(e.InputCommitted())
    talk.requests_response()
    talk.user_says("la la la", ms=1000)
    assert len(talk.all(c.BeginResponse)) == 1


def test_what_was_said_before_turns_became_automatic_is_heard() -> None:
    talk = Conversing(MANUAL)
    talk.user_says("a large latte", ms=896)
    talk.silence(500)
    talk.changes_policy(TurnPolicy())
    talk.until_quiet()
    assert talk.heard == ["a large latte"]


def test_work_on_a_turn_that_becomes_manual_is_dropped_at_its_commit() -> None:
    talk = Conversing()
    talk.user_says("a large latte and", ms=896)
    talk.silence(96)
    talk.changes_policy(MANUAL)
    talk.post(e.InputCommitted())
    talk.no_audio(3000)
    assert talk.heard == ["a large latte and"]
    assert len(talk.all(c.DropWork)) == 1
    assert len(talk.all(c.ReportSpeechStarted)) == len(talk.all(c.ReportSpeechStopped)) == 1


def test_after_silence_the_agent_takes_the_word() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=5000))
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    over = talk.time_of(c.EndResponse)
    talk.silence(5200)
    assert talk.time_of(c.ReportIdle) - over == pytest.approx(5.0, abs=0.04)
    commands = [command for _, command in talk.log]
    (nudge,) = [r for r in talk.all(c.BeginResponse) if isinstance(r.origin, OfSilence)]
    assert commands.index(talk.all(c.ReportIdle)[0]) < commands.index(nudge)
    talk.until_quiet()
    assert "still there" in talk.texts[-1]


def test_the_agent_takes_the_word_twice_in_a_row_at_most() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=5000))
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    talk.silence(60_000)
    assert len(talk.all(c.ReportIdle)) == 2
    assert len(talk.texts) == 3


def test_who_speaks_into_the_agents_nudge_is_answered() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=5000))
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    talk.silence(5400)
    assert talk.floor is Floor.SPEAKING
    talk.user_says("yes one moment", ms=900)
    talk.until_quiet()
    assert talk.said[1][1] is c.Ending.INTERRUPTED
    assert talk.texts[-1] == "You said: yes one moment."


def test_where_responses_are_the_clients_silence_is_only_reported() -> None:
    talk = Conversing(TurnPolicy(create_response=False, idle_timeout_ms=5000))
    talk.requests_response()
    talk.until_quiet()
    talk.silence(30_000)
    assert len(talk.all(c.ReportIdle)) == 1
    assert talk.texts == ["This is response 1."]


def test_while_the_client_runs_a_function_nobody_is_silent() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=2000))
    talk.awaits_client = True
    talk.user_says("a large latte", ms=896)
    talk.silence(15_000)
    waited = talk.time_of(c.ReportIdle, 0) - talk.time_of(c.Speak, 0)
    assert waited == pytest.approx(CLIENT_FUNCTION_WAIT, abs=0.04)


def test_silence_is_not_reported_before_anything_was_said() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=5000))
    talk.silence(30_000)
    assert not talk.all(c.ReportIdle)


def test_two_idle_reports_in_a_row_that_the_client_replies_to_are_the_most() -> None:
    talk = Conversing(TurnPolicy(create_response=False, idle_timeout_ms=5000))
    talk.requests_response()
    for _ in range(3):
        talk.until_quiet()
        talk.silence(8000)
        talk.requests_response()
    assert len(talk.all(c.ReportIdle)) == 2


def test_a_user_who_speaks_again_may_be_reminded_again() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=5000))
    for _ in range(4):
        talk.user_says("a large latte", ms=896)
        talk.until_quiet()
        talk.silence(5200)
        talk.until_quiet()
    assert len(talk.all(c.ReportIdle)) == 4


def test_a_prompt_resets_the_silence_that_is_reported() -> None:
    talk = Conversing(TurnPolicy(idle_timeout_ms=5000))
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    talk.silence(4000)
    talk.offer("p")
    talk.silence(32)
    talk.until_quiet()
    over = talk.time_of(c.EndResponse)
    assert not talk.all(c.ReportIdle)
    talk.silence(6000)
    assert talk.time_of(c.ReportIdle) - over == pytest.approx(5.0, abs=0.05)


def test_two_low_prompts_in_a_row_are_the_most_until_the_user_speaks() -> None:
    talk = Conversing()
    for index in range(4):
        talk.offer(f"p{index}", priority=LOW)
    talk.silence(60_000)
    assert talk.reports == {"p0": "heard", "p1": "heard"}
    talk.user_says("thank you", ms=600)
    talk.silence(60_000)
    assert len(talk.reports) == 4
