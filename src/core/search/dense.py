"""The meaning's side: cosines of question and entry, by the best chunk, spread from 0 to 1 over what was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .arrays import Flags, Floats, Numbers
    from .index import Index

_NEAR = 0.5
"""From here on, meaning counts as a reason of its own ..."""
_LEAST = 0.15
"""... unless the cosine itself is less: that of texts which have nothing to do with each other is 0.0 to 0.1 with the
static model and with MiniLM, and 98 % of LoCoMo's evidence is above this. Something is always nearest: where even that
is further, all of it is noise, which must not be spread up to 1.
"""
_SURE = 0.5
"""A nearest entry as near as this is as good as a word that is found. Of LoCoMo's questions half have such a one and
95 % one above 0.3, among 2,760 turns; strings of random letters have one at 0.17 to 0.36 there (both models).
"""


class Cosines(NamedTuple):
    """`best`: the highest of all."""

    normal: Floats
    near: Flags
    best: float

    @property
    def sure(self) -> float:
        """0 to 1: how much the nearest is worth where nothing but meaning speaks for it."""
        return min(1.0, max(0.0, self.best / _SURE))


UNKNOWN = -2.0
"""In place of a cosine: there is no vector."""


def spread(cosines: Floats) -> Cosines:
    """From 0 to 1 over those that are known."""
    known = cosines > UNKNOWN
    if not known.any():
        return Cosines(np.zeros(len(cosines), np.float32), np.zeros(len(cosines), np.bool_), 0.0)
    low, high = min(float(cosines[known].min()), 0.0), float(cosines[known].max())
    if high < _LEAST:
        return Cosines(np.zeros(len(cosines), np.float32), np.zeros(len(cosines), np.bool_), high)
    normal = np.where(known, (cosines - low) / max(high - low, 1e-6), 0).astype(np.float32)
    return Cosines(normal, known & (normal >= max(_NEAR, (_LEAST - low) / max(high - low, 1e-6))), high)


def score(index: Index, docs: Numbers, vectors: Mapping[str, Floats]) -> Cosines:
    """Of each of `docs`, which ascend. Several models while one takes over from another: the first that knows it."""
    normal = np.zeros(len(docs), np.float32)
    known = np.zeros(len(docs), np.bool_)
    near = np.zeros(len(docs), np.bool_)
    best = 0.0
    for model, vector in vectors.items():
        table = index.tables[model]
        rows = table.rows_of(docs)
        if not len(rows):
            continue
        cosines = table.cosines(vector, rows)
        here = np.full(len(docs), UNKNOWN, np.float32)
        np.maximum.at(here, np.searchsorted(docs, table.chunks["doc"][rows]), cosines)
        meaning = spread(here)
        best = max(best, meaning.best)
        new = (here > UNKNOWN) & ~known
        normal[new] = meaning.normal[new]
        near[new] = meaning.near[new]
        known |= new
    return Cosines(normal, near, best)
