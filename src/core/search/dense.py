"""The meaning's side: cosines of question and entry, by the best chunk, spread from 0 to 1 over what was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .arrays import Flags, Floats, Places
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
    high = float(cosines.max(initial=UNKNOWN))
    if high <= UNKNOWN:
        return Cosines(np.zeros(len(cosines), np.float32), np.zeros(len(cosines), np.bool_), 0.0)
    if high < _LEAST:
        return Cosines(np.zeros(len(cosines), np.float32), np.zeros(len(cosines), np.bool_), high)
    low = float(cosines.min(where=known, initial=0.0))
    over = np.float32(max(high - low, 1e-6))
    normal: Floats = (cosines - np.float32(low)) / over
    normal *= known
    return Cosines(normal, known & (normal >= max(_NEAR, (_LEAST - low) / float(over))), high)


def score(index: Index, docs: Places, vectors: Mapping[str, Floats]) -> Cosines:
    """Of each of `docs`, which ascend. Several models while one takes over from another: the first that knows it."""
    normal = np.zeros(len(docs), np.float32)
    known = np.zeros(len(docs), np.bool_)
    near = np.zeros(len(docs), np.bool_)
    best = 0.0
    for model, vector in vectors.items():
        here = index.tables[model].best(vector, docs, UNKNOWN)
        meaning = spread(here)
        if len(vectors) == 1:
            return meaning
        best = max(best, meaning.best)
        new = (here > UNKNOWN) & ~known
        normal[new] = meaning.normal[new]
        near[new] = meaning.near[new]
        known |= new
    return Cosines(normal, near, best)
