from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent_memory.core.search.dates import Stretch, named_times

_NOW = datetime(2025, 6, 18, 15, tzinfo=UTC)


def best(question: str) -> set[tuple[str, str]]:
    """The times themselves, as dates."""
    return {
        (f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}")
        for named in named_times(question, _NOW, 2023)
        for start, end, fit in named.times
        if fit == 1
    }


def around(question: str) -> set[Stretch]:
    return {stretch for named in named_times(question, _NOW, 2023) for stretch in named.around}


@pytest.mark.parametrize(
    "question",
    [
        "What happened on 8 May 2023?",
        "what happened on 8th of may, 2023",
        "What happened on May 8, 2023?",
        "What happened on May 8th 2023?",
        "What happened on 2023-05-08?",
        "What happened at 2023-05-08T10:00?",
        "What happened on 2023/05/08?",
        "What happened on 08.05.2023?",
        "8.5.2023",
        "what happened on 8. 5. 2023.",
    ],
)
def test_a_day_however_it_is_written(question: str) -> None:
    assert best(question) == {("2023-05-08", "2023-05-09")}


def test_the_days_around_a_day_are_not_the_day() -> None:
    assert around("on 2023-05-08") == {
        Stretch(datetime(2023, 5, 8, tzinfo=UTC), datetime(2023, 5, 11, tzinfo=UTC), 1.0),
        Stretch(datetime(2023, 5, 7, tzinfo=UTC), datetime(2023, 5, 17, tzinfo=UTC), 0.7),
        Stretch(datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC), 0.3),
    }
    assert around("in May 2023") == set()


def test_month_and_day_that_may_be_either_are_both() -> None:
    assert best("on 3/4/2025") == {("2025-03-04", "2025-03-05"), ("2025-04-03", "2025-04-04")}
    assert best("on 4/4/2025") == {("2025-04-04", "2025-04-05")}
    assert best("on 12/25/2024") == best("on 25/12/2024") == {("2024-12-25", "2024-12-26")}


def test_a_day_without_a_year_is_that_of_every_year() -> None:
    assert best("the talk of 3 March") == {
        ("2023-03-03", "2023-03-04"), ("2024-03-03", "2024-03-04"), ("2025-03-03", "2025-03-04"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        "March",
        "march?",
        "What did we decide in March?",
        "what was done in march",
        "March retrospective",
        "last march",
    ],
)
def test_a_month_without_a_year_is_that_of_every_year(question: str) -> None:
    assert best(question) == {
        ("2023-03-01", "2023-04-01"), ("2024-03-01", "2024-04-01"), ("2025-03-01", "2025-04-01"),
    }  # fmt: skip


@pytest.mark.parametrize("question", ["in July 2024", "in 2024-07", "Jul 2024"])
def test_a_month(question: str) -> None:
    assert best(question) == {("2024-07-01", "2024-08-01")}


def test_a_year() -> None:
    assert best("the plan for 2024") == {("2024-01-01", "2025-01-01")}


def test_days_counted_from_now() -> None:
    assert best("what did we decide yesterday?") == {("2025-06-17", "2025-06-18")}
    assert best("and today") == {("2025-06-18", "2025-06-19")}


@pytest.mark.parametrize(
    ("question", "first", "after"),
    [
        ("what broke 3 days ago?", "2025-06-15", "2025-06-16"),
        ("everything since Monday", "2025-06-16", "2025-06-17"),
        ("what was decided last Friday", "2025-06-13", "2025-06-14"),
        ("the retrospective of last quarter", "2025-01-01", "2025-04-01"),
        ("plans for next month", "2025-07-01", "2025-08-01"),
        ("the numbers of Q2 2024", "2024-04-01", "2024-07-01"),
        ("the numbers of 2024-Q2", "2024-04-01", "2024-07-01"),
        ("incidents in 2025-W12", "2025-03-17", "2025-03-24"),
        ("what happened last week", "2025-06-09", "2025-06-16"),
        ("errors of the last 7 days", "2025-06-11", "2025-06-18"),
    ],
)
def test_what_a_filter_understands_a_question_may_say(question: str, first: str, after: str) -> None:
    assert best(question) == {(first, after)}


def test_the_weeks_around_last_week_are_not_last_week() -> None:
    (loose,) = around("what happened last week")
    assert (f"{loose.start:%Y-%m-%d}", f"{loose.end:%Y-%m-%d}") == ("2025-06-05", "2025-06-18")


def test_an_instant_is_the_hour_around_it() -> None:
    (named,) = named_times("what happened an hour ago?", _NOW, 2023)
    (stretch,) = named.times
    assert stretch == Stretch(_NOW - timedelta(minutes=90), _NOW - timedelta(minutes=30), 1.0)


def test_days_begin_where_now_says() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    (named,) = named_times("yesterday", _NOW.astimezone(berlin), 2023)
    assert named.times[0].start == datetime(2025, 6, 16, 22, tzinfo=UTC)
    (day,) = named_times("on 2025-01-02", _NOW.astimezone(berlin), 2023)
    assert day.times[0].start == datetime(2025, 1, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "question",
    [
        "what do we do on Mondays",
        "the last word",
        "May I deploy?",
        "when may I deploy",
        "the mar on the table",
        "what is march madness",
        "version 3.2024.1",
        "version 1.3.4.2025",
        "version 3.4.2025.1",
        "ticket ABC-2024",
        "2023-13-45",
        "45.13.2023",
        "13/13/2023",
        "0000-01-01",
        "9999-12-31",
        "0001-01-01",
        "",
    ],
)
def test_what_is_no_date(question: str) -> None:
    assert best(question) == set()


def test_a_day_that_does_not_exist_leaves_its_month_alone() -> None:
    assert best("on 31 February 2024") == set()
    assert around("on 31 February 2024") == set()
