"""Text for the eye into text for the ear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.spoken_form import spoken_form

TABLE = [
    # prices
    ("$4.50", "four dollars fifty"),
    ("a latte is $4.50, a mocha $5.", "a latte is four dollars fifty, a mocha five dollars."),
    ("$4.05 or $0.50", "four dollars and five cents or fifty cents"),
    ("$1", "one dollar"),
    ("£3.20", "three pounds twenty"),
    ("4,50 €", "four euros fifty"),
    ("$4-$6", "four dollars to six dollars"),
    ("$2.5 million", "two point five million dollars"),
    # times
    ("7:30 pm", "seven thirty P M"),
    ("19:00", "seven P M"),
    ("9:05", "nine oh five"),
    ("12:00", "twelve o'clock"),
    ("0:30", "twelve thirty A M"),
    ("7am-6pm", "seven A M to six P M"),
    ("at 9 a.m. on Sunday", "at nine A M on Sunday"),
    # dates
    ("2026-03-04", "March fourth, twenty twenty six"),
    ("March 4th, 2026", "March fourth, twenty twenty six"),
    ("3/4/2026", "March fourth, twenty twenty six"),
    ("4 March", "March fourth"),
    ("the 21st of May", "the twenty first of May"),
    ("in 1999", "in nineteen ninety nine"),
    ("the 1990s", "the nineteen nineties"),
    # numbers
    ("1,250.75", "one thousand two hundred and fifty point seven five"),
    ("007", "zero zero seven"),
    ("the 2nd door", "the second door"),
    ("order #12", "order number twelve"),
    ("pages 3–5.", "pages three to five."),  # noqa: RUF001
    ("-5 outside", "minus five outside"),
    ("½ cup", "a half cup"),
    ("A4", "A four"),
    # units and percentages
    ("10% off", "ten percent off"),
    ("a 12 oz cup", "a twelve ounces cup"),
    ("1 lb", "one pound"),
    ("3.5 km", "three point five kilometers"),
    ("-5°C", "minus five degrees Celsius"),
    # opening hours
    ("Mon-Fri 9-17", "Monday to Friday nine to seventeen"),
    ("Sat 10:00-14:00", "Saturday ten o'clock to two P M"),
    ("Monday-Friday", "Monday to Friday"),
    ("he sat in the sun.", "he sat in the sun."),
    # addresses and telephone numbers
    ("info@cafe.example,", "info at cafe dot example,"),
    ("see www.cafe.com/menu.", "see cafe dot com slash menu."),
    ("555-0104", "five five five, zero one zero four"),
    ("+1 (555) 010-4477", "plus one, five five five, zero one zero, four four seven seven"),
    ("[menu](http://cafe.example/m) here", "menu here"),
    # abbreviations and signs
    ("tea, e.g. Earl Grey", "tea, for example Earl Grey"),
    ("St. Mary's on Main St. today", "Saint Mary's on Main Street today"),
    ("Dr. Smith & Mr. Jones", "Doctor Smith and Mister Jones"),
    ("tea/coffee", "tea or coffee"),
    ("No. 5", "number five"),
    ("**bold** — `code` 🙂", "bold, code"),
    ('("Hello")', '("Hello")'),
    # nothing to say
    ("", ""),
    ("... — !", ""),
]


@pytest.mark.parametrize(("written", "said"), TABLE)
def test_what_is_written_is_said_as_a_person_would(written: str, said: str) -> None:
    assert " ".join(word.text for word in spoken_form(written)) == said


def test_each_word_knows_how_far_the_original_has_been_said() -> None:
    text = "It costs $4.50, at 7:30 pm."
    ends = {word.text: text[: word.end] for word in spoken_form(text)}

    assert ends["costs"] == "It costs"
    assert ends["four"] == ends["dollars"] == ends["fifty,"] == "It costs $4.50,"
    assert ends["at"] == "It costs $4.50, at"
    assert ends["M."] == text


def test_a_language_without_rules_is_said_as_it_is_written() -> None:
    assert [word.text for word in spoken_form("um 9 Uhr", "de-DE")] == ["um", "9", "Uhr"]


WRITTEN = st.text() | st.text(alphabet="0123456789:.,-/$€%°+@()# apmkMonFrisunSt'\"\n", max_size=60)


@given(WRITTEN)
def test_any_text_is_said_without_an_error_and_in_its_order(text: str) -> None:
    words = spoken_form(text)

    ends = [word.end for word in words]
    assert ends == sorted(ends)
    assert all(0 < end <= len(text) for end in ends)
    assert all(word.text and not any(map(str.isspace, word.text)) for word in words)
