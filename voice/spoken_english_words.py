"""English words for signs, units and abbreviations."""

WEEKDAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "tues": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "thur": "Thursday",
    "thurs": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}

CURRENCIES = {
    "$": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "£": ("pound", "pence"),
    "USD": ("dollar", "cent"),
    "EUR": ("euro", "cent"),
    "GBP": ("pound", "pence"),
}
"""Each with its hundredth."""

UNITS = {
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "mi": "mile",
    "ft": "foot",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "l": "liter",
    "L": "liter",
    "ml": "milliliter",
    "mL": "milliliter",
    "cl": "centiliter",
    "tsp": "teaspoon",
    "tbsp": "tablespoon",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "min": "minute",
    "mins": "minute",
    "sec": "second",
    "secs": "second",
    "ms": "millisecond",
    "kcal": "calorie",
    "cal": "calorie",
    "GB": "gigabyte",
    "MB": "megabyte",
    "km/h": "kilometer per hour",
    "mph": "mile per hour",
    "°C": "degree Celsius",
    "°F": "degree Fahrenheit",
    "°": "degree",
    "W": "watt",
    "kW": "kilowatt",
}
"""In the singular; a plural adds s to the first word."""

PLURALS = {
    "foot": "feet",
}
"""Units whose plural adds no s."""

ABBREVIATIONS = {
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "et cetera",
    "vs.": "versus",
    "vs": "versus",
    "approx.": "approximately",
    "ca.": "about",
    "incl.": "including",
    "excl.": "excluding",
    "min.": "minimum",
    "max.": "maximum",
    "tel.": "telephone",
    "ext.": "extension",
    "a.k.a.": "also known as",
    "dr.": "Doctor",
    "mr.": "Mister",
    "mrs.": "Missus",
    "ms.": "Miz",
    "prof.": "Professor",
    "jr.": "Junior",
    "sr.": "Senior",
    "ave.": "Avenue",
    "rd.": "Road",
    "blvd.": "Boulevard",
    "dept.": "department",
    "w/": "with",
    "w/o": "without",
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "°": "degrees",
    "%": "percent",
    "wi-fi": "why fie",
    "wifi": "why fie",
    "24/7": "twenty four seven",
}
"""Keys in small letters; they match in any case."""

FRACTIONS = {
    "½": "a half",
    "¼": "a quarter",
    "¾": "three quarters",
    "⅓": "a third",
}

SLASHED = {
    "1/2": "a half",
    "1/4": "a quarter",
    "3/4": "three quarters",
    "1/3": "a third",
}

SIGN_NAMES = {
    ".": "dot",
    "-": "dash",
    "_": "underscore",
    "+": "plus",
    "@": "at",
    "/": "slash",
}
"""In e-mail and web addresses."""
