"""How English says numbers, times, prices, dates, addresses and abbreviations."""

import re
from collections.abc import Callable, Sequence

from num2words import num2words

from voice.spoken_english_words import (
    ABBREVIATIONS,
    CURRENCIES,
    FRACTIONS,
    PLURALS,
    SIGN_NAMES,
    SLASHED,
    UNITS,
    WEEKDAYS,
)

_Match = re.Match[str]
_Say = Callable[[_Match], str | None]

_MONTHS = "January February March April May June July August September October November December"
_MONTH_NAMES = _MONTHS.split()
_MONTH = (
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November"
    r"|December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1[1-9]\d\d|20\d\d)"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_BEFORE = r"(?<![\w.,])"  # not inside a word or a longer number
_AFTER = r"(?![\w])"

_WEEKDAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_DASH = r"\s?[-–—]\s?"  # noqa: RUF001


_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))


_LONGEST_NUMBER = 12
"""Digits that are still said as one number; more is a code, said digit by digit."""


def _digits(text: str) -> str:
    return " ".join(num2words(int(digit)) for digit in text if digit.isdecimal())


def _cardinal(text: str) -> str:
    """A number's words: "1,250.5"; one with a leading zero is a code, digit by digit."""
    whole, _, decimals = text.replace(",", "").partition(".")
    if len(whole) > _LONGEST_NUMBER or (len(whole) > 1 and whole.startswith("0")):
        said = _digits(whole)
    else:
        said = _plain(num2words(int(whole)))
    return f"{said} point {_digits(decimals)}" if decimals else said


def _plain(words: str) -> str:
    return words.replace(",", "").replace("-", " ")


def _ordinal(number: int) -> str:
    return _plain(num2words(number, to="ordinal"))


def _year(year: int) -> str:
    return _plain(num2words(year, to="year"))


def _counted(count: str, thing: str) -> str:
    """ "1", "mile per hour" → "one mile per hour"; more of them in the plural."""
    noun, *rest = thing.split()
    if count not in ("1", "1.0"):
        noun = PLURALS.get(noun, noun if noun == "pence" else noun + "s")
    return " ".join((_cardinal(count), noun, *rest))


def _link(match: _Match) -> str:
    return match["label"]


def _address(match: _Match) -> str:
    address = re.sub(r"^(https?://)?(www\.)?", "", match.group(), flags=re.IGNORECASE)
    parts = re.findall(r"[^\W\d_]+|\d+|[-._+@/]", address.rstrip("/"))
    return " ".join(
        _digits(part) if part.isdecimal() else SIGN_NAMES.get(part, part) for part in parts
    )


def _phone(match: _Match) -> str | None:
    groups = re.findall(r"\d+", match.group())
    if not 7 <= sum(map(len, groups)) <= 15:  # E.164 allows 15
        return None
    plus = "plus " if match.group().startswith("+") else ""
    return plus + ", ".join(map(_digits, groups))


def _date(match: _Match) -> str | None:
    found = match.groupdict()
    month = found["month"]
    if month.isdecimal():
        if not 1 <= int(month) <= 12:
            return None
        name = _MONTH_NAMES[int(month) - 1]
    else:
        name = next(known for known in _MONTH_NAMES if known.startswith(month[:3]))
    day = _ordinal(int(found["day"]))
    said = f"{day} of {name}" if found.get("of") else f"{name} {day}"
    return f"{said}, {_year(int(found['year']))}" if found.get("year") else said


def _time(match: _Match) -> str | None:
    hour, minute = int(match["hour"]) % 24, int(match["minute"] or 0)
    half = (match["half"] or "")[:1].lower()
    if not match["minute"] and not half:
        return None
    if not half and (hour > 12 or hour == 0):  # from a 24-hour clock
        half = "p" if hour > 12 else "a"
    return " ".join((_clock(hour, minute, bool(half)), f"{half.upper()} M" if half else "")).strip()


def _clock(hour: int, minute: int, has_half: bool) -> str:
    said = num2words((hour - 1) % 12 + 1)
    if minute:
        return f"{said} {'oh ' if minute < 10 else ''}{_cardinal(str(minute))}"
    return str(said) if has_half else f"{said} o'clock"


def _half(match: _Match) -> str:
    return f"{match['half'][0].upper()} M"


def _price(match: _Match) -> str | None:
    sign = match["sign"] or match["code"]
    unit, part = CURRENCIES[sign]
    whole = match["whole"] or match["amount"]
    cents = int(match["cents"] or match["small"] or 0)
    if match["size"]:
        amount = f"{whole}.{match['tenths']}" if match["tenths"] else whole
        size = {"k": "thousand", "m": "million"}.get(match["size"].lower(), match["size"])
        return f"{_cardinal(amount)} {size} {unit}s"
    if not cents:
        return _counted(whole, unit)
    small = _cardinal(str(cents))
    if int(whole.replace(",", "")) == 0:
        return f"{small} {part if cents == 1 or part == 'pence' else part + 's'}"
    if cents < 10:  # "four dollars five" would be heard as 4.50
        return f"{_counted(whole, unit)} and {_counted(str(cents), part)}"
    return f"{_counted(whole, unit)} {small}"


def _percent(match: _Match) -> str:
    return f"{_cardinal(match['number'])} percent"


def _quantity(match: _Match) -> str:
    return _counted(match["number"], UNITS[match["unit"]])


def _rank(match: _Match) -> str:
    return _ordinal(int(match["number"]))


def _decade(match: _Match) -> str:
    number = int(match["number"])
    said = _year(number) if number >= 1000 else _plain(num2words(number))
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def _number(match: _Match) -> str:
    text = match["number"]
    if re.fullmatch(r"19\d\d|20\d\d", text):
        return _year(int(text))
    return _cardinal(text)


def _street_or_saint(match: _Match) -> str:
    """Saint before a name that has no name before it: "St. Mary's", but "Main St. Mary's"."""
    after_name = re.search(
        r"\b[A-Z]\w*\s$", match.string[max(0, match.start() - 40) : match.start()]
    )
    before_name = re.match(r"\s[A-Z]", match.string[match.end() : match.end() + 2])
    return "Saint" if before_name and not after_name else "Street"


def _weekday(match: _Match) -> str:
    return WEEKDAYS[match["weekday"].lower()]


def _of(table: dict[str, str]) -> _Say:
    return lambda match: table[match.group().lower()]


def _always(said: str) -> _Say:
    return lambda _: said


def _any_of(table: dict[str, str]) -> str:
    """A pattern for the table's keys, standing alone."""
    keys = "|".join(re.escape(key) for key in sorted(table, key=len, reverse=True))
    return rf"(?<![\w./])(?:{keys})(?![\w/])"


_PRICE_SIZE = r"(?:\.(?P<tenths>\d))?\s?(?P<size>million|billion|[kKmM](?!\w))"
_PRICE = (
    rf"(?P<sign>[$€£])\s?(?P<whole>\d[\d,]{{0,14}})(?:{_PRICE_SIZE}|\.(?P<cents>\d\d)(?!\d)|(?!\.\d))"
    rf"|{_BEFORE}(?P<amount>\d{{1,3}}(?:,\d{{3}})+|\d{{1,12}})(?:[.,](?P<small>\d\d))?\s?(?P<code>€|USD|EUR|GBP){_AFTER}"
)
_PHONE = (
    r"(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,5}"
    r"|\(\d{2,5}\)[ .-]?\d{2,5}(?:[ .-]\d{2,5}){1,3}"
    r"|\d{3}[.-]\d{3}[.-]\d{4}|\d{3}-\d{4}|0\d{2,4}(?: \d{3,8}){1,3})(?!\w)"
)
_ABBREVIATION_STOP = r"(?:\.(?!\s*$|\s+[A-Z]))?"
"""A full stop that does not also end the sentence."""

_CLOCK = (
    r"(?P<hour>[01]?\d|2[0-4])(?:[:.](?P<minute>[0-5]\d))?\s?"
    rf"(?P<half>[AaPp]\.?[Mm]\b{_ABBREVIATION_STOP})"
)
_CLOCK_24 = r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?P<half>(?!))?"
_WEB = (
    r"(?:https?://|www\.)[^\s<>\"')\]]+[\w/]"
    r"|(?<![\w@.])(?:[a-z0-9-]{1,63}\.){1,4}(?:com|org|net|io|ai|app|dev|edu|gov|co|uk|de|fr|eu|"
    r"example)(?:/[\w./-]*[\w/])?(?!\w)"
)

_AFTER_WEEKDAY = "|".join(f"(?<={end})" for end in (*map(str.title, WEEKDAYS), "day"))

_PATTERNS: Sequence[tuple[str, _Say]] = (
    (r"!?\[(?P<label>[^\]\n]{1,200})\]\([^)\s]{1,500}\)", _link),
    (r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", _address),
    (_WEB, _address),
    (rf"{_BEFORE}{_YEAR}-(?P<month>\d\d)-{_DAY}{_AFTER}", _date),
    (_PHONE, _phone),
    (rf"\b{_MONTH}\s{_DAY}{_AFTER}(?:,?\s{_YEAR}{_AFTER})?(?!:)", _date),
    (rf"{_BEFORE}{_DAY}\s(?P<of>of\s)?{_MONTH}{_AFTER}(?:,?\s{_YEAR}{_AFTER})?", _date),
    (rf"{_BEFORE}(?P<month>0?[1-9]|1[0-2])/{_DAY}/{_YEAR}{_AFTER}", _date),
    (rf"{_BEFORE}{_CLOCK}(?!\w)", _time),
    (rf"{_BEFORE}{_CLOCK_24}(?![\w:])", _time),
    (rf"(?<![\w.])(?P<half>[ap]\.m\b{_ABBREVIATION_STOP})", _half),
    (_PRICE, _price),
    (rf"{_BEFORE}(?P<number>{_NUMBER})\s?%", _percent),
    (rf"{_BEFORE}(?P<number>{_NUMBER})\s?(?P<unit>{_UNIT})(?![\w/])", _quantity),
    (rf"{_BEFORE}(?P<number>\d{{1,6}})(?:st|nd|rd|th){_AFTER}", _rank),
    (rf"(?<![\w.,])['’]?(?P<number>(?:1[1-9]|20)?\d0)s{_AFTER}", _decade),  # noqa: RUF001
    (_any_of(SLASHED), _of(SLASHED)),
    ("[½¼¾⅓]", _of(FRACTIONS)),
    (_any_of(ABBREVIATIONS), _of(ABBREVIATIONS)),
    (r"(?<!\w)#(?=\d)", _always("number")),
    (rf"(?<!\w)(?P<number>{_NUMBER})(?!\d)", _number),
    (rf"(?<=[\dmM.%]){_DASH}(?=[$€£]?\d)", _always("to")),
    (r"(?<![\w])[-−](?=\d)", _always("minus")),  # noqa: RUF001
    (r"(?<=\d)\s?[x×](?=\s?\d)", _always("by")),  # noqa: RUF001
    (r"(?<=\d)[x×](?!\w)", _always("times")),  # noqa: RUF001
    (r"(?P<number>\d+)", _number),
    (r"\b(?P<weekday>Mon|Tues?|Wed|Thu(?:rs?)?|Fri)\b(?:\.(?=\s*[^\sA-Z]))?", _weekday),
    (rf"\b(?P<weekday>Sat|Sun)\b(?=\.?(?:{_DASH}|[,:/)&]|\s+\d|\s+to\b|\s+and\b)|$)", _weekday),
    (r"(?<=[-–—])\s?(?P<weekday>Sat|Sun)\b", _weekday),  # noqa: RUF001
    (rf"(?:{_AFTER_WEEKDAY}){_DASH}(?={_WEEKDAY}(?:[a-z]{{0,5}}day)?s?\b)", _always("to")),
    (r"\b[Nn]o\.(?=\s?\d)", _always("number")),
    (r"\bSt\.", _street_or_saint),
    (r"(?<=\w)/(?=[^\W\d])", _always("or")),
    (r"(?<=\d)/(?=\d)", _always("slash")),
)  # fmt: skip

_IGNORE_CASE = {_WEB, _any_of(ABBREVIATIONS)}

ENGLISH = tuple(
    (re.compile(pattern, re.IGNORECASE if pattern in _IGNORE_CASE else 0), say)
    for pattern, say in _PATTERNS
)
