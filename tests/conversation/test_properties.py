"""What holds whatever happens: random conversations, and events that make no sense at all.

The rules themselves are in tests/support/floor_rules.py and are checked after every event.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from conversation import Completeness, Conversation, Endpointing, Floor, TurnPolicy
from conversation import commands as c
from conversation import events as e
from conversation.prompts import OnBargeIn, Priority, Prompt
from tests.support.conversing import BACKCHANNELS, Conversing, replay
from tests.support.floor_rules import FloorRules
from tests.support.hypothesis_profiles import examples

LATER_S = 1000.0
"""By then every part has been given up: 8 answers and 3 recognitions of 20 s each, and prompts."""
TICKS_PER_SECOND = 20

policies = st.builds(
    TurnPolicy,
    endpointing=st.sampled_from([Endpointing(), Endpointing(0, 0, 0, 0, 0), Endpointing(5000)]),
    manual=st.booleans(),
    create_response=st.booleans(),
    interrupt_response=st.booleans(),
    idle_timeout_ms=st.sampled_from([None, 0, 1500, 20_000]),
)
likely_policies = st.one_of(st.just(TurnPolicy()), policies)


# Conversations that could be


Act: TypeAlias = Callable[[Conversing], None]
spans = st.integers(1, 80).map(lambda frames: frames * 32)
short_spans = st.integers(1, 12).map(lambda frames: frames * 32)
prompt_ids = st.integers(0, 5).map(lambda number: f"p{number}")


def says(span: int, words: int, then: Completeness) -> Act:
    def act(talk: Conversing) -> None:
        at = len(talk.events)
        talk.user_says(" ".join(f"w{at}.{index}" for index in range(words)), span, then)

    return act


def offers(
    prompt_id: str, sentences: int, priority: Priority, due: int, life: int, again: OnBargeIn
) -> Act:
    def act(talk: Conversing) -> None:
        texts = [f"Sentence {index} of prompt {prompt_id}." for index in range(sentences)]
        talk.offer(
            prompt_id,
            *texts,
            priority=priority,
            due_in=due / 10,
            expires_in=life / 10,
            on_barge_in=again,
        )

    return act


def breaks(recognition: int | None, answer: int | None, claim: int | None, fails: int) -> Act:
    def act(talk: Conversing) -> None:
        talk.recognition_ms, talk.answer_ms, talk.claim_ms = recognition, answer, claim
        talk.recognizer_fails = bool(fails & 1)
        talk.mind_fails = bool(fails & 2)
        talk.awaits_client = bool(fails & 4)
        talk.refuses = {"p0", "p3"} if fails & 8 else set()

    return act


def posts(event: e.Event) -> Act:
    return lambda talk: talk.post(event)


acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(says, spans, st.integers(1, 6), st.sampled_from(Completeness)),
    st.builds(says, short_spans, st.integers(1, 2), st.sampled_from(Completeness)),
    spans.map(lambda span: lambda talk: talk.silence(span)),
    spans.map(lambda span: lambda talk: talk.silence(3 * span)),
    short_spans.map(lambda span: lambda talk: talk.user_coughs(span)),
    st.sampled_from(sorted(BACKCHANNELS)).map(lambda t: lambda talk: talk.user_says(t, 256)),
    spans.map(lambda span: lambda talk: talk.no_audio(span)),
    st.builds(
        offers,
        prompt_ids,
        st.integers(1, 3),
        st.sampled_from(Priority),
        st.sampled_from([0, 0, 10, 100]),
        st.sampled_from([5, 50, 10_000]),
        st.sampled_from(OnBargeIn),
    ),
    prompt_ids.map(lambda prompt_id: posts(e.PromptWithdrawn(prompt_id))),
    st.builds(
        breaks,
        st.sampled_from([10, 40, 40, 400, 3000, None]),
        st.sampled_from([10, 80, 80, 600, 4000, None]),
        st.sampled_from([1, 5, 300, 3000, None]),
        st.sampled_from([0, 0, 0, 1, 2, 4, 8]),
    ),
    st.just(lambda talk: talk.requests_response()),
    st.sampled_from(
        [
            posts(e.ResponseCancelled()),
            posts(e.InputCommitted()),
            posts(e.InputCleared()),
            posts(e.LoadChanged(loaded=True)),
        ]
    ),
    likely_policies.map(lambda policy: lambda talk: talk.changes_policy(policy)),
)


def talked(policy: TurnPolicy, what: list[Act]) -> Conversing:
    """A conversation in which all this happened, one after the other."""
    talk = Conversing(policy)
    for act in what:
        act(talk)
    return talk


def mended(talk: Conversing) -> None:
    """Every part works again, and the user is silent."""
    breaks(40, 80, 5, 0)(talk)
    talk.silence(4000)


@examples(120)
@given(likely_policies, st.lists(acts, min_size=10, max_size=30))
def test_a_conversation_keeps_the_rules_and_comes_back_to_idle(
    policy: TurnPolicy, what: list[Act]
) -> None:
    talk = talked(policy, what)
    mended(talk)
    before = (talk.ticks, talk.now)
    talk.no_audio(200_000)
    assert talk.floor is Floor.IDLE
    assert talk.ticks - before[0] < TICKS_PER_SECOND * 200
    assert set(talk.spoken_over.values()) <= {Priority.CRITICAL}
    talk.closes()
    assert talk.rules.open_prompts == talk.rules.running == set()
    assert talk.rules.current is None
    assert talk.machine.next_deadline() is None
    assert replay(policy, talk.events) == [command for _, command in talk.log]


@examples(60)
@given(likely_policies, st.lists(acts, min_size=10, max_size=30))
def test_a_session_may_close_at_any_moment(policy: TurnPolicy, what: list[Act]) -> None:
    talk = talked(policy, what)
    talk.closes()
    offered = len(talk.rules.reports)
    commands = len(talk.log)
    assert talk.rules.open_prompts == talk.rules.running == set()
    assert talk.floor is Floor.IDLE
    talk.silence(3000)
    talk.user_says("too late", 640)
    assert len(talk.rules.reports) == offered
    late = [type(command) for _, command in talk.log[commands:]]
    assert set(late) <= {c.ReleasePrompt}


# Events that make no sense


numbers = st.integers(-1, 5)
lengths = st.sampled_from([-1, 0, 31, 97, 200, 699, 701, 3000, 60_000])
marks = st.lists(st.tuples(st.integers(-1, 30), st.integers(-1, 2000)), max_size=3).map(tuple)
sentences = st.sampled_from([(), ("",), ("Fire!",), ("Your order is ready.",), ("One.", "Two.")])
prompts = st.builds(
    Prompt,
    prompt_ids,
    sentences,
    st.sampled_from(Priority),
    due=st.sampled_from([0.0, 0.0, 2.0, 30.0]),
    expires=st.sampled_from([0.0, 40.0, float("inf"), float("inf")]),
    on_barge_in=st.sampled_from(OnBargeIn),
    attempts=st.integers(-1, 3),
)
nonsense: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(e.SpeechStarted, lengths),
    st.builds(e.SpeechContinued, lengths),
    st.builds(e.SpeechPaused, lengths, lengths),
    st.builds(e.SilenceGrew, lengths),
    st.just(e.Stirred()),
    st.builds(
        e.WordsHeard,
        numbers,
        st.sampled_from(["", "a latte", "mm-hm"]),
        st.sampled_from(Completeness),
        st.booleans(),
    ),
    st.builds(e.RecognitionFailed, numbers, st.sampled_from(["", "gone"])),
    st.builds(e.SentenceReady, numbers, st.sampled_from(["", "A latte.", "And cake."])),
    st.builds(e.AnswerFinished, numbers, st.booleans()),
    st.builds(e.AnswerWentOn, numbers),
    st.builds(e.SentenceVoiced, numbers, numbers, lengths, marks),
    st.builds(e.SentenceBegun, numbers, numbers),
    st.builds(e.SentencePlayed, numbers, numbers, st.booleans()),
    st.builds(e.PlayoutAdvanced, numbers, lengths),
    prompts.map(e.PromptOffered),
    st.builds(e.PromptWithdrawn, prompt_ids),
    st.builds(e.PromptGranted, prompt_ids),
    st.builds(e.PromptRefused, prompt_ids),
    st.builds(e.ResponseRequested, numbers),
    st.sampled_from([e.ResponseCancelled(), e.InputCommitted(), e.InputCleared(), e.Tick()]),
    st.builds(e.PolicyChanged, likely_policies),
    st.builds(e.LoadChanged, st.booleans()),
)
replies = st.integers(0, 3)
"""Not an event: the last command but so many gets the reply it asks for."""
pauses = st.sampled_from([-1.0, 0.0, 0.0, 0.01, 0.1, 0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 25.0])
happenings = st.lists(st.tuples(pauses, st.one_of(nonsense, replies)), min_size=40, max_size=100)


ASKING = (c.Transcribe, c.Answer, c.Speak, c.ClaimPrompt, c.PauseSpeech, c.StopAfter)


def reply_to(command: c.Command) -> e.Event:
    """What a working part might say to it."""
    match command:
        case c.Transcribe(work):
            return e.WordsHeard(work, f"words {work}", Completeness.COMPLETE)
        case c.Answer(work):
            return e.SentenceReady(work, f"Sentence of {work}.")
        case c.Speak(response, sentence):
            return e.SentenceBegun(response, sentence)
        case c.ClaimPrompt(prompt_id):
            return e.PromptGranted(prompt_id)
        case c.PauseSpeech():
            return e.SpeechContinued(800)
        case c.StopAfter(response, sentence):
            return e.SentencePlayed(response, sentence)
        case _:
            raise AssertionError(command)


class Hostile:
    """Feeds the machine whatever comes. Works and responses are counted back from the latest, so
    that most of them exist."""

    def __init__(self, policy: TurnPolicy) -> None:
        self.now = 0.0
        self.machine = Conversation(policy, 0.0)
        self.rules = FloorRules()
        self.rules.manual = policy.manual
        self.events: list[tuple[float, e.Event]] = []
        self.commands: list[c.Command] = []
        self.latest = 0

    def take(self, happening: e.Event | int) -> None:
        """An event, its ids counted back; or a number: a fitting reply to a late command."""
        if isinstance(happening, int):
            asking = [command for command in self.commands if isinstance(command, ASKING)]
            if len(asking) > happening:
                self.post(reply_to(asking[-1 - happening]))
            return
        for name in ("work", "response"):
            if hasattr(happening, name):
                number = self.latest - getattr(happening, name)
                happening = replace(happening, **{name: number})
        self.post(happening)

    def post(self, event: e.Event) -> None:
        """One event, with the rules checked."""
        self.events.append((self.now, event))
        commands = self.machine.handle(event, self.now)
        self.rules.check(self.machine, event, self.now, commands)
        self.commands += commands
        for command in commands:
            for name in ("work", "response", "turn"):
                self.latest = max(self.latest, getattr(command, name, None) or 0)

    def wind_down(self) -> int:
        """Nothing comes any more but ticks; returns how many were asked for."""
        end, ticks = self.now + LATER_S, 0
        while (deadline := self.machine.next_deadline()) is not None and deadline <= end:
            self.now = deadline
            self.post(e.Tick())
            ticks += 1
            assert ticks < LATER_S * TICKS_PER_SECOND, "an endless loop of ticks"
        return ticks


@examples(250)
@given(policies, happenings)
def test_any_events_with_any_ids_at_any_time_keep_the_rules(
    policy: TurnPolicy, happened: list[tuple[float, e.Event | int]]
) -> None:
    hostile = Hostile(policy)
    for pause, event in happened:
        hostile.now = max(0.0, hostile.now + pause)
        hostile.take(event)
    hostile.wind_down()
    assert hostile.machine.floor is Floor.IDLE
    hostile.post(e.SessionClosed())
    assert hostile.rules.open_prompts == hostile.rules.running == set()
    assert hostile.rules.current is None
    assert replay(policy, hostile.events) == hostile.commands


@examples(100)
@given(policies, happenings)
def test_a_conversation_whose_parts_are_all_dead_asks_for_few_ticks(
    policy: TurnPolicy, happened: list[tuple[float, e.Event | int]]
) -> None:
    hostile = Hostile(policy)
    for pause, event in happened:
        hostile.now = max(0.0, hostile.now + pause)
        hostile.take(event)
    assert hostile.wind_down() < 200
    assert hostile.machine.next_deadline() is None
