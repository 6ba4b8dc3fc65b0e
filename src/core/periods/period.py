"""Stretches of days and instants, and how they lie in a zone whose clocks may jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Unclear(Exception):
    """Understood, but it may mean two things or none. The message says which."""


def several_zones(name: str) -> Unclear:
    return Unclear(f"{name} names several time zones; write an offset ('+01:00') or a name ('Europe/Berlin')")


_LAST_BUT_ONE = date.max - timedelta(days=1)


def _no_names(_name: str) -> tzinfo | None:
    return None


class Zones(NamedTuple):
    """`local` is where a time is meant that names no zone; `named` finds one by its name in the tz database."""

    local: tzinfo = UTC
    named: Callable[[str], tzinfo | None] = _no_names


class Period(NamedTuple):
    """[start, end), in UTC. Both are equal for an instant."""

    start: datetime
    end: datetime


class Days(NamedTuple):
    """From `first` until before `after`, wherever that is. The last day of the calendar has none after it, and ends as
    it begins.
    """

    first: date
    after: date

    def period(self, zone: tzinfo) -> Period:
        return Period(midnight(self.first, zone), midnight(self.after, zone))


def one_day(day: date) -> Days:
    return Days(day, min(day, _LAST_BUT_ONE) + timedelta(days=1))


def months(year: int, month: int, count: int = 1) -> Days:
    """`month` may be outside of 1 to 12: then in another year."""
    return Days(_first_of(year, month), _first_of(year, month + count))


def _first_of(year: int, month: int) -> date:
    year += (month - 1) // 12
    return date.max if year == date.max.year + 1 else date(year, (month - 1) % 12 + 1, 1)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of the day: where clocks leave midnight out, the one at which they do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def on_the_clock(wall: datetime, zone: tzinfo) -> datetime:
    """The instant at which clocks in `zone` show `wall`. `Unclear` where they never do, or do twice."""
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    instant = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return instant
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        raise Unclear(f"{wall.isoformat(' ')} is left out by the clocks of {zone}, which go forward then")
    raise Unclear(
        f"{wall.isoformat(' ')} comes twice in {zone}, where clocks go back then; write "
        f"{first.isoformat()!r} or {second.isoformat()!r}"
    )
