"""What workers told of their runs, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Run(NamedTuple):
    """From `start` to `end`, in seconds of the clock that processes share; `end` of one that was killed is the kill."""

    subject: int
    token: int
    pid: int
    start: float
    end: float


def runs(path: Path, killed: dict[int, float]) -> list[Run]:
    """In the order of their starts. `killed`: when, by process."""
    open_: dict[tuple[int, int, int], float] = {}
    found: list[Run] = []
    for line in path.read_text().splitlines():
        event, *rest, seconds = line.split()
        key = (int(rest[0]), int(rest[1]), int(rest[2]))
        if event == "start":
            open_[key] = float(seconds)
        elif event == "end":
            found.append(Run(*key, open_.pop(key), float(seconds)))
    found += [Run(*key, start, killed.get(key[2], float("inf"))) for key, start in open_.items()]
    return sorted(found, key=lambda run: run.start)


def overlaps(history: list[Run]) -> list[tuple[Run, Run]]:
    """Two runs of one subject at the same time, or with tokens that do not grow."""
    latest: dict[int, Run] = {}
    found: list[tuple[Run, Run]] = []
    for run in history:
        before = latest.get(run.subject)
        if before is not None and (run.start < before.end or (run.token and run.token <= before.token)):
            found.append((before, run))
        latest[run.subject] = run
    return found
