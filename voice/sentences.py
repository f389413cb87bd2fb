"""Where one spoken sentence ends and the next begins."""

import re

_END = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s|$)|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)""")  # noqa: RUF001

_GOES_ON = frozenset(
    [
        *("e.g", "i.e", "cf", "vs", "approx", "ca", "dr", "mr", "mrs", "ms", "prof", "sr", "jr"),
        *("st", "mt", "ft", "no", "nr", "fig", "vol", "ext", "tel", "max", "min"),
    ]
)
"""Before a full stop, in lower case: something always follows, whatever its first letter."""

_INITIAL = re.compile(r"^[^\W\d_]$")
_WORD_BEFORE = re.compile(r"[\w.'-]*$")
_CLOSING = "\"'”’)]"  # noqa: RUF001


def split_sentences(text: str) -> list[str]:
    """The sentences of `text`, stripped, none empty.

    A full stop does not end one after an abbreviation or an initial, inside a number or an
    address, nor before a small letter. A blank line and a list's next point always do.
    """
    found: list[str] = []
    start = 0
    for mark in _END.finditer(text):
        if _ends(text, mark):
            found.append(text[start : mark.end()])
            start = mark.end()
    found.append(text[start:])
    return [sentence.strip() for sentence in found if any(map(str.isalnum, sentence))]


def _ends(text: str, mark: "re.Match[str]") -> bool:
    if mark.group().rstrip(_CLOSING) != ".":
        return True
    rest = text[mark.end() :].lstrip()
    if rest[:1].islower():
        return False
    before = _WORD_BEFORE.search(text[max(0, mark.start() - 40) : mark.start()])
    word = before.group() if before else ""
    if _INITIAL.match(word) and word != "I":
        return False
    return word.lower() not in _GOES_ON or not rest
