"""A model's words, as they stream in, become sentences that can be spoken.

Models write for eyes: Markdown, lists, emoji, citation marks, now and then their own thinking. All
of that is taken out here, and each sentence is handed on as soon as it surely has ended.
"""

import re
import unicodedata

from knowledge.sentences import ends_in_abbreviation

LONG_FIRST = 60
"""Characters of a first sentence without an end after which a clause of it is handed on: a model
that writes 50 tokens a second takes 0.3 s for them, and the voice can begin meanwhile."""
SHORTEST_CLAUSE = 20
"""Characters of such a clause: less would be a word or two and then a gap."""
LONGEST = 400
"""Characters without any end of a sentence; then the words are handed on as they are."""

_END = re.compile(r"""[.!?…]+["'”’)\]*_]*(?=\s+\S)|[。！？]+|\n""")  # noqa: RUF001
_CLAUSE_END = re.compile(r"[,;:]\s+|\s[–—]\s+")  # noqa: RUF001
_THINKING, _THOUGHT = "<think>", "</think>"

_FENCE = re.compile(r"\s*(?:```|~~~)")
_LINE_BEGIN = re.compile(r"\A\s*(?:#{1,6}\s+|>\s+|[-*+•]\s+)+")
_FIRST_NUMBER = re.compile(r"\A\s*1[.)](?=\s|$)\s*")
_NUMBER = re.compile(r"\A\s*\d{1,3}[.)](?=\s|$)\s*")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_UNSPOKEN = re.compile(r"【[^】]*】|\[\d+\]|</?[A-Za-z][^<>]{0,80}>|~~|`+")
_ESCAPE = re.compile(r"\\(?=[^\w\s])")
_EMPHASIS = re.compile(r"\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_GAP = re.compile(r"\s+(?=[.,!?;:])")


class SpokenSentences:
    """Feed it the model's words as they come; it hands out what can be said."""

    def __init__(self) -> None:
        self._rest = ""
        self._begun = False
        self._first_line = True
        self._line_begins = True

    def feed(self, words: str) -> list[str]:
        """The sentences that these words complete, none empty."""
        self._rest += words
        if not self._begun and self._thinks():
            return []
        found = []
        while (end := self._end()) is not None:
            found += self._taken(end)
        return found

    def finish(self) -> list[str]:
        """What is left when the model has ended."""
        if not self._begun and self._thinks():
            return []
        return self._taken(len(self._rest))

    def _taken(self, end: int) -> list[str]:
        raw, self._rest = self._rest[:end], self._rest[end:]
        sentence = spoken(raw, line_begins=self._line_begins, first_line=self._first_line)
        if raw.endswith("\n"):
            self._line_begins, self._first_line = True, False
        elif raw.strip():
            self._line_begins = False
        if not sentence:
            return []
        self._begun = True
        return [sentence]

    def _end(self) -> int | None:
        rest = self._rest
        for mark in _END.finditer(rest):
            if _ends(rest, mark) and not self._is_number(rest[: mark.end()]):
                return mark.end()
        if not self._begun and len(rest) >= LONG_FIRST:
            ends = [clause.end() for clause in _CLAUSE_END.finditer(rest, SHORTEST_CLAUSE)]
            if ends:
                return ends[-1]
        if len(rest) > LONGEST:
            return rest.rfind(" ", 1, LONGEST) + 1 or LONGEST
        return None

    def _is_number(self, begin: str) -> bool:
        """Whether this is the number of a list's point rather than a sentence."""
        number = _FIRST_NUMBER if self._first_line else _NUMBER
        return self._line_begins and number.fullmatch(begin) is not None

    def _thinks(self) -> bool:
        """Whether the model (some do it in the open) is still thinking, or may be about to."""
        text = self._rest.lstrip()
        if not text.startswith(_THINKING):
            return text != "" and _THINKING.startswith(text)
        _, ended, after = text.partition(_THOUGHT)
        # What is thought is dropped as it comes, but for what may be half of its end.
        self._rest = after if ended else _THINKING + text[len(_THINKING) :][-len(_THOUGHT) :]
        return not ended


def spoken(text: str, *, line_begins: bool = True, first_line: bool = False) -> str:
    """`text` without what only eyes can use; "" if nothing is left to say.

    line_begins: it begins a line, so marks of lists and headings are none of its words.
    first_line: of an answer; there "4. ..." may be the answer itself, and only "1." begins a list.

    >>> spoken("- **Latte**: from [£3.20](menu.md) ☕")
    'Latte: from £3.20'
    """
    if _FENCE.match(text):
        return ""
    if line_begins:
        text = _LINE_BEGIN.sub("", text, count=1)
        text = (_FIRST_NUMBER if first_line else _NUMBER).sub("", text, count=1) or text
    if text.lstrip().startswith("|"):
        text = ", ".join(cell.strip() for cell in text.split("|") if cell.strip())
    text = _UNSPOKEN.sub("", _LINK.sub(r"\1", text))
    text = _EMPHASIS.sub("", _ESCAPE.sub("", text))
    text = "".join(char for char in text if _can_be_read(char))
    text = _GAP.sub("", " ".join(text.split()))
    return text if any(map(str.isalnum, text)) else ""


def _ends(text: str, mark: "re.Match[str]") -> bool:
    if not mark[0].startswith("."):
        return True
    if text[mark.end() :].lstrip()[:1].islower():
        return False
    return not ends_in_abbreviation(text[: mark.end()])


def _can_be_read(char: str) -> bool:
    """Emoji, arrows, boxes and control characters cannot."""
    if char < "\x7f":
        return char >= " " or char.isspace()
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Co", "Cs", "Cn"}:
        return False
    if char < "\u2190":  # signs that have names: °, ©, ™, ℃
        return True
    arrow = char <= "\u21ff"
    chooses_colour = "\ufe00" <= char <= "\ufe0f"  # follows emoji
    return not (arrow or chooses_colour or category in {"So", "Sk", "Me"})
