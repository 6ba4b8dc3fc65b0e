"""The vectors of one model: eight bits a dimension to score with, one bit a dimension to choose by.

The signs of 256 dimensions take 32 bytes; comparing them by counting bits finds some hundreds of 100,000 in about a
millisecond, and those are scored with the eight bits (on LoCoMo the order is that of float32).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import Columns, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...ports.records import Vector
    from .arrays import Flags, Floats, Places

EXACT = 1_024
"""Up to so many vectors admitted, all are candidates."""
_LIKE = 512
_LIKE_SHARE = 64
"""One in so many is scored: of the ten nearest by cosine that finds 9.5 among 83,000 turns, where 512 find 8.9."""
_SHARE_OF_ONE = 2
"""Of those half may differ by the same number of signs."""
_NEAREST = 96
_FURTHEST = 16
_WORDS = 3
"""Counts of so many words of 64 signs fit into a byte."""
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

    def nearest(self, query: Floats, admitted: Flags, least: int) -> Places:
        """Candidates: all when they are few, else the nearest documents of those most alike by sign, a row each and
        `least` or more, and some of the furthest for the scale.
        """
        here = self.chunks["valid"] & admitted.take(self.chunks["doc"])
        count = int(np.count_nonzero(here))
        if count <= EXACT:
            return np.flatnonzero(here)
        unlike = self._unlike(query)
        counts = np.bincount(unlike if count == len(unlike) else unlike[here], minlength=self.dimension + 65)
        wanted = max(_LIKE, count // _LIKE_SHARE)
        # Many of one distance (the same text over and over) leave room for those behind them.
        most = wanted // _SHARE_OF_ONE
        # Python's own numbers: numpy's would make a copy of all counts in eight bytes each.
        last = int(np.searchsorted(np.cumsum(np.minimum(counts, most)), wanted))
        like = np.flatnonzero(here & (unlike <= last))
        if counts[: last + 1].max() > most:
            like = _newest_of_each(like, unlike.take(like), most)
        furthest = np.flatnonzero(
            here & (unlike >= int(np.searchsorted(np.cumsum(counts), count - _FURTHEST)))
        )
        like = like[np.argsort(-self._cosines(query, like))]
        # Of each document the nearest: one that is long must not take every place.
        _, first = np.unique(self.chunks["doc"].take(like), return_index=True)
        first.sort()
        return np.concatenate([like[first[: max(_NEAREST, least)]], furthest[:_FURTHEST]])

    def _unlike(self, query: Floats) -> NDArray[np.int16]:
        """How many signs differ, of every row. Word by word: summing along short rows takes eight times as long."""
        unlike = np.zeros(len(self), np.int16)
        asked = _signs(query[None, :])[0]
        for first in range(0, len(asked), _WORDS):
            some = np.zeros(len(self), np.uint8)
            for word, signs in enumerate(asked[first : first + _WORDS], first):
                some += np.bitwise_count(self.signs[str(word)] ^ signs)
            unlike += some
        return unlike

    def best(self, query: Floats, docs: Places, unknown: float) -> Floats:
        """The cosine of each document's nearest chunk; `unknown` for one without vectors."""
        best: Floats = np.full(len(docs), unknown, np.float32)
        has = docs < len(self.first)
        if not has.all():
            best[has] = self.best(query, docs[has], unknown)
            return best
        count = self.first["count"].take(docs)
        has = count > 0
        if not has.all():
            docs, count = docs[has], count[has]
        if not len(docs):
            return best
        starts = np.cumsum(count, dtype=np.intp) - count
        rows = np.repeat(self.first["row"].take(docs) - starts, count)
        rows += np.arange(len(rows))
        best[has] = np.maximum.reduceat(self._cosines(query, rows), starts)
        return best

    def _cosines(self, query: Floats, rows: Places) -> Floats:
        scored: Floats = np.empty(len(rows), np.float32)
        bytes_, floats = (
            np.empty((_TOGETHER, self.dimension), np.int8),
            np.empty((_TOGETHER, self.dimension), np.float32),
        )
        for first in range(0, len(rows), _TOGETHER):
            some = rows[first : first + _TOGETHER]
            # Into the same memory each time. "clip", as there are no others: to refuse them numpy would copy once more.
            taken = np.take(self.values.view, some, axis=0, out=bytes_[: len(some)], mode="clip")
            np.copyto(floats[: len(some)], taken)
            # Row by row, not by one call of BLAS: its threads spin on a busy machine, and a millisecond is lost for a
            # tenth of one.
            np.vecdot(floats[: len(some)], query, out=scored[first : first + _TOGETHER])
        scored *= self.chunks["scale"].take(rows)
        return scored


def _newest_of_each(rows: Places, distances: NDArray[np.int16], most: int) -> Places:
    """Of the rows of each distance the last `most`."""
    order = np.argsort(distances, kind="stable")
    ends = np.searchsorted(distances[order], distances, side="right")
    place = np.empty(len(rows), np.intp)
    place[order] = np.arange(len(rows))
    return rows[place >= ends - most]


def _signs(floats: Floats) -> NDArray[np.uint64]:
    bits = np.packbits(floats > 0, axis=1)
    wanted = -(-floats.shape[1] // 64) * 8
    padded = np.zeros((len(floats), wanted), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)
