"""The times that a question names, as stretches of time in which its answer may have happened."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from ..periods.names import WEEKDAY
from ..periods.period import Days, midnight, months, one_day
from ..periods.relative import FROM_NOW, latest_weekday

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..periods.period import Period

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    name[:3]: number for number, name in enumerate(_MONTHS, 1)
}
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_DIGIT = re.compile(r"\d", re.ASCII)
_ISO = re.compile(r"(?<![\d/-])(\d{4})[-/](\d\d)(?:[-/](\d\d))?(?![\d/-])", re.ASCII)
_DOTTED = re.compile(r"(?<![\w.-])(\d{1,2})\. ?(\d{1,2})\. ?((?:19|20)\d\d)(?![\w-]|\.\d)", re.ASCII)
_SLASHED = re.compile(r"(?<![\w./-])(\d{1,2})/(\d{1,2})/((?:19|20)\d\d)(?![\w/-]|\.\d)", re.ASCII)
_NAMED = re.compile(
    rf"(?:(?<!\d){_DAY} (?:of )?)?\b({'|'.join(_MONTHS)}|{'|'.join(name[:3] for name in _MONTHS)})\b\.?"
    rf"(?: {_DAY}(?!\d))?(?:,? (\d{{4}}))?",
    re.ASCII | re.IGNORECASE,
)
_BEFORE_MONTHS = re.compile(r"\b(?:in|during|since|until|last|this|every|early|late|mid)[ -]$", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\w.-])((?:19|20)\d\d)(?![\w-]|\.\d)", re.ASCII)
_LOOSE = {"last week": (13, 13), "last month": (61, 61), "this week": (6, 7)}
"""Days back, and how many from there: what people also mean by them."""
_CUE = re.compile(r"\b(?:ago|in|last|past|previous|this|current|next|today|yesterday|tomorrow|on|since|w\d\d|q[1-4])\b",
                  re.ASCII | re.IGNORECASE)  # fmt: skip
_ON = re.compile(rf"\b(?:on|since|until) ({WEEKDAY})\b", re.ASCII | re.IGNORECASE)
_WEEK = re.compile(r"(?<![\w-])(\d{4})-?w(\d\d)(?![\w-])", re.ASCII | re.IGNORECASE)
_QUARTER = re.compile(r"(?<![\w-])(?:(\d{4})-?q([1-4])|q([1-4]) (\d{4}))(?![\w-])", re.ASCII | re.IGNORECASE)
_MOST = 4
_YEARS = 30


class Stretch(NamedTuple):
    """[start, end), and how well what happened in it fits, up to 1."""

    start: datetime
    end: datetime
    fit: float


class Named(NamedTuple):
    """A time that the question names, in each of its years and readings. `around`: what happened then may be told
    of later, but that counts little where something stands at the very time.
    """

    times: tuple[Stretch, ...]
    around: tuple[Stretch, ...] = ()


def named_times(question: str, now: datetime, first_year: int) -> list[Named]:
    """Whatever can be read as a date. A day or a month without a year stands for that of every year since
    `first_year`, `3/4/2025` for both of the days that it may be. Days begin where `now` says.
    What is told from now counts where no date is written out, which it would be told from.
    """
    found = list(_absolute(question, now, first_year))
    if not found and _CUE.search(question):
        found += _from_now(question, now)
    return found


def _from_now(question: str, now: datetime) -> Iterator[Named]:
    for form in FROM_NOW:
        for match in list(form.pattern.finditer(question))[:_MOST]:
            with suppress(ValueError, OverflowError):
                yield _named(form.read(match, now), now, match[0])
    for match in list(_ON.finditer(question))[:_MOST]:
        yield _named(latest_weekday(match[1], now), now, match[0])


def _named(found: Days | Period, now: datetime, said: str) -> Named:
    zone = now.tzinfo or UTC
    period = found.period(zone) if isinstance(found, Days) else found
    start, end = period
    if start == end:
        # An instant, which nothing happened at: the hour around it.
        start, end = start - timedelta(minutes=30), end + timedelta(minutes=30)
    loose = _LOOSE.get(said.lower())
    if loose is None:
        return Named((Stretch(start, end, 1.0),))
    first = midnight(now.date() - timedelta(days=loose[0]), zone)
    return Named((Stretch(start, end, 1.0),), (Stretch(first, first + timedelta(days=loose[1]), 1.0),))


def _absolute(question: str, now: datetime, first_year: int) -> Iterator[Named]:
    zone = now.tzinfo or UTC
    found = list(_in_digits(question, zone)) if _DIGIT.search(question) else []
    for match in list(_NAMED.finditer(question))[:_MOST]:
        day, name, other_day, year = match.groups()
        beside = day or other_day or year
        if not beside and not _is_month(name, question[: match.start(2)], question[match.end() :]):
            continue
        number = int(day or other_day or 0)
        years = (int(year),) if year else range(max(first_year, now.year - _YEARS), now.year + 1)
        found.append(_dates(zone, *((each, _NUMBERS[name.lower()], number) for each in years)))
    if not found:
        for match in list(_YEAR.finditer(question))[:_MOST]:
            year = int(match[1])
            found.append(Named((Stretch(*months(year, 1, 12).period(zone), 1.0),)))
    yield from found


def _in_digits(question: str, zone: tzinfo) -> Iterator[Named]:
    yield from (_dates(zone, (year, month, day)) for year, month, day in _matches(_ISO, question))
    yield from (_dates(zone, (year, month, day)) for day, month, year in _matches(_DOTTED, question))
    yield from (_dates(zone, (year, m, n), (year, n, m)) for m, n, year in _matches(_SLASHED, question))
    yield from _periods(question, zone)


def _periods(question: str, zone: tzinfo) -> Iterator[Named]:
    """Weeks and quarters by their numbers."""
    for match in list(_WEEK.finditer(question))[:_MOST]:
        with suppress(ValueError, OverflowError):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            week = Days(monday, monday + timedelta(weeks=1))
            yield Named((Stretch(*week.period(zone), 1.0),))
    for match in list(_QUARTER.finditer(question))[:_MOST]:
        with suppress(ValueError, OverflowError):
            quarter = months(int(match[1] or match[4]), 3 * int(match[2] or match[3]) - 2, 3)
            yield Named((Stretch(*quarter.period(zone), 1.0),))


def _matches(pattern: re.Pattern[str], question: str) -> list[list[int]]:
    """The numbers of each; 0 for one that is left out."""
    return [[int(each or 0) for each in match.groups()] for match in pattern.finditer(question)][:_MOST]


def _is_month(name: str, before: str, after: str) -> bool:
    """Where no day and no year stands beside it. `may` and `march` are verbs, and the short forms names and nouns."""
    if len(name) == len(before + name + after.strip(" ?.!")) or _BEFORE_MONTHS.search(before):
        return True
    if name.lower() in {"may", "march"}:
        return name[0].isupper() and (bool(before) or name == "March")
    return len(name) > 3


def _dates(zone: tzinfo, *dates: tuple[int, int, int]) -> Named:
    """Of (year, month, day, or 0 for the whole month); those that do not exist are left out."""
    times: dict[Stretch, None] = {}
    around: list[Stretch] = []
    for year, month, day in dates:
        try:
            days = one_day(date(year, month, day)) if day else months(year, _checked(month))
            start, end = days.period(zone)
            if day:
                around += _around(days.first, zone)
        except (ValueError, OverflowError):
            continue
        if start == end:
            continue
        times[Stretch(start, end, 1.0)] = None
    return Named(tuple(times), tuple(around))


def _checked(month: int) -> int:
    if not 1 <= month <= 12:
        raise ValueError(month)
    return month


def _around(day: date, zone: tzinfo) -> Iterator[Stretch]:
    """People tell of a day later than it was: the days after it fit best, the week after it too, its month a little."""
    for first, after, fit in (
        (*months(day.year, day.month), 0.3),
        (day - timedelta(days=1), day + timedelta(days=9), 0.7),
        (day, day + timedelta(days=3), 1.0),
    ):
        yield Stretch(midnight(first, zone), midnight(after, zone), fit)
