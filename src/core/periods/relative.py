"""Times told from now: `yesterday`, `last week`, `3 days ago`. Weeks begin on Monday (ISO 8601)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from .names import COUNT, MONTH, UNIT, WEEKDAY, count_of, month_of, weekday_of
from .period import Days, Period, months, one_day

if TYPE_CHECKING:
    from collections.abc import Callable


class Form(NamedTuple):
    """One way to write a time. `read` gets the match and now, in the zone that is meant."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], datetime], Days | Period]


_HOURS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_NAMED_DAYS = {
    "the day before yesterday": -2, "day before yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1,
    "day after tomorrow": 2, "the day after tomorrow": 2,
}  # fmt: skip
_STEPS = {"last": -1, "previous": -1, "this": 0, "current": 0, "next": 1}


def _now(_match: re.Match[str], now: datetime) -> Period:
    return _instant(now)


def _instant(at: datetime) -> Period:
    return Period(at.astimezone(UTC), at.astimezone(UTC))


def _named_day(match: re.Match[str], now: datetime) -> Days:
    return one_day(now.date() + timedelta(days=_NAMED_DAYS[match["named"].lower()]))


def _whole(match: re.Match[str], now: datetime) -> Days:
    step = _STEPS[match["which"].lower()]
    unit = match["whole"].lower()
    if unit == "week":
        monday = now.date() - timedelta(days=now.weekday()) + timedelta(weeks=step)
        return Days(monday, monday + timedelta(weeks=1))
    if unit == "month":
        return months(now.year, now.month + step)
    if unit == "quarter":
        return months(now.year, now.month - (now.month - 1) % 3 + 3 * step, 3)
    return months(now.year + step, 1, 12)


def _length(match: re.Match[str], now: datetime) -> Period:
    """A number of units that end now, or begin now."""
    ahead = match["which"].lower() == "next"
    other = _moved(now, count_of(match["n"]) * (1 if ahead else -1), match["unit"].lower())
    here, there = now.astimezone(UTC), other.astimezone(UTC)
    return Period(here, there) if ahead else Period(there, here)


def _away(match: re.Match[str], now: datetime) -> Days | Period:
    """A day, where days or longer are counted, else an instant."""
    steps = count_of(match["n"]) * (-1 if match["past"] else 1)
    unit = match["unit"].lower()
    at = _moved(now, steps, unit)
    return _instant(at) if unit in _HOURS else one_day(at.date())


def _moved(now: datetime, steps: int, unit: str) -> datetime:
    """Minutes and hours pass everywhere alike; days and longer keep the time on the clock."""
    if unit in _HOURS:
        return (now.astimezone(UTC) + steps * _HOURS[unit]).astimezone(now.tzinfo)
    if unit in {"day", "week"}:
        return now + timedelta(days=steps * (7 if unit == "week" else 1))
    first, after = months(now.year, now.month + steps * {"month": 1, "quarter": 3, "year": 12}[unit])
    return now.replace(year=first.year, month=first.month, day=min(now.day, (after - first).days))


def _weekday(match: re.Match[str], now: datetime) -> Days:
    """`last`: the latest before today, `next`: the first after today, `this`: that of this week."""
    wanted, which = weekday_of(match["weekday"]), match["which"].lower()
    back = (now.weekday() - wanted) % 7
    if which == "last":
        return one_day(now.date() - timedelta(days=back or 7))
    if which == "next":
        return one_day(now.date() + timedelta(days=7 - back))
    return one_day(now.date() + timedelta(days=wanted - now.weekday()))


def _month(match: re.Match[str], now: datetime) -> Days:
    """`last`: the latest before this month, `next`: the first after it, `this`: that of this year."""
    wanted, which = month_of(match["month"]), match["which"].lower()
    past = wanted < now.month
    if which == "last":
        return months(now.year if past else now.year - 1, wanted)
    if which == "next":
        return months(now.year + 1 if wanted <= now.month else now.year, wanted)
    return months(now.year, wanted)


def latest_weekday(name: str, now: datetime) -> Days:
    """Today counts."""
    return one_day(now.date() - timedelta(days=(now.weekday() - weekday_of(name)) % 7))


def latest_month(name: str, now: datetime) -> Days:
    """This month counts."""
    wanted = month_of(name)
    return months(now.year if wanted <= now.month else now.year - 1, wanted)


def latest_day(day: int, month: str, now: datetime) -> Days:
    """Today counts. 29 February is that of the last leap year."""
    for year in range(now.year, now.year - 9, -1):
        try:
            found = date(year, month_of(month), day)
        except ValueError:
            continue
        if found <= now.date():
            return one_day(found)
    raise ValueError(day)


def _form(pattern: str, read: Callable[[re.Match[str], datetime], Days | Period]) -> Form:
    return Form(re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.ASCII | re.IGNORECASE), read)


FROM_NOW = (
    _form(rf"(?P<named>{'|'.join(sorted(_NAMED_DAYS, key=len, reverse=True))})", _named_day),
    _form(rf"(?:the )?(?P<which>{'|'.join(_STEPS)}) (?P<whole>week|month|quarter|year)", _whole),
    _form(rf"(?:the )?(?P<which>last|past|previous|next) (?P<n>{COUNT}) (?P<unit>{UNIT})s?", _length),
    _form(rf"(?P<n>{COUNT}) (?P<unit>{UNIT})s?(?P<past> ago)", _away),
    _form(rf"(?P<past>)in (?P<n>{COUNT}) (?P<unit>{UNIT})s?", _away),
    _form(rf"(?P<which>last|this|next) (?P<weekday>{WEEKDAY})", _weekday),
)
"""What stands for one time wherever it is said."""
RELATIVE = (
    *FROM_NOW,
    _form(r"now", _now),
    _form(rf"(?P<which>last|this|next) (?P<month>{MONTH})", _month),
)
