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
static model and with MiniLM, and 98 % of LoCoMo's evidence is above this. Something is always nearest.
"""


class Cosines(NamedTuple):
    normal: Floats
    near: Flags


def score(index: Index, docs: Numbers, vectors: Mapping[str, Floats]) -> Cosines:
    """Of each of `docs`, which ascend. Several models while one takes over from another: the first that knows it."""
    normal = np.zeros(len(docs), np.float32)
    known = np.zeros(len(docs), np.bool_)
    near = np.zeros(len(docs), np.bool_)
    for model, vector in vectors.items():
        table = index.tables[model]
        rows = table.rows_of(docs)
        if not len(rows):
            continue
        cosines = table.cosines(vector, rows)
        low, high = min(cosines.min(), 0.0), cosines.max()
        spread = (cosines - low) / max(high - low, 1e-6)
        here = np.full(len(docs), -1, np.float32)
        np.maximum.at(here, np.searchsorted(docs, table.chunks["doc"][rows]), spread)
        new = (here >= 0) & ~known
        normal[new] = here[new]
        near[new] = here[new] >= max(_NEAR, (_LEAST - low) / max(high - low, 1e-6))
        known |= new
    return Cosines(normal, near)
