"""Which rows hold a term: one growing list of row numbers a term, ascending."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .arrays import Numbers

_NONE = np.empty(0, np.int32)
_SIZE = 4


class Postings:
    """Half of all terms stand in one row only, so such a term keeps the number itself, and no list.

    The lists are bytes of 32-bit numbers: unlike `array`, they are nothing that the garbage collector looks at, which
    would hold every thread for the longer the more terms there are.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int | bytearray] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, term: str) -> bool:
        return term in self._rows

    def add(self, row: int, terms: Iterable[str]) -> None:
        """Rows ascend; each of `terms` once."""
        rows = self._rows
        for term in terms:
            standing = rows.get(term)
            if standing is None:
                rows[term] = row
            elif isinstance(standing, int):
                rows[term] = bytearray(_bytes(standing) + _bytes(row))
            else:
                standing += _bytes(row)

    def rows(self, term: str) -> Numbers:
        """A copy of its own: a list that is looked into cannot grow."""
        standing = self._rows.get(term)
        if standing is None:
            return _NONE
        if isinstance(standing, int):
            return np.array([standing], np.int32)
        return np.frombuffer(standing, np.int32).copy()

    def count(self, term: str) -> int:
        standing = self._rows.get(term)
        return 0 if standing is None else 1 if isinstance(standing, int) else len(standing) // _SIZE

    def last(self, term: str, most: int) -> list[int]:
        """The newest rows, at most so many: what that costs does not grow with the list."""
        standing = self._rows.get(term)
        if standing is None:
            return []
        if isinstance(standing, int):
            return [standing]
        newest: list[int] = np.frombuffer(standing[-most * _SIZE :], np.int32).tolist()
        return newest

    def items(self) -> Iterator[tuple[str, Numbers]]:
        return ((term, self.rows(term)) for term in self._rows)

    def put(self, term: str, rows: Numbers) -> None:
        """The whole list of a term, as it was saved."""
        self._rows[term] = int(rows[0]) if len(rows) == 1 else bytearray(rows.tobytes())


def _bytes(row: int) -> bytes:
    return row.to_bytes(_SIZE, sys.byteorder)
