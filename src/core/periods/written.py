"""Dates in words that have no form of ours, such as an e-mail's: read by dateutil, on a short leash.

It fills in what is missing, and takes the first number for the month: so each text is read four times, with two sets of
what would be filled in and either order of numbers, and one that does not always come out the same is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from dateutil.parser import ParserError, parser, parserinfo

from .names import WEEKDAY, weekday_of
from .period import Days, Period, Unclear, on_the_clock, one_day, several_zones

_WEEKDAY = re.compile(rf"\b({WEEKDAY})\b", re.ASCII | re.IGNORECASE)
_FILL = (datetime(2000, 1, 1), datetime(2001, 2, 2, 1, 1))  # noqa: DTZ001 - for what a text leaves out


class _Words(parserinfo):
    """As little as may be skipped without being understood."""

    JUMP = [" ", ",", "at", "on", "of", "st", "nd", "rd", "th"]  # noqa: RUF012 - dateutil's own form


def read_written(text: str, zone: tzinfo) -> Days | Period | None:
    """Of a text with a month by name and a year of four digits; None where it says more, or less, than a date."""
    readings: list[datetime] = []
    try:
        for fill in _FILL:
            readings += [
                parser(_Words()).parse(text, default=fill, dayfirst=first, tzinfos=_zone)
                for first in (False, True)
            ]
    except (ParserError, ValueError, OverflowError):
        return None
    days = {reading.date() for reading in readings}
    if len(days) > 1:
        return None
    day = days.pop()
    said = _WEEKDAY.search(text)
    if said is not None and weekday_of(said[1]) != day.weekday():
        raise Unclear(f"{day.isoformat()} is a {day:%A}")
    if len({reading.hour for reading in readings}) > 1:
        return one_day(day)
    wall = readings[0]
    instant = wall.astimezone(UTC) if wall.tzinfo is not None else on_the_clock(wall, zone)
    return Period(instant, instant)


def _zone(name: str | None, offset: Any) -> tzinfo | None:
    if name is None and offset is None:
        return None
    if name is not None and name.upper() not in {"UTC", "GMT", "Z"}:
        raise several_zones(name)
    return timezone(timedelta(seconds=int(offset or 0)))
