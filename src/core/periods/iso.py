"""ISO 8601: a day, or an instant with or without an offset. What nearly every time is, so it loads nothing else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo

from .period import Period, Unclear, on_the_clock, one_day

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,6})?)?(?P<offset>Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def read_iso(text: str, zone: tzinfo, *, named: bool = False) -> Period | None:
    """`named`: the zone was given with the time, and an offset must be its."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    if match[1] is None:
        return one_day(date.fromisoformat(text)).period(zone)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        instant = on_the_clock(at, zone)
    else:
        instant = at.astimezone(UTC)
        if named and at.utcoffset() != instant.astimezone(zone).utcoffset():
            raise Unclear(f"{match['offset']} is not the offset of {zone} then; leave one of them out")
    return Period(instant, instant)
