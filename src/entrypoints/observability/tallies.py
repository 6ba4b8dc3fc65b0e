"""Counts and times as they are kept while the program runs: a few numbers a series, changed on the loop's thread alone.

prometheus-client's own metrics take a lock for each change and walk the buckets one by one: six times the cost, on a
path that takes twenty microseconds. It is used where it is good, for writing what is kept here (`exposition.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Labels = tuple[str, ...]


class Times:
    """A histogram of seconds for each set of labels. `bounds` ascend; what is above the last is counted apart."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self._rows: dict[Labels, tuple[list[int], list[float]]] = {}

    def note(self, labels: Labels, seconds: float) -> None:
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = ([0] * (len(self.bounds) + 1), [0.0])
        row[0][bisect_left(self.bounds, seconds)] += 1
        row[1][0] += seconds

    def series(self) -> Iterator[tuple[Labels, list[int], float]]:
        """Labels, the number at most each bound (the last is of all), and the sum of all seconds."""
        for labels, (counts, total) in self._rows.items():
            so_far = 0
            upto: list[int] = []
            for count in counts:
                so_far += count
                upto.append(so_far)
            yield labels, upto, total[0]

    def count(self, labels: Labels) -> int:
        row = self._rows.get(labels)
        return 0 if row is None else sum(row[0])


class Counts:
    """Numbers that only grow, one for each set of labels."""

    def __init__(self) -> None:
        self.rows: dict[Labels, int] = {}

    def add(self, labels: Labels, many: int = 1) -> None:
        self.rows[labels] = self.rows.get(labels, 0) + many
