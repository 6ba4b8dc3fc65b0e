"""ISO 8601: a day, or an instant with or without an offset. What nearly every time is, so it loads nothing else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo

from .period import Period, Unclear, on_the_clock, one_day

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?P<offset>[Zz]|[+-]\d\d:?\d\d)?)?"
    r"|\d{8}[Tt]\d{4}(?:\d\d(?:[.,]\d{1,9})?)?(?P<basic>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
"""RFC 3339 among them; of nine decimals the last three are cut off. The short form is one of instants only: eight
digits alone may be many things.
"""


def read_iso(text: str, zone: tzinfo, *, named: bool = False) -> Period | None:
    """`named`: the zone was given with the time, and an offset must be its."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    if text == match["day"]:
        return one_day(date.fromisoformat(text)).period(zone)
    at = datetime.fromisoformat(text.upper())
    if at.tzinfo is None:
        instant = on_the_clock(at, zone)
    else:
        instant = at.astimezone(UTC)
        if named and at.utcoffset() != instant.astimezone(zone).utcoffset():
            raise Unclear(
                f"{match['offset'] or match['basic']} is not the offset of {zone} then; leave one of them out"
            )
    return Period(instant, instant)
