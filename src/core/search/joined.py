"""Two lists of the store, by words and by meaning, into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .dense import UNKNOWN, spread
from .found import Scored
from .fusion import fused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.queries import Hit
    from ...ports.records import Vector
    from .arrays import Floats
    from .large import Near
    from .weights import Weights


def joined(words: Sequence[Hit], near: Near | None, weights: Weights) -> tuple[Scored, ...]:
    """Best first, the newest of equals. As the index has it: shares of the best by words, cosines from 0 to 1 over what
    is compared. None: without meaning.
    """
    by_words = {hit.entry.id: hit for hit in words}
    by_meaning = {} if near is None else {hit.entry.id: hit for hit in near.hits}
    hits = by_meaning | by_words
    if not hits:
        return ()
    best = max((hit.score for hit in words), default=0.0)
    lexical = np.array(
        [by_words[each].score / best if best > 0 and each in by_words else 0 for each in hits], np.float32
    )
    cosines = np.full(len(hits), UNKNOWN, np.float32)
    if near is not None:
        asked = np.frombuffer(near.asked, "<f4")
        for place, each in enumerate(hits):
            if each in by_meaning:
                cosines[place] = by_meaning[each].score
            elif each in near.vectors:
                cosines[place] = _nearest(near.vectors[each], asked)
    meaning = spread(cosines)
    total = fused(lexical, meaning.normal, weights)
    sure = 1.0 if best > 0 and weights.lexical else meaning.sure
    found: list[Scored] = []
    for place, (each, hit) in enumerate(hits.items()):
        is_near = bool(meaning.near[place])
        if each not in by_words and not is_near:
            continue
        found.append(
            Scored(
                entry=hit.entry,
                score=float(total[place]),
                match="both" if each in by_words and is_near else "dense" if is_near else "lexical",
                lexical=float(lexical[place]),
                dense=float(meaning.normal[place]),
                parts={"own": float(total[place])},
                start=hit.start,
                end=hit.end,
                sure=sure,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.score, one.entry.id), reverse=True))


def _nearest(vectors: Sequence[Vector], asked: Floats) -> float:
    return max(float(np.frombuffer(vector.values, "<f4") @ asked) for vector in vectors)
