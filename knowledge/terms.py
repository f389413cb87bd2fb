"""Words as the index compares them: stemmed, without accents, without those that say nothing."""

import re

import tantivy

_STOPWORDS = """
a about an and any anything are as at be been being but by can could did do does doing for from get
had has have having he her here him his how i if in into is it its just like may me might my of on
one or our please she should so some something tell than that the their them then there these they
this those to too us was we were what when where which who whom whose why will with would you your
am also ok okay um uh s t d ll m re ve don isn aren doesn didn won know want need got
"""
"""Question words, auxiliaries and other words that no document is found by."""

_JOINED = re.compile(r"\bwi[- ]fi\b", re.IGNORECASE)
_ANALYZER = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    .filter(tantivy.Filter.remove_long(40))
    .filter(tantivy.Filter.lowercase())
    .filter(tantivy.Filter.ascii_fold())
    .filter(tantivy.Filter.custom_stopword(_STOPWORDS.split()))
    .filter(tantivy.Filter.stemmer("English"))
    .build()
)

_SPELLINGS = {
    _ANALYZER.analyze(word)[0]: digits
    for word, digits in (
        ("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("six", "6"), ("seven", "7"),
        ("eight", "8"), ("nine", "9"), ("ten", "10"), ("eleven", "11"), ("twelve", "12"),
        ("fifteen", "15"), ("sixteen", "16"), ("twenty", "20"),
    )
}  # fmt: skip
"""Spoken numbers to the digits that documents use; only those that sizes and times need."""


def terms_of(text: str) -> list[str]:
    """The terms of `text`, in order."""
    found: list[str] = _ANALYZER.analyze(_JOINED.sub("wifi", text))
    return [_SPELLINGS.get(term, term) for term in found]
