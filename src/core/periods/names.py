"""The words of dates in English."""

from __future__ import annotations

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip

MONTH = "|".join([*_MONTHS, "sept", *(name[:3] for name in _MONTHS)])
WEEKDAY = "|".join([*_WEEKDAYS, *(name[:3] for name in _WEEKDAYS)])
COUNT = "|".join([r"\d{1,4}", "an?", *_COUNTS])
UNIT = "minute|hour|day|week|month|quarter|year"


def month_of(name: str) -> int:
    """1 to 12."""
    return next(number for number, month in enumerate(_MONTHS, 1) if month[:3] == name[:3].lower())


def weekday_of(name: str) -> int:
    """0 is Monday."""
    return next(number for number, day in enumerate(_WEEKDAYS) if day[:3] == name[:3].lower())


def count_of(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return _COUNTS.index(text.lower()) + 1 if text.lower() in _COUNTS else 1
