import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.periods.period import Zones
from agent_memory.core.times import TimeReader
from agent_memory.entrypoints.zones import zone_named
from agent_memory.ports.errors import Rejected
from agent_memory.ports.instants import from_micros, to_micros

_NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)  # a Thursday
BERLIN = ZoneInfo("Europe/Berlin")


def reader(now: datetime = _NOW, zone: tzinfo = UTC) -> TimeReader:
    return TimeReader(now, Zones(zone, zone_named))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T09:30", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:01.5Z", datetime(2026, 3, 1, 9, 30, 1, 500_000, tzinfo=UTC)),
        ("2026-03-01T09:30:00+02:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        ("2026-03-01t09:30:00z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00.123456789Z", datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("2026-03-01 09:30:00,1234567", datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("20260301T093000Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("20260301T0930+0200", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        ("20260301T093000.5[Europe/Berlin]", datetime(2026, 3, 1, 8, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T09:30:00-0530", datetime(2026, 3, 1, 15, 0, tzinfo=UTC)),
        ("2026-03-01T09:30+01:00[Europe/Berlin]", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
        ("2026-07-01 09:30 Europe/Berlin", datetime(2026, 7, 1, 7, 30, tzinfo=UTC)),
        ("now", _NOW),
        ("3 hours ago", _NOW - timedelta(hours=3)),
        ("an hour ago", _NOW - timedelta(hours=1)),
        ("in 90 minutes", _NOW + timedelta(minutes=90)),
        ("yesterday at 14:00", datetime(2026, 11, 25, 14, tzinfo=UTC)),
        ("March 3, 2026 5pm", datetime(2026, 3, 3, 17, tzinfo=UTC)),
        ("3 March 2026 12:05 am", datetime(2026, 3, 3, 0, 5, tzinfo=UTC)),
        ("Thu, 26 Nov 2026 17:00:00 +0100", datetime(2026, 11, 26, 16, tzinfo=UTC)),
    ],
)
def test_an_instant_begins_where_it_ends(text: str, instant: datetime) -> None:
    assert reader().begin(text, "since") == reader().end(text, "until") == instant
    assert reader().last_moment(text, "as_of") == instant


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-03-01", "2026-03-01", "2026-03-02"),
        ("2026/03/01", "2026-03-01", "2026-03-02"),
        ("1.3.2026", "2026-03-01", "2026-03-02"),
        ("25/12/2025", "2025-12-25", "2025-12-26"),
        ("04/04/2026", "2026-04-04", "2026-04-05"),
        ("3 March 2026", "2026-03-03", "2026-03-04"),
        ("march 3rd,  2026", "2026-03-03", "2026-03-04"),
        ("the day before yesterday", "2026-11-24", "2026-11-25"),
        ("yesterday", "2026-11-25", "2026-11-26"),
        ("today", "2026-11-26", "2026-11-27"),
        ("tomorrow", "2026-11-27", "2026-11-28"),
        ("3 days ago", "2026-11-23", "2026-11-24"),
        ("two weeks ago", "2026-11-12", "2026-11-13"),
        ("9 months ago", "2026-02-26", "2026-02-27"),
        ("in 3 days", "2026-11-29", "2026-11-30"),
        ("2026-W12", "2026-03-16", "2026-03-23"),
        ("2026-W12-3", "2026-03-18", "2026-03-19"),
        ("2026-03", "2026-03-01", "2026-04-01"),
        ("March 2026", "2026-03-01", "2026-04-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("Q4 2025", "2025-10-01", "2026-01-01"),
        ("2026", "2026-01-01", "2027-01-01"),
        ("last week", "2026-11-16", "2026-11-23"),
        ("this week", "2026-11-23", "2026-11-30"),
        ("next month", "2026-12-01", "2027-01-01"),
        ("last quarter", "2026-07-01", "2026-10-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last 7 days", "2026-11-19T17:00", "2026-11-26T17:00"),
        ("next 2 months", "2026-11-26T17:00", "2027-01-26T17:00"),
        ("Monday", "2026-11-23", "2026-11-24"),
        ("thursday", "2026-11-26", "2026-11-27"),
        ("last Thursday", "2026-11-19", "2026-11-20"),
        ("next Thursday", "2026-12-03", "2026-12-04"),
        ("this friday", "2026-11-27", "2026-11-28"),
        ("March", "2026-03-01", "2026-04-01"),
        ("last December", "2025-12-01", "2026-01-01"),
        ("March 3", "2026-03-03", "2026-03-04"),
        ("29 February", "2024-02-29", "2024-03-01"),
        ("9999-12-31", "9999-12-31", "9999-12-31"),
    ],
)
def test_a_period_has_a_beginning_and_an_end(text: str, begin: str, end: str) -> None:
    assert reader().begin(text, "since") == utc(begin)
    assert reader().end(text, "until") == utc(end)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("since", "since Monday"),
        ("until", "until Monday"),
        ("before", "before Monday"),
        ("filter.after", "after monday"),
        ("as_of", "as of Monday"),
    ],
)
def test_the_word_of_the_argument_may_stand_before_its_time(field: str, text: str) -> None:
    assert reader().begin(text, field) == utc("2026-11-23")


def test_the_last_moment_of_a_period_that_is_not_over_is_now() -> None:
    assert reader().last_moment("this week", "as_of") == _NOW
    assert reader().last_moment("yesterday", "as_of") == utc("2026-11-25T23:59:59.999999")
    assert reader().last_moment("2030", "as_of") == utc("2030-12-31T23:59:59.999999")


def test_days_begin_where_the_zone_says() -> None:
    late = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)  # the 27th in Berlin
    assert reader(late, BERLIN).begin("today", "since") == datetime(2026, 11, 26, 23, tzinfo=UTC)
    assert reader(late, BERLIN).begin("2026-07-01", "since") == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert reader(late).begin("today [Europe/Berlin]", "since") == datetime(2026, 11, 26, 23, tzinfo=UTC)


def test_a_day_on_which_clocks_change_has_23_or_25_hours() -> None:
    here = reader(zone=BERLIN)
    hour = timedelta(hours=1)
    assert here.end("2026-03-29", "until") - here.begin("2026-03-29", "since") == 23 * hour
    assert here.end("2026-10-25", "until") - here.begin("2026-10-25", "since") == 25 * hour


def test_a_day_without_midnight_begins_with_its_first_instant() -> None:
    beirut = reader(zone=ZoneInfo("Asia/Beirut"))  # 2022-03-27: from 00:00 to 01:00
    assert beirut.begin("2022-03-27", "since") == datetime(2022, 3, 26, 22, tzinfo=UTC)
    assert beirut.end("2022-03-26", "until") == datetime(2022, 3, 26, 22, tzinfo=UTC)


def test_days_ago_keep_the_time_on_the_clock_and_hours_pass_alike() -> None:
    after_change = datetime(2026, 3, 29, 10, tzinfo=UTC)
    here = reader(after_change, BERLIN)
    assert here.begin("last 1 day", "since") == datetime(2026, 3, 28, 11, tzinfo=UTC)
    assert here.begin("24 hours ago", "since") == datetime(2026, 3, 28, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", " ", "2026-13-01", "2026-02-30", "2026-3-1", "20260301", "1700000000", "2026-03-01T25:00", "2026-W54",
     "\uff12\uff10\uff12\uff16-03-01", "0001-01-01T00:00:00+23:59", "2026-03-01T09:30:00+99:00", "0000", "q1", "12",
     "soon", "the other day", "last week of March", "yesterday tomorrow", "10 bananas ago", "march on", "a", "1.5",
     "March 3 and 2026", "9999 years ago", "in 9999 years", "45.13.2026", "13/13/2026", "31 February 2026",
     "yesterday yesterday", "not yesterday", "yesterday?", "last week 14:00", "13 pm yesterday", "yesterday 13pm",
     "x" * 5_000, "since", "2026-03-01 2026-03-02", "2026-03-01T09:30:00+02:00 Z"],
)  # fmt: skip
def test_anything_else_is_an_error_with_examples(text: str) -> None:
    with pytest.raises(
        Rejected, match=r"since: .* is not a time; write ISO 8601, for example '2026-03-01'"
    ) as told:
        reader().begin(text, "since")
    assert told.value.field == "since"
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("field", "text", "readings"),
    [
        ("since", "03/04/2026", "2026-03-04 or 2026-04-03"),
        ("expires_at", "Monday", "'last Monday' or 'next Monday'"),
        ("valid_from", "march", "'last march' or 'next march'"),
        ("valid_until", "3 March", "2026-03-03"),
        (
            "since",
            "2026-10-25 02:30 Europe/Berlin",
            "'2026-10-25T02:30:00+02:00' or '2026-10-25T02:30:00+01:00'",
        ),
        ("since", "2026-03-29 02:30 Europe/Berlin", "left out by the clocks of Europe/Berlin"),
        ("since", "2026-03-01T09:30+02:00[Europe/Berlin]", "not the offset of Europe/Berlin"),
        ("since", "2026-03-01 09:30 Mars/Base", "there is no time zone 'Mars/Base'"),
        ("since", "Fri, 26 Nov 2026 17:00:00 +0100", "2026-11-26 is a Thursday"),
        ("since", "Nov 26 2026 5pm EST", "EST names several time zones"),
        ("since", "5pm EST", "EST names several time zones"),
        ("since", "today 5pm est", "est names several time zones"),
        ("valid_until", "2026-03-01 17:00 CEST", "CEST names several time zones"),
    ],
)
def test_what_may_be_two_things_or_none_is_refused_with_what_it_may_be(
    field: str, text: str, readings: str
) -> None:
    with pytest.raises(Rejected) as told:
        reader().begin(text, field)
    assert readings in str(told.value)
    assert told.value.field == field


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_survives_text_and_storage(instant: datetime) -> None:
    assert reader().begin(instant.isoformat(), "t") == instant
    assert from_micros(to_micros(instant)) == instant


_EXPRESSIONS = st.sampled_from(
    ["now", "today", "yesterday", "tomorrow", "last week", "this month", "next quarter", "last year", "3 days ago",
     "an hour ago", "in 5 weeks", "last 10 minutes", "next 2 years", "Monday", "last Sunday", "next fri", "june",
     "last may", "next may", "29 February", "1 January", "yesterday 9am"],
)  # fmt: skip
_NOWS = st.integers(631_152_000, 3_786_912_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca"]
)


@given(_EXPRESSIONS, _NOWS, _NOWS, _ZONES)
def test_what_is_told_from_now_moves_with_it(text: str, one: datetime, other: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    try:
        first, second = (
            [reader(now, zone).begin(text, "since"), reader(now, zone).end(text, "until")]
            for now in sorted((one, other))
        )
    except Rejected:
        if text != "yesterday 9am":  # which clocks may leave out
            raise
        return
    assert first[0] <= first[1]
    assert first[0] <= second[0]
    assert first[1] <= second[1]


_WORDS = st.sampled_from(
    ["last", "next", "this", "week", "monday", "march", "3", "03", "2026", "-", "/", ".", ":", " ", "T", "Z", "W12",
     "Q1", "ago", "in", "days", "hours", "at", "pm", "am", "+01:00", "[Europe/Berlin]", "Europe/Berlin", "UTC", "of",
     ",", "th", "yesterday", "since", "0", "99999999999999999999", "\u0660", "\u017f", "\0", "1e9"],
)  # fmt: skip


@given(
    st.one_of(
        st.lists(_WORDS, max_size=8).map("".join), st.lists(_WORDS, max_size=8).map(" ".join), st.text()
    )
)
def test_whatever_is_written_is_a_time_or_rejected(text: str) -> None:
    refused: list[str] = []
    for field in ("since", "expires_at"):
        try:
            begin, end = reader().begin(text, field), reader().end(text, field)
        except Rejected as told:
            refused.append(str(told.field))
        else:
            assert begin <= end
            assert begin.utcoffset() == end.utcoffset() == timedelta(0)
    assert set(refused) <= {"since", "expires_at"}


def test_iso_8601_needs_no_library() -> None:
    program = (
        "import sys\n"
        "from datetime import UTC, datetime\n"
        "from agent_memory.core.times import TimeReader\n"
        "reader = TimeReader(datetime.now(UTC))\n"
        "reader.begin('2026-03-01T09:30:00+02:00', 'since')\n"
        "reader.end('last week', 'until')\n"
        "assert not {'dateutil', 'zoneinfo', 'six'} & sys.modules.keys(), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_storage_keeps_instants_not_wall_clocks() -> None:
    zone = timezone(timedelta(hours=2))
    local = datetime(2026, 3, 1, 9, 30, tzinfo=zone)
    assert from_micros(to_micros(local)) == local
    assert from_micros(to_micros(local)).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "shown"), [("29 February", "2028-02-29"), ("Feb 29", "2028-02-29"), ("3 March", "2026-03-03")]
)
def test_a_day_that_is_suggested_is_one_that_there_is(text: str, shown: str) -> None:
    with pytest.raises(Rejected, match=f"write {shown} or another"):
        reader().end(text, "valid_until")


@pytest.mark.parametrize(
    "text", ["30 February", "31 April", "2026-02-29T00:00:00Z", "20260229T000000Z", "20260301"]
)
def test_a_day_that_there_never_is_is_no_time(text: str) -> None:
    with pytest.raises(Rejected, match="is not a time"):
        reader().end(text, "valid_until")
