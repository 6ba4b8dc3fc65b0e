"""What a text says about time, if it is understood in full."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from .iso import read_iso
from .names import MONTH, WEEKDAY, month_of
from .period import Days, Period, Unclear, Zones, months, on_the_clock, one_day, several_zones
from .relative import RELATIVE, latest_day, latest_month, latest_weekday

Look = Literal["back", "either"]
"""Which Monday a bare `Monday` is: the latest, or none that could be told."""

_FLAGS = re.ASCII | re.IGNORECASE
_TH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ZONE = re.compile(r" ?\[(?P<bracket>[\w+/-]{1,64})\]| (?P<name>[a-z_]+(?:/[\w+-]+)+|utc|gmt)", _FLAGS)
_CLOCK = re.compile(
    r"(?P<day>.*?)(?:,| at)? (?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?(?: ?(?P<half>[ap])m)?",
    _FLAGS,
)
_DATED = re.compile(rf"(?=.*\b(?:{MONTH})\b)(?=.*(?<!\d)\d{{4}}(?!\d))", _FLAGS)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_YEAR_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_WEEK = re.compile(r"(\d{4})-?w(\d\d)(?:-?([1-7]))?", _FLAGS)
_QUARTER = re.compile(r"(?:(?P<year>\d{4})-?)?q(?P<quarter>[1-4])(?: (?P<of>\d{4}))?", _FLAGS)
_MONTH_YEAR = re.compile(rf"(?P<month>{MONTH})\.?,? (?P<year>\d{{4}})", _FLAGS)
_MONTH_DAY = re.compile(rf"(?P<month>{MONTH})\.? {_TH}(?:,? (?P<year>\d{{4}}))?", _FLAGS)
_DAY_MONTH = re.compile(rf"{_TH} (?:of )?(?P<month>{MONTH})\.?(?:,? (?P<year>\d{{4}}))?", _FLAGS)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_YEAR_SLASHED = re.compile(r"(\d{4})/(\d\d)/(\d\d)", re.ASCII)
_ABBREVIATED = frozenset((
    "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST", "AST", "ADT", "NST", "BST", "IST",
    "WET", "WEST", "CET", "CEST", "EET", "EEST", "MSK", "SAST", "GST", "PKT", "ICT", "WIB", "SGT", "HKT", "JST", "KST",
    "AWST", "ACST", "ACDT", "AEST", "AEDT", "NZST", "NZDT", "BRT", "ART",
))  # fmt: skip
"""Of each there are several, or are clocks that show another time half of the year."""
_BARE = re.compile(rf"(?:on )?(?P<weekday>{WEEKDAY})|(?:in )?(?P<month>{MONTH})", _FLAGS)


def read_period(text: str, now: datetime, zones: Zones, look: Look) -> Period | None:
    """None where it is not understood. `Unclear` where it may be two things, `ValueError` and `OverflowError` where it
    names a time that there is not.
    """
    text = " ".join(text.split())
    zone = zones.local
    named = _ZONE.search(text)
    if named is not None and named.end() == len(text):
        zone = _zone(named["bracket"] or named["name"], zones)
        text = text[: named.start()]
    if period := read_iso(text, zone, named=named is not None):
        return period
    found = _read(text, now.astimezone(zone), look)
    if found is None and _DATED.match(text):
        from .written import read_written  # noqa: PLC0415 - dateutil, for what hardly anyone writes

        found = read_written(text, zone)
    if found is None and text.rpartition(" ")[2].upper() in _ABBREVIATED:
        raise several_zones(text.rpartition(" ")[2])
    return found.period(zone) if isinstance(found, Days) else found


def _zone(name: str, zones: Zones) -> tzinfo:
    if name.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    zone = zones.named(name)
    if zone is None:
        raise Unclear(f"there is no time zone {name!r}; write a name such as 'Europe/Berlin'")
    return zone


def _read(text: str, now: datetime, look: Look) -> Days | Period | None:
    found = _days(text, now, look)
    if found is not None:
        return found
    clock = _CLOCK.fullmatch(text)
    if clock is None or not (clock["minute"] or clock["half"]):
        return None
    days = _days(clock["day"], now, look)
    if not isinstance(days, Days) or days.after - days.first != timedelta(days=1):
        return None
    assert now.tzinfo is not None
    instant = on_the_clock(datetime.combine(days.first, _time(clock)), now.tzinfo)
    return Period(instant, instant)


def _time(clock: re.Match[str]) -> time:
    hour = int(clock["hour"])
    if clock["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if clock["half"].lower() == "p" else 0)
    return time(hour, int(clock["minute"] or 0), int(clock["second"] or 0))


def _days(text: str, now: datetime, look: Look) -> Days | Period | None:
    for form in RELATIVE:
        if match := form.pattern.fullmatch(text):
            return form.read(match, now)
    return _numbers(text) or _words(text, now, look)


def _numbers(text: str) -> Days | None:
    if _YEAR.fullmatch(text):
        return months(int(text), 1, 12)
    if match := _YEAR_MONTH.fullmatch(text):
        if not 1 <= int(match[2]) <= 12:
            raise ValueError(text)
        return months(int(match[1]), int(match[2]))
    if match := _WEEK.fullmatch(text):
        first = date.fromisocalendar(int(match[1]), int(match[2]), int(match[3] or 1))
        return one_day(first) if match[3] else Days(first, first + timedelta(weeks=1))
    if (match := _QUARTER.fullmatch(text)) and bool(match["year"]) != bool(match["of"]):
        return months(int(match["year"] or match["of"]), 3 * int(match["quarter"]) - 2, 3)
    if _YEAR_SLASHED.fullmatch(text) or _DAY.fullmatch(text):
        return one_day(date.fromisoformat(text.replace("/", "-")))
    if match := _DOTTED.fullmatch(text):
        return one_day(date(int(match[3]), int(match[2]), int(match[1])))
    if match := _SLASHED.fullmatch(text):
        return one_day(_slashed(*(int(number) for number in match.groups())))
    return None


def _slashed(one: int, other: int, year: int) -> date:
    """Half of the world writes the day first, the other half the month."""
    found: dict[date, None] = {}
    for month, day in ((one, other), (other, one)):
        try:
            found[date(year, month, day)] = None
        except ValueError:
            continue
    if len(found) == 2:
        first, second = found
        raise Unclear(f"may be {first.isoformat()} or {second.isoformat()}: write the one that you mean")
    if not found:
        raise ValueError(one, other, year)
    return next(iter(found))


def _words(text: str, now: datetime, look: Look) -> Days | None:
    if match := _MONTH_YEAR.fullmatch(text):
        return months(int(match["year"]), month_of(match["month"]))
    if match := _MONTH_DAY.fullmatch(text) or _DAY_MONTH.fullmatch(text):
        day, month = int(match["day"]), match["month"]
        if match["year"]:
            return one_day(date(int(match["year"]), month_of(month), day))
        if look == "either":
            raise Unclear(f"is of no certain year; write {_next_day(day, month_of(month), now)} or another")
        return latest_day(day, month, now)
    match = _BARE.fullmatch(text)
    if match is None:
        return None
    if look == "either":
        name = match["weekday"] or match["month"]
        raise Unclear(f"may be 'last {name}' or 'next {name}': write the one that you mean")
    return latest_weekday(match["weekday"], now) if match["weekday"] else latest_month(match["month"], now)


def _next_day(day: int, month: int, now: datetime) -> date:
    """This year's, or the first after it that there is: `ValueError` where there is none in any year."""
    for year in range(now.year, min(now.year + 9, 10_000)):  # leap years are eight apart at most
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise ValueError(day, month)
