"""The vectors of one model: eight bits a dimension to score with, one bit a dimension to choose by.

The signs of 256 dimensions take 32 bytes; comparing them by counting bits finds the nearest few hundred of 100,000 in
about a millisecond, and those are scored with the eight bits (on LoCoMo the order is that of float32).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Columns, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...ports.records import Vector
    from .arrays import Flags, Floats, Numbers

EXACT = 2_048
"""Up to so many vectors admitted, all are scored."""
_NEAREST = 256
_FURTHEST = 16
_TOGETHER = 256
"""Vectors whose float32 stay in the nearest cache until they are multiplied."""


class VectorTable:
    """A vector belongs to a chunk of a document; those of dead documents stay until the index is made anew."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.chunks = Columns({"doc": "i4", "start": "i4", "end": "i4", "scale": "f4", "valid": "?"})
        self.values = Rows(dimension, "i1")
        self.signs = Columns({str(word): "u8" for word in range(-(-dimension // 64))})
        self.first = Columns({"row": "i4", "count": "i4"})

    def __len__(self) -> int:
        return len(self.values)

    def put(self, doc: int, vectors: Sequence[Vector]) -> None:
        """In place of those that the document had."""
        while len(self.first) <= doc:
            self.first.append(row=-1, count=0)
        floats = np.frombuffer(b"".join(vector.values for vector in vectors), "<f4")
        floats = floats.reshape(len(vectors), -1)
        scales = np.abs(floats).max(axis=1, initial=1e-12) / 127
        first, count = int(self.first["row"][doc]), int(self.first["count"][doc])
        if count:
            self.chunks["valid"][first : first + count] = False
        self.first["row"][doc], self.first["count"][doc] = len(self), len(vectors)
        for vector, scale, signs in zip(vectors, scales, _signs(floats), strict=True):
            self.chunks.append(doc=doc, start=vector.start, end=vector.end, scale=scale, valid=True)
            self.signs.append(**{str(word): value for word, value in enumerate(signs)})
        self.values.append(np.rint(floats / scales[:, None]).astype(np.int8))

    def has(self, doc: int) -> bool:
        return doc < len(self.first) and bool(self.first["count"][doc])

    def nearest(self, query: Floats, admitted: Flags) -> Numbers:
        """Rows worth scoring: all when they are few, else the nearest by sign, and the furthest for the scale."""
        here = self.chunks["valid"] & admitted[self.chunks["doc"]]
        count = int(np.count_nonzero(here))
        if count <= EXACT:
            return np.flatnonzero(here).astype(np.int32)
        unlike = self._unlike(query)
        counted = unlike if count == len(unlike) else unlike[here]
        below = np.cumsum(np.bincount(counted, minlength=self.dimension + 65))
        # Python's own numbers: numpy's would make a copy of all counts in eight bytes each.
        nearest = here & (unlike <= int(np.searchsorted(below, _NEAREST)))
        furthest = here & (unlike >= int(np.searchsorted(below, count - _FURTHEST)))
        rows = np.concatenate([np.flatnonzero(nearest)[: _NEAREST * 2], np.flatnonzero(furthest)[:_FURTHEST]])
        return rows.astype(np.int32)

    def _unlike(self, query: Floats) -> NDArray[np.int16]:
        """How many signs differ, of every row. Word by word: summing along short rows takes eight times as long."""
        counts = np.zeros(len(self), np.int16)
        for word, signs in enumerate(_signs(query[None, :])[0]):
            counts += np.bitwise_count(self.signs[str(word)] ^ signs)
        return counts

    def cosines(self, query: Floats, rows: Numbers) -> Floats:
        scored: Floats = np.empty(len(rows), np.float32)
        for first in range(0, len(rows), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            # Row by row, not by one call of BLAS: its threads spin on a busy machine, and a millisecond is lost for a
            # tenth of one.
            scored[some] = np.vecdot(self.values.floats(rows[some]), query)
        scored *= self.chunks["scale"][rows]
        return scored

    def rows_of(self, docs: Numbers) -> Numbers:
        """All chunks of these documents."""
        docs = docs[docs < len(self.first)]
        first, count = self.first["row"][docs], self.first["count"][docs]
        if not count.any():
            return np.empty(0, np.int32)
        starts = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        rows: NDArray[Any] = starts + np.arange(int(count.sum()))
        return rows.astype(np.int32)


def _signs(floats: Floats) -> NDArray[np.uint64]:
    bits = np.packbits(floats > 0, axis=1)
    wanted = -(-floats.shape[1] // 64) * 8
    padded = np.zeros((len(floats), wanted), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)
