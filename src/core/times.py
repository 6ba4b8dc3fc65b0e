"""Instants and periods as people and models write them. Strict: what is not understood is an error, never ignored.

Which periods there are is in `periods/`, what they mean for each argument in docs/times.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..ports.errors import Rejected
from .periods.iso import read_iso
from .periods.period import Period, Unclear, Zones

_LONGEST = 100
_BACK = ("since", "until", "as_of", "before", "after", "occurred_at")
"""Arguments about what was: a `Monday` there is the latest one."""
_INTRODUCED = {
    "since": ("since ", "from "),
    "until": ("until ", "till ", "through "),
    "before": ("before ",),
    "after": ("after ",),
    "as_of": ("as of ",),
    "valid_from": ("from ", "since "),
    "valid_until": ("until ", "till ", "through "),
}
"""Words before a time that say what its argument says already."""
_MICROSECOND = timedelta(microseconds=1)
ZONES = Zones()
"""UTC, and no names."""


class TimeReader(NamedTuple):
    """Reads the times of one call. A period has a beginning and an end, and an argument asks for one of them."""

    now: datetime
    zones: Zones = ZONES

    def begin(self, text: str, field: str) -> datetime:
        return self._period(text, field).start

    def end(self, text: str, field: str) -> datetime:
        """The first instant after it."""
        return self._period(text, field).end

    def last_moment(self, text: str, field: str) -> datetime:
        """Not beyond now, where it is of a period that is not over yet."""
        start, end = self._period(text, field)
        if start == end:
            return start
        last = end - _MICROSECOND
        return min(last, self.now.astimezone(UTC)) if start <= self.now else last

    def _period(self, text: str, field: str) -> Period:
        name = field.rpartition(".")[2]
        if len(text) <= _LONGEST:
            try:
                found = read_iso(text, self.zones.local) or self._in_words(_bare(text, name), name)
            except Unclear as unclear:
                raise Rejected(f"{field}: {text!r}: {unclear}", field) from None
            except (ValueError, OverflowError):
                found = None  # the 30th of February, the year 0
            if found is not None:
                return found
        raise Rejected(f"{field}: {text[:64]!r} is not a time; write {_examples(name)}", field)

    def _in_words(self, text: str, name: str) -> Period | None:
        from .periods.expressions import read_period  # noqa: PLC0415 - 5 ms, and most times are ISO 8601

        return read_period(text, self.now, self.zones, "back" if name in _BACK else "either")


def _bare(text: str, name: str) -> str:
    text = text.strip()
    for word in _INTRODUCED.get(name, ()):
        if text[: len(word)].lower() == word:
            return text[len(word) :]
    return text


def _examples(name: str) -> str:
    near = "'last week', 'since Monday', '3 days ago'" if name == "since" else "'last week', '3 days ago'"
    if name not in _BACK:
        near = "'tomorrow', 'next Friday', 'in 3 days'"
    return (
        "ISO 8601, for example '2026-03-01', '2026-03-01T09:30:00Z' or '2026-03-01T09:30:00+02:00', or a period: "
        f"'2026-03', '2026-W12', 'March 2026', {near}"
    )
