"""Could the speaker stop here? A cut-in is a turn ended after COMPLETE while the person went on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.definition import read_intents
from intents.engine import IntentEngine
from intents.understanding import Completeness, Form

CAFE = Path(__file__).parents[2] / "agents" / "cafe"
FILES = read_intents(CAFE / "intents")
ENGINE = IntentEngine(FILES)
LATTE = Form("orderDrink", {"coffeeDrink": "latte"}, awaiting="confirm")
NO_DRINK = Form("orderDrink", {"size": "large"}, awaiting="coffeeDrink")

COMPLETE = """
make me a coffee without sugar
a cappuccino with sweetener
I'd like a large iced latte with soy milk
can I get a medium roast cappuccino with whole milk
brew a latte with cream and sugar
get me a sixteen ounce light roast house coffee with some whole milk and a lot of sugar
can I have a mocha please
give me a small latte please
I'd like a double shot espresso thank you
thank you
thanks
thank you very much
goodbye
have a nice day
yes
yes please
yeah go ahead
that's all
place the order
cancel the order
never mind
say that again
can you repeat that please
what can you do
how are you
who are you
what's your name
when do you close
when do you close on Sunday
what time do you open
what time do you open tomorrow
are you open on Sunday
are you open
do you have wifi
do you have almond milk
do you sell beans
what milk do you have
which cards do you take
what do you have
what do you recommend
how much is a large latte
how much is it
how much is that
how much does a cappuccino cost
where are you
where is the toilet
where can I park
where do the beans come from
what is it made of
what is in a mocha
is the wifi free
are dogs allowed
can I bring my dog
can my dog come in
is there parking nearby
is there a loyalty card
does the latte contain milk
what's the wifi password
tell me about your beans
what about Sunday
and on Saturday
how many seats are there
where is it
what size is a small
do I need to book
"""

UNSURE = """
could I get a flat white with oat milk
I'd like a large iced latte
can I get a cappuccino
brew an espresso
hello
good morning
no
okay
I'd like to order
I'd like a large latte with soy
"""

DANGLING = """
I'd like a large
I'd like a large iced
I'd like
I would like
I want
can I
can I get
can I get a
can I have an
can I get a medium roast
get me
give me a twenty
give me a twenty ounce
make me a single
make me a single shot
may I have a dark roast eight ounce
brew
I'd like a large latte with
I'd like a large latte with a
I'd like a large latte with a lot
I'd like a large latte with a lot of
I'd like a large latte with a little bit of
I'd like a large latte with almond
I'd like a large latte with brown
I'd like a large latte with milk and
I'd like a large latte and
a coffee with sugar and some
a double shot dark
can I get a medium
with
and
um
I'd like a latte um
a latte with uh
actually
so
but
because
when do you
what time
what time do you
what time are you
when are you
when does the café
when does the
what kind of
how much
how much is
how much is the
how much does a
how many
which milk
do you
do you have
do you have any
do you sell
are you
are there
is there
is there a
is it
is the wifi
does the latte
can you tell me
can you tell me about
could you please
could you
tell me about the
tell me
where is the
where can I
where do the
what's
what's the
where's
why is
who is the
I'm
I have a
it is
what about
how about
my
"""


@pytest.mark.parametrize("text", COMPLETE.strip().splitlines())
def test_a_whole_utterance_is_complete(text: str) -> None:
    assert ENGINE.completeness(text) in {Completeness.COMPLETE, Completeness.LIKELY}


@pytest.mark.parametrize("text", UNSURE.strip().splitlines())
def test_what_often_goes_on_is_unsure(text: str) -> None:
    assert ENGINE.completeness(text) is Completeness.UNSURE


@pytest.mark.parametrize("text", DANGLING.strip().splitlines())
def test_an_unfinished_utterance_dangles(text: str) -> None:
    assert ENGINE.completeness(text) is Completeness.DANGLING


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (LATTE, "make it medium", Completeness.UNSURE),  # roast
        (LATTE, "no make it a large", Completeness.COMPLETE),
        (LATTE, "with soy milk", Completeness.COMPLETE),
        (LATTE, "without sugar", Completeness.COMPLETE),
        (LATTE, "actually with almond", Completeness.DANGLING),
        (LATTE, "actually with", Completeness.DANGLING),
        (LATTE, "make it", Completeness.DANGLING),
        (LATTE, "make it a", Completeness.DANGLING),
        (LATTE, "no make it", Completeness.DANGLING),
        (LATTE, "with a lot of", Completeness.DANGLING),
        (LATTE, "yes", Completeness.COMPLETE),
        (LATTE, "yes please", Completeness.COMPLETE),
        (LATTE, "yes and", Completeness.DANGLING),
        (LATTE, "no", Completeness.UNSURE),
        (LATTE, "do you have soy milk", Completeness.LIKELY),
        (NO_DRINK, "a latte with milk", Completeness.UNSURE),
        (NO_DRINK, "a medium", Completeness.DANGLING),
        (NO_DRINK, "an iced", Completeness.DANGLING),
    ],
)
def test_an_open_form_shortens_what_is_whole(form: Form, text: str, expected: Completeness) -> None:
    assert ENGINE.completeness(text, form) is expected


def test_nothing_heard_says_nothing() -> None:
    assert ENGINE.completeness("") is Completeness.UNSURE
    assert ENGINE.completeness("... !") is Completeness.UNSURE


def test_case_and_punctuation_of_a_recognizer_do_not_matter() -> None:
    assert ENGINE.completeness("When do you close?") is Completeness.LIKELY
    assert ENGINE.completeness("I\u2019D LIKE A LARGE...") is Completeness.DANGLING


@given(st.text(max_size=80))
def test_completeness_answers_any_text(text: str) -> None:
    assert ENGINE.completeness(text) in Completeness
    assert ENGINE.completeness(text, LATTE) in Completeness


_WORDS = sorted({word for line in (COMPLETE + DANGLING).splitlines() for word in line.split()})


@given(st.lists(st.sampled_from(_WORDS), max_size=12), st.sampled_from(["with", "and", "a", "the"]))
def test_whatever_was_said_a_small_word_at_the_end_dangles(said: list[str], last: str) -> None:
    text = " ".join([*said, last])
    assert ENGINE.completeness(text) is Completeness.DANGLING


_ORDER = FILES[0].intents["orderDrink"].slots


@given(
    st.sampled_from(["I'd like", "brew", "can I get", "may I have", "give me", "hi I want"]),
    st.sampled_from(["a", "an", "one", "some"]),
    st.permutations(["size", "roast", "numberOfShots"]).flatmap(
        lambda names: st.tuples(*(st.sampled_from(_ORDER[name].values) for name in names))
    ),
    st.integers(0, 3),
)
def test_an_order_dangles_at_every_word_before_its_drink(
    opening: str, article: str, values: tuple[str, ...], count: int
) -> None:
    words = f"{opening} {article} {' '.join(values[:count])}".split()
    for end in range(len(opening.split()), len(words) + 1):
        assert ENGINE.completeness(" ".join(words[:end])) is Completeness.DANGLING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a coffee with milk and sugar", Completeness.COMPLETE),
        ("a large latte with some brown sugar", Completeness.COMPLETE),
        ("a large latte with soy milk", Completeness.LIKELY),
        ("a latte with soy milk", Completeness.UNSURE),
        ("a large medium roast latte", Completeness.UNSURE),
    ],
)
def test_people_name_the_sugar_last(text: str, expected: Completeness) -> None:
    assert ENGINE.completeness(text) is expected
