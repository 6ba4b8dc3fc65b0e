"""Which rows hold a term: one growing list of row numbers a term, ascending."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .arrays import Numbers

_NONE = np.empty(0, np.int32)


class Postings:
    """Half of all terms stand in one row only, so such a term keeps the number itself, and no list."""

    def __init__(self) -> None:
        self._rows: dict[str, int | array[int]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: int, terms: Iterable[str]) -> None:
        """Rows ascend; each of `terms` once."""
        rows = self._rows
        for term in terms:
            standing = rows.get(term)
            if standing is None:
                rows[term] = row
            elif isinstance(standing, int):
                rows[term] = array("i", (standing, row))
            else:
                standing.append(row)

    def rows(self, term: str) -> Numbers:
        """A copy of its own: a list that is looked into cannot grow."""
        standing = self._rows.get(term)
        if standing is None:
            return _NONE
        if isinstance(standing, int):
            return np.array([standing], np.int32)
        return np.array(standing, np.int32)

    def count(self, term: str) -> int:
        standing = self._rows.get(term)
        return 0 if standing is None else 1 if isinstance(standing, int) else len(standing)

    def last(self, term: str, most: int) -> list[int]:
        """The newest rows, at most so many: what that costs does not grow with the list."""
        standing = self._rows.get(term)
        if standing is None:
            return []
        return [standing] if isinstance(standing, int) else standing[-most:].tolist()

    def items(self) -> Iterator[tuple[str, Numbers]]:
        return ((term, self.rows(term)) for term in self._rows)

    def put(self, term: str, rows: Numbers) -> None:
        """The whole list of a term, as it was saved."""
        self._rows[term] = int(rows[0]) if len(rows) == 1 else array("i", rows.tobytes())
