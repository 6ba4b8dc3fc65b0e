"""The judge of histories, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .history import Run, overlaps, runs

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_that_was_killed_ends_with_the_kill(tmp_path: Path) -> None:
    told = tmp_path / "history"
    told.write_text("up 0 0 7 1.0\nstart 1 5 7 2.0\nstart 2 6 8 2.5\nend 2 6 8 3.0\n")
    assert runs(told, {7: 2.75}) == [Run(1, 5, 7, 2.0, 2.75), Run(2, 6, 8, 2.5, 3.0)]


def test_two_runs_of_one_job_at_once_are_found() -> None:
    one, two = Run(1, 5, 7, 2.0, 3.0), Run(1, 6, 8, 2.9, 4.0)
    assert overlaps([one, two]) == [(one, two)]
    assert overlaps([one, two._replace(subject=2)]) == []


def test_a_token_that_does_not_grow_is_found() -> None:
    one, two = Run(1, 5, 7, 2.0, 3.0), Run(1, 5, 8, 3.5, 4.0)
    assert overlaps([one, two]) == [(one, two)]
    assert overlaps([one, two._replace(token=6)]) == []
