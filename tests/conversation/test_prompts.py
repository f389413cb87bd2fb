"""Rules 4 and 6 of the floor: when the agent may speak first, and what becomes of each prompt."""

import pytest

from conversation import Completeness, Conversation, Floor, TurnPolicy
from conversation import commands as c
from conversation import events as e
from conversation.policy import CLAIM_TIMEOUT, CRITICAL_PATIENCE, PROMPT_LIMIT, STIR, STIRRING_LIMIT
from conversation.prompts import OnBargeIn, Priority, Prompt, PromptOutcome
from conversation.responses import OfPrompt, ToTurn
from tests.support.conversing import CHAR_MS, Conversing

LOW, NORMAL, HIGH, CRITICAL = Priority
FIRST, SECOND, THIRD = "We have lattes today.", "We have mochas too.", "And there is cake."
TWO = ("Your order is ready now.", "Please come to the counter.")


def answering(**settings: int) -> Conversing:
    """The agent has begun the first of three sentences."""
    talk = Conversing(**settings)
    talk.answers["what is there"] = [FIRST, SECOND, THIRD]
    talk.user_says("what is there", ms=896)
    while not talk.all(c.BeginResponse):
        talk.silence(32)
    talk.until_said(5)
    return talk


def began(talk: Conversing, prompt_id: str) -> float:
    """When the prompt first began, in seconds."""
    return next(
        at
        for at, command in talk.log
        if isinstance(command, c.BeginResponse) and command.origin == OfPrompt(prompt_id)
    )


def is_speaking(talk: Conversing, prompt_id: str) -> bool:
    """Whether the last response begun is this prompt."""
    responses = talk.all(c.BeginResponse)
    return bool(responses) and responses[-1].origin == OfPrompt(prompt_id)


def until_begun(talk: Conversing, prompt_id: str) -> None:
    """Silence until the prompt is being spoken."""
    for _ in range(2000):
        if is_speaking(talk, prompt_id):
            return
        talk.silence(32)
    raise AssertionError(f"{prompt_id} never began")


@pytest.mark.parametrize(("priority", "quiet_s"), [(LOW, 3.0), (NORMAL, 0.7), (HIGH, 0.0)])
def test_a_prompt_waits_for_the_silence_its_priority_asks_for(
    priority: Priority, quiet_s: float
) -> None:
    talk = Conversing()
    talk.user_says("a large latte", ms=896)
    talk.until_quiet()
    over = talk.time_of(c.EndResponse)
    talk.offer("p", priority=priority)
    talk.silence(5000)
    assert began(talk, "p") - over == pytest.approx(quiet_s + 0.005, abs=0.033)
    assert talk.reports == {"p": "heard"}


@pytest.mark.parametrize("priority", [LOW, NORMAL, HIGH])
def test_it_waits_while_a_sound_may_be_the_first_of_an_utterance(priority: Priority) -> None:
    talk = Conversing()
    talk.silence(4000)
    for _ in range(4):
        talk.post(e.Stirred())
        talk.offer("p", priority=priority)
        talk.silence(32)
    assert not talk.all(c.ClaimPrompt)
    talk.silence(100)
    assert began(talk, "p") == pytest.approx(4.096 + STIR, abs=0.033)


def test_one_that_was_granted_as_somebody_drew_breath_waits_again() -> None:
    talk = Conversing()
    talk.claim_ms = 50
    talk.silence(4000)
    talk.offer("p", priority=HIGH)
    talk.silence(32)
    talk.post(e.Stirred())
    talk.user_says("wait a moment", ms=896)
    assert talk.all(c.ReleasePrompt)
    assert not talk.all(c.BeginResponse)
    until_begun(talk, "p")


def test_what_goes_on_stirring_is_a_noise() -> None:
    talk = Conversing()
    talk.silence(4000)
    talk.post(e.Stirred())
    talk.offer("p", priority=HIGH)
    for _ in range(40):
        talk.post(e.Stirred())
        talk.silence(32)
    assert began(talk, "p") == pytest.approx(4.0 + STIRRING_LIMIT, abs=0.033)


def test_a_critical_one_waits_for_speech_alone() -> None:
    talk = Conversing()
    talk.silence(1000)
    talk.post(e.Stirred())
    talk.offer("p", priority=CRITICAL)
    talk.silence(32)
    assert is_speaking(talk, "p")


@pytest.mark.parametrize(("priority", "quiet_s"), [(HIGH, 2.0), (NORMAL, 2.0), (LOW, 3.0)])
def test_a_prompt_waits_for_the_silence_it_asks_for_where_its_priority_needs_less(
    priority: Priority, quiet_s: float
) -> None:
    talk = Conversing()
    talk.user_says("a large latte")
    talk.until_quiet()
    over = talk.time_of(c.EndResponse)
    talk.offer("p", priority=priority, quiet=2.0)
    talk.silence(5000)
    assert began(talk, "p") - over == pytest.approx(quiet_s + 0.005, abs=0.033)


@pytest.mark.parametrize("priority", [LOW, NORMAL, HIGH])
def test_no_prompt_but_a_critical_one_begins_while_the_user_has_the_floor(
    priority: Priority,
) -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=512, then=Completeness.DANGLING)
    talk.offer("p", priority=priority)
    talk.silence(200)
    talk.user_says("a large latte with", ms=4000, then=Completeness.DANGLING)
    talk.silence(1000)
    assert not talk.all(c.ClaimPrompt)
    talk.silence(20_000)
    assert talk.heard == ["I'd like a large latte with"]
    assert talk.reports == {"p": "heard"}


def test_a_prompt_does_not_begin_over_a_user_whose_words_were_just_cleared() -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=512)
    talk.offer("p", priority=HIGH)
    talk.post(e.InputCleared())
    talk.user_says("a large latte", ms=512)
    assert not talk.spoken_over
    talk.silence(8000)
    assert talk.texts == ["You said: a large latte.", "This is prompt p."]


def test_a_prompt_begins_once_a_cleared_user_sends_no_more_audio() -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=512)
    talk.offer("p", priority=HIGH)
    talk.post(e.InputCleared())
    talk.no_audio(2000)
    assert began(talk, "p") == pytest.approx(1.512, abs=0.04)


@pytest.mark.parametrize("priority", [LOW, NORMAL, HIGH])
def test_no_prompt_but_a_critical_one_begins_while_the_answer_is_worked_out(
    priority: Priority,
) -> None:
    talk = Conversing(answer_ms=4000)
    talk.user_says("a large latte", ms=896)
    talk.offer("p", priority=priority)
    talk.silence(3000)
    assert talk.floor is Floor.THINKING
    assert not talk.all(c.ClaimPrompt)
    talk.silence(12_000)
    assert talk.texts == ["You said: a large latte.", "This is prompt p."]


@pytest.mark.parametrize("priority", [LOW, NORMAL])
def test_an_answer_is_not_split_for_a_prompt_that_can_wait(priority: Priority) -> None:
    talk = answering()
    talk.offer("p", priority=priority)
    talk.silence(15_000)
    assert talk.texts == [f"{FIRST} {SECOND} {THIRD}", "This is prompt p."]


def test_a_high_prompt_splits_the_answer_into_three_responses() -> None:
    talk = answering()
    talk.offer("p", priority=HIGH)
    talk.until_quiet()
    assert talk.texts == [FIRST, "This is prompt p.", f"{SECOND} {THIRD}"]
    first, prompt, rest = talk.all(c.BeginResponse)
    assert isinstance(first.origin, ToTurn)
    assert prompt.origin == OfPrompt("p")
    assert (rest.origin, rest.continues, rest.work) == (first.origin, first.response, first.work)
    assert Floor.IDLE not in talk.floors[1:-1]


def test_a_high_prompt_is_not_in_the_way_of_the_last_sentence() -> None:
    talk = answering()
    talk.until_said(len(FIRST) + len(SECOND) + 5)
    talk.offer("p", priority=HIGH)
    talk.until_quiet()
    assert talk.texts == [f"{FIRST} {SECOND} {THIRD}", "This is prompt p."]


def test_a_high_prompt_goes_between_two_sentences_of_which_the_second_is_still_thought_of() -> None:
    talk = answering(answer_ms=4000)
    talk.silence(2500)
    talk.offer("p", priority=HIGH)
    talk.until_quiet()
    assert talk.texts == [FIRST, "This is prompt p.", f"{SECOND} {THIRD}"]


def test_a_high_prompt_that_is_withdrawn_at_the_boundary_lets_the_answer_go_on() -> None:
    talk = answering(claim_ms=300)
    talk.offer("p", priority=HIGH)
    while not talk.all(c.ClaimPrompt):
        talk.silence(32)
    talk.post(e.PromptWithdrawn("p"))
    talk.until_quiet()
    assert talk.texts == [FIRST, f"{SECOND} {THIRD}"]
    assert talk.reports == {"p": "cancelled"}
    assert set(talk.all(c.ReleasePrompt)) == {c.ReleasePrompt("p")}


def test_words_of_the_user_between_the_parts_of_a_split_answer_end_it() -> None:
    talk = answering(claim_ms=600)
    talk.offer("p", priority=HIGH)
    while not talk.all(c.ClaimPrompt):
        talk.silence(32)
    talk.user_says("only a tea", ms=704)
    talk.until_quiet()
    talk.silence(3000)
    assert talk.texts == [FIRST, "You said: only a tea.", "This is prompt p."]


def test_a_critical_prompt_stops_the_agent_at_once_and_the_rest_follows() -> None:
    talk = answering()
    offered = talk.now
    talk.offer("p", priority=CRITICAL)
    talk.silence(64)
    assert began(talk, "p") - offered < 0.02
    kept, ending = talk.said[0]
    assert ending is c.Ending.PARKED
    assert FIRST.startswith(kept)
    talk.until_quiet()
    assert talk.texts[1:] == ["This is prompt p.", f"{FIRST} {SECOND} {THIRD}"]


def test_a_critical_prompt_waits_for_the_users_pause() -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=640)
    talk.offer("p", priority=CRITICAL)
    talk.user_says("a latte and", ms=640, then=Completeness.DANGLING)
    talk.silence(500)
    assert not talk.spoken_over
    assert is_speaking(talk, "p")


def test_a_critical_prompt_waits_two_seconds_at_most_and_the_user_is_answered_after() -> None:
    talk = Conversing()
    talk.user_says("I'd like", ms=640)
    offered = talk.now
    talk.offer("p", priority=CRITICAL)
    talk.user_says("a very very long story", ms=4000)
    assert talk.spoken_over == {"p": CRITICAL}
    assert began(talk, "p") - offered == pytest.approx(CRITICAL_PATIENCE, abs=0.03)
    talk.until_quiet()
    assert talk.reports == {"p": "heard"}
    assert talk.heard == ["I'd like a very very long story"]
    assert talk.texts == ["This is prompt p.", "You said: I'd like a very very long story."]


def test_a_critical_prompt_once_begun_is_finished() -> None:
    talk = Conversing()
    talk.offer("p", *TWO, priority=CRITICAL)
    until_begun(talk, "p")
    talk.user_says("what is going on here", ms=1200)
    talk.until_quiet()
    assert talk.texts == [" ".join(TWO), "You said: what is going on here."]
    assert not talk.all(c.PauseSpeech) + talk.all(c.StopSpeech)


def test_clients_hear_of_no_speech_during_a_critical_prompt_lest_they_flush_its_audio() -> None:
    talk = Conversing()
    talk.offer("p", *TWO, priority=CRITICAL)
    until_begun(talk, "p")
    talk.user_says("what is going on here", ms=600)
    talk.until_quiet()
    assert talk.heard == ["what is going on here"]
    assert not talk.all(c.ReportSpeechStarted) + talk.all(c.ReportSpeechStopped)


def test_a_user_who_speaks_on_after_a_critical_prompt_has_the_floor() -> None:
    talk = Conversing()
    talk.offer("p", priority=CRITICAL)
    until_begun(talk, "p")
    talk.user_says("what is going on here", ms=3000)
    assert talk.floor is Floor.LISTENING
    assert len(talk.all(c.ReportSpeechStarted)) == 1
    talk.until_quiet()
    assert talk.texts[-1] == "You said: what is going on here."


def test_turns_during_a_critical_prompt_are_answered_in_their_order() -> None:
    talk = Conversing()
    talk.offer("p", *TWO, priority=CRITICAL)
    until_begun(talk, "p")
    talk.user_says("first", ms=512)
    talk.silence(500)
    talk.user_says("second", ms=2500)
    talk.silence(20_000)
    assert talk.heard == ["first", "second"]
    assert talk.texts[-2:] == ["You said: first.", "You said: second."]


def test_a_critical_prompt_parks_a_lesser_one_which_is_said_after_it() -> None:
    talk = Conversing()
    talk.offer("low", *TWO, priority=NORMAL)
    until_begun(talk, "low")
    talk.until_said(len(TWO[0]) + 5)
    talk.offer("now", priority=CRITICAL)
    talk.silence(15_000)
    assert talk.texts[1:] == ["This is prompt now.", TWO[1]]
    assert talk.reports == {"now": "heard", "low": "heard"}


def test_a_critical_prompt_goes_before_one_whose_claim_is_still_open() -> None:
    talk = Conversing(claim_ms=300)
    talk.silence(1000)
    talk.offer("normal", priority=NORMAL)
    talk.offer("now", priority=CRITICAL)
    talk.silence(8000)
    assert talk.texts == ["This is prompt now.", "This is prompt normal."]
    assert talk.all(c.ReleasePrompt) == [c.ReleasePrompt("normal")]


def test_prompts_go_by_priority_then_due_time_then_arrival() -> None:
    talk = Conversing()
    talk.user_says("hello", ms=512)
    talk.offer("late", due_in=0.2)
    talk.offer("b")
    talk.offer("c")
    talk.offer("first", priority=HIGH)
    talk.silence(20_000)
    order = [b.origin for b in talk.all(c.BeginResponse) if isinstance(b.origin, OfPrompt)]
    assert order == [OfPrompt("first"), OfPrompt("b"), OfPrompt("c"), OfPrompt("late")]


def test_a_prompt_is_not_begun_before_it_is_due() -> None:
    talk = Conversing()
    talk.offer("p", due_in=10.0)
    talk.silence(12_000)
    assert began(talk, "p") == pytest.approx(10.0, abs=0.04)


def test_a_prompt_past_its_time_is_not_begun() -> None:
    talk = Conversing()
    talk.user_says("hello there", ms=512)
    talk.offer("p", expires_in=1.0)
    talk.user_says("a long story", ms=3000)
    talk.silence(10_000)
    assert talk.reports == {"p": "expired"}


def test_a_prompt_whose_time_ends_while_it_is_claimed_is_not_begun() -> None:
    talk = Conversing(claim_ms=500)
    talk.silence(1000)
    talk.offer("p", expires_in=0.3)
    talk.silence(3000)
    assert talk.reports == {"p": "expired"}
    assert not talk.all(c.BeginResponse)


def test_a_withdrawn_prompt_is_not_said() -> None:
    talk = Conversing()
    talk.offer("p")
    talk.post(e.PromptWithdrawn("p"))
    talk.silence(3000)
    assert talk.reports == {"p": "cancelled"}
    assert not talk.all(c.BeginResponse)


def test_a_prompt_that_is_withdrawn_while_spoken_is_finished() -> None:
    talk = Conversing()
    talk.offer("p")
    until_begun(talk, "p")
    talk.post(e.PromptWithdrawn("p"))
    talk.until_quiet()
    assert talk.reports == {"p": "heard"}


def test_a_prompt_that_is_cut_breaks_off_where_it_is() -> None:
    talk = Conversing()
    talk.offer("p", *TWO)
    until_begun(talk, "p")
    talk.until_said(8)
    talk.post(e.PromptWithdrawn("p", cut=True))
    assert talk.floor is Floor.IDLE
    talk.silence(10_000)
    assert talk.reports == {"p": "cancelled"}
    assert len(talk.texts[0]) < len(TWO[0])


def test_cutting_a_prompt_leaves_what_else_is_spoken() -> None:
    talk = answering()
    talk.offer("p")
    talk.post(e.PromptWithdrawn("p", cut=True))
    talk.until_quiet()
    assert talk.texts == [f"{FIRST} {SECOND} {THIRD}"]
    assert talk.reports == {"p": "cancelled"}


def test_a_prompt_that_is_withdrawn_while_spoken_is_not_begun_again() -> None:
    talk = Conversing()
    talk.offer("p", *TWO)
    until_begun(talk, "p")
    talk.post(e.PromptWithdrawn("p"))
    talk.user_says("not now please", ms=1000)
    talk.silence(10_000)
    assert talk.reports == {"p": "cancelled"}
    assert len([b for b in talk.all(c.BeginResponse) if b.origin == OfPrompt("p")]) == 1


def test_a_refused_claim_ends_the_prompt() -> None:
    talk = Conversing()
    talk.refuses.add("p")
    talk.offer("p")
    talk.silence(3000)
    assert talk.reports == {"p": "refused"}
    assert not talk.all(c.BeginResponse)


def test_a_claim_that_nobody_answers_has_failed() -> None:
    talk = Conversing(claim_ms=None)
    talk.silence(1000)
    talk.offer("p")
    talk.silence(round(CLAIM_TIMEOUT * 1000) + 64)
    assert talk.reports == {"p": "failed"}
    assert talk.all(c.ReleasePrompt) == [c.ReleasePrompt("p")]


def test_a_claim_that_is_won_too_late_is_given_back() -> None:
    talk = Conversing(claim_ms=3000)
    talk.offer("p")
    talk.silence(5000)
    assert talk.all(c.ReleasePrompt) == [c.ReleasePrompt("p")] * 2
    assert not talk.all(c.BeginResponse)


def test_a_claim_that_is_won_while_the_user_speaks_is_given_back_and_tried_again() -> None:
    talk = Conversing(claim_ms=200)
    talk.silence(1000)
    talk.offer("p")
    talk.user_says("hello there", ms=896)
    assert talk.all(c.ReleasePrompt) == [c.ReleasePrompt("p")]
    talk.silence(8000)
    assert talk.texts == ["You said: hello there.", "This is prompt p."]
    assert talk.reports == {"p": "heard"}


def interrupted(on_barge_in: OnBargeIn, attempts: int = 2) -> Conversing:
    """A prompt of two sentences, interrupted in its second; the user is answered."""
    talk = Conversing()
    talk.offer("p", *TWO, on_barge_in=on_barge_in, attempts=attempts)
    until_begun(talk, "p")
    talk.until_said(len(TWO[0]) + 8)
    talk.user_says("wait a moment", ms=900)
    talk.silence(15_000)
    return talk


def test_an_interrupted_prompt_that_resumes_says_what_was_not_heard() -> None:
    talk = interrupted(OnBargeIn.RESUME)
    assert talk.texts[1:] == ["You said: wait a moment.", TWO[1]]
    assert talk.reports == {"p": "heard"}
    assert talk.rules.reports[0].heard_ms > len(" ".join(TWO)) * CHAR_MS


def test_an_interrupted_prompt_may_be_said_again_from_the_start() -> None:
    talk = interrupted(OnBargeIn.AGAIN)
    assert talk.texts[1:] == ["You said: wait a moment.", " ".join(TWO)]
    assert talk.reports == {"p": "heard"}


def test_an_interrupted_prompt_that_yields_is_left() -> None:
    talk = interrupted(OnBargeIn.YIELD)
    assert talk.texts[1:] == ["You said: wait a moment."]
    assert talk.reports == {"p": "interrupted"}
    assert 0.4 < talk.rules.reports[0].heard_share < 0.8


def test_a_prompt_is_begun_no_oftener_than_it_may() -> None:
    talk = interrupted(OnBargeIn.RESUME, attempts=1)
    assert talk.texts[1:] == ["You said: wait a moment."]
    assert talk.reports == {"p": "interrupted"}


def test_a_prompt_of_which_most_was_heard_is_not_said_again() -> None:
    talk = Conversing()
    talk.offer("p", *TWO)
    until_begun(talk, "p")
    talk.until_said(len(TWO[0]) + 22)
    talk.user_says("thank you very much", ms=900)
    talk.silence(15_000)
    assert talk.reports == {"p": "heard"}
    assert talk.texts[1:] == ["You said: thank you very much."]


def test_audio_that_is_played_as_fast_as_it_is_made_is_not_the_whole_prompt() -> None:
    machine = Conversation(TurnPolicy(), 0.0)
    text = "Your order is ready at the counter now."
    machine.handle(e.PromptOffered(Prompt("p", (text,))), 1.0)
    begun = machine.handle(e.PromptGranted("p"), 1.0)[0]
    assert isinstance(begun, c.BeginResponse)
    machine.handle(e.SentenceVoiced(begun.response, 0, 300, ((4, 300),)), 1.0)
    machine.handle(e.PlayoutAdvanced(begun.response, 300), 1.3)
    [report] = [
        command
        for command in machine.handle(e.ResponseCancelled(), 1.3)
        if isinstance(command, c.ReportPrompt)
    ]
    assert report.outcome is PromptOutcome.INTERRUPTED
    assert report.heard_share == pytest.approx(4 / len(text))


def test_a_prompt_that_could_not_be_voiced_has_failed() -> None:
    talk = Conversing()
    talk.offer("p")
    until_begun(talk, "p")
    response = talk.all(c.BeginResponse)[0].response
    talk.post(e.SentenceVoiced(response, 0, 0, ()))
    talk.post(e.SentencePlayed(response, 0, failed=True))
    assert talk.reports == {"p": "failed"}


def test_a_prompt_without_words_has_failed() -> None:
    talk = Conversing()
    talk.post(e.PromptOffered(Prompt("p", ())))
    assert talk.reports == {"p": "failed"}


def test_a_prompt_offered_twice_is_said_once() -> None:
    talk = Conversing()
    talk.offer("p")
    talk.offer("p")
    until_begun(talk, "p")
    talk.offer("p")
    talk.silence(5000)
    assert talk.texts == ["This is prompt p."]


def test_more_prompts_than_a_conversation_holds_go_back() -> None:
    talk = Conversing()
    for index in range(PROMPT_LIMIT + 1):
        talk.offer(f"p{index}", due_in=60.0)
    assert talk.reports == {f"p{PROMPT_LIMIT}": "returned"}


def test_when_the_session_ends_what_was_not_heard_goes_back() -> None:
    talk = Conversing()
    talk.offer("spoken", *TWO)
    until_begun(talk, "spoken")
    talk.offer("waiting")
    talk.closes()
    assert talk.reports == {"spoken": "returned", "waiting": "returned"}
    assert talk.floor is Floor.IDLE
    assert talk.machine.next_deadline() is None


def test_a_prompt_that_comes_after_the_end_goes_back() -> None:
    talk = Conversing()
    talk.closes()
    talk.offer("p")
    talk.post(e.PromptGranted("p"))
    assert talk.reports == {"p": "returned"}
    assert talk.all(c.ReleasePrompt) == [c.ReleasePrompt("p")]


def test_a_prompt_may_be_spoken_in_a_session_whose_user_never_speaks() -> None:
    talk = Conversing(TurnPolicy(manual=True))
    talk.offer("p", priority=LOW)
    talk.no_audio(10_000)
    assert talk.reports == {"p": "heard"}
