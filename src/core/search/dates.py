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
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d\d)(?:-(\d\d))?(?![\d-])", re.ASCII)
_NAMED = re.compile(
    rf"(?:(?<!\d){_DAY} (?:of )?)?\b({'|'.join(_MONTHS)}|{'|'.join(name[:3] for name in _MONTHS)})\b\.?"
    rf"(?: {_DAY}(?!\d))?(?:,? (\d{{4}}))?",
    re.ASCII | re.IGNORECASE,
)
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


def named_times(question: str, now: datetime, first_year: int) -> list[Stretch]:
    """Whatever can be read as a date. A day without a year stands for that day of every year since `first_year`.

    People tell of a day later than it was: the week after it fits too, its month a little.
    """
    found = list(_absolute(question, now, first_year))
    for match in _RELATIVE.finditer(question):
        back, length = _AGO[match[1].lower()]
        start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        found.append(Stretch(start, start + timedelta(days=length), 1.0))
    return found


def _absolute(question: str, now: datetime, first_year: int) -> Iterator[Stretch]:
    dated = False
    for match in list(_ISO.finditer(question))[:_MOST]:
        dated = True
        yield from _stretches(int(match[1]), int(match[2]), int(match[3]) if match[3] else None)
    for match in list(_NAMED.finditer(question))[:_MOST]:
        day, name, other_day, year = match.groups()
        beside = day or other_day or year
        if not beside and not _is_month(name, at_start=match.start() == 0):
            continue
        dated = True
        month = _NUMBERS[name.lower()]
        number = int(day or other_day) if day or other_day else None
        years = (int(year),) if year else range(max(first_year, now.year - _YEARS), now.year + 1)
        for each in years:
            yield from _stretches(each, month, number)
    if not dated:
        for match in list(_YEAR.finditer(question))[:_MOST]:
            year = int(match[1])
            yield Stretch(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), 1.0)


def _is_month(name: str, *, at_start: bool) -> bool:
    """Where no day and no year stands beside it. `may` and `march` are verbs, and the short forms names and nouns."""
    if name.lower() in {"may", "march"}:
        return name[0].isupper() and not at_start
    return len(name) > 3


def _stretches(year: int, month: int, day: int | None) -> Iterator[Stretch]:
    try:
        start = datetime(year, month, 1, tzinfo=UTC)
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        at = None if day is None else datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return
    if at is None:
        yield Stretch(start, end, 1.0)
        return
    yield Stretch(start, end, 0.3)
    yield Stretch(at - timedelta(days=1), at + timedelta(days=9), 0.7)
    yield Stretch(at, at + timedelta(days=3), 1.0)
