from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent_memory.core.search.dates import named_times

_NOW = datetime(2025, 6, 18, 15, tzinfo=UTC)


def best(question: str) -> set[tuple[str, str]]:
    """The stretches that fit wholly, as dates."""
    return {
        (f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}")
        for start, end, fit in named_times(question, _NOW, 2023)
        if fit == 1
    }


@pytest.mark.parametrize(
    "question",
    [
        "What happened on 8 May 2023?",
        "what happened on 8th of may, 2023",
        "What happened on May 8, 2023?",
        "What happened on May 8th 2023?",
        "What happened on 2023-05-08?",
    ],
)
def test_a_day_however_it_is_written(question: str) -> None:
    assert best(question) == {("2023-05-08", "2023-05-11")}


def test_a_day_without_a_year_is_that_of_every_year() -> None:
    assert best("the talk of 3 March") == {
        ("2023-03-03", "2023-03-06"), ("2024-03-03", "2024-03-06"), ("2025-03-03", "2025-03-06"),
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
    "question",
    [
        "May I deploy?",
        "when may I deploy",
        "the mar on the table",
        "what is march madness",
        "version 3.2024.1",
        "ticket ABC-2024",
        "2023-13-45",
        "",
    ],
)
def test_what_is_no_date(question: str) -> None:
    assert best(question) == set()


def test_a_day_that_does_not_exist_leaves_its_month_alone() -> None:
    assert best("on 31 February 2024") == set()
