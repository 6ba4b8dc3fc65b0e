"""The times that a question names, as stretches of time in which its answer may have happened."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    name[:3]: number for number, name in enumerate(_MONTHS, 1)
}
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
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
_AGO = {
    "today": (0, 1),
    "yesterday": (1, 1),
    "last week": (13, 13),
    "last month": (61, 61),
    "this week": (6, 7),
}
_RELATIVE = re.compile(rf"\b({'|'.join(_AGO)})\b", re.IGNORECASE)
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
    `first_year`, `3/4/2025` for both of the days that it may be.
    """
    found = list(_absolute(question, now, first_year))
    for match in _RELATIVE.finditer(question):
        back, length = _AGO[match[1].lower()]
        start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        found.append(Named((Stretch(start, start + timedelta(days=length), 1.0),)))
    return found


def _absolute(question: str, now: datetime, first_year: int) -> Iterator[Named]:
    found = [
        *(_dates((year, month, day)) for year, month, day in _matches(_ISO, question)),
        *(_dates((year, month, day)) for day, month, year in _matches(_DOTTED, question)),
        *(_dates((year, m, n), (year, n, m)) for m, n, year in _matches(_SLASHED, question)),
    ]
    for match in list(_NAMED.finditer(question))[:_MOST]:
        day, name, other_day, year = match.groups()
        beside = day or other_day or year
        if not beside and not _is_month(name, question[: match.start(2)], question[match.end() :]):
            continue
        number = int(day or other_day or 0)
        years = (int(year),) if year else range(max(first_year, now.year - _YEARS), now.year + 1)
        found.append(_dates(*((each, _NUMBERS[name.lower()], number) for each in years)))
    if not found:
        for match in list(_YEAR.finditer(question))[:_MOST]:
            year = int(match[1])
            start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
            found.append(Named((Stretch(start, end, 1.0),)))
    yield from found


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


def _dates(*dates: tuple[int, int, int]) -> Named:
    """Of (year, month, day, or 0 for the whole month); those that do not exist are left out."""
    times: dict[Stretch, None] = {}
    around: list[Stretch] = []
    for year, month, day in dates:
        try:
            start = datetime(year, month, day or 1, tzinfo=UTC)
            end = (
                start + timedelta(days=1)
                if day
                else datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            )
            if day:
                around += _around(start)
        except (ValueError, OverflowError):
            continue
        times[Stretch(start, end, 1.0)] = None
    return Named(tuple(times), tuple(around))


def _around(day: datetime) -> Iterator[Stretch]:
    """People tell of a day later than it was: the days after it fit best, the week after it too, its month a little."""
    month = day.replace(day=1)
    yield Stretch(month, datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC), 0.3)
    yield Stretch(day - timedelta(days=1), day + timedelta(days=9), 0.7)
    yield Stretch(day, day + timedelta(days=3), 1.0)
