"""Ranking: what stands for an entry being the answer, added up. Every number can be asked for (`explain`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import context, dense, lexical, metadata
from .fusion import fused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from .arrays import Flags, Floats, Numbers
    from .index import Index
    from .question import Question
    from .weights import Weights

_ALL = 2_048
"""Up to so many admitted documents, each is scored with everything."""
_BEST = 192
_LEVELS = 1_024


class Ranked(NamedTuple):
    """`start`, `end`: its best chunk. `parts`: what each ingredient gave; they add up to `score`. `sure`: what the best
    of this answer is worth, 0 to 1.
    """

    id: str
    score: float
    match: str
    lexical: float
    dense: float
    parts: dict[str, float]
    start: int
    end: int
    sure: float


def rank(
    index: Index,
    question: Question,
    admitted: Flags,
    vectors: Mapping[str, Floats],
    *,
    weights: Weights,
    now: datetime,
    limit: int,
) -> list[Ranked]:
    words = lexical.score(index, question, admitted)
    sessions = context.session_scores(index, words, admitted) * weights.session
    author = metadata.author(index.catalogue, question, admitted, weights)
    date = metadata.date(index.catalogue, question, admitted, now, weights)
    first = weights.lexical * words.docs + sessions + author + date
    first[~admitted] = 0
    nearest = {model: index.tables[model].nearest(vector, admitted) for model, vector in vectors.items()}
    docs = _candidates(index, first, admitted, nearest)
    if not len(docs):
        return []
    cosines = dense.score(index, docs, vectors)
    own = fused(words.docs[docs], cosines.normal, weights)
    lent = context.lent(index, words, docs, cosines.normal, weights)
    parts = {
        "own": own,
        **lent,
        "session": sessions[docs],
        "author": author[docs],
        "date": date[docs],
        **metadata.small(index, question, words, docs, now=now, weights=weights),
    }
    total: Floats = np.stack(list(parts.values())).sum(axis=0)
    evidence = (words.docs[docs] > 0) | cosines.near | context.in_context(index.catalogue, docs, lent)
    evidence |= (author[docs] > 0) | (date[docs] > 0)
    named = bool(words.shares and weights.lexical) or author.any() or date.any()
    sure = 1.0 if named else cosines.sure
    return [
        _ranked(index, int(docs[n]), n, words=words, cosines=cosines, total=total, parts=parts, sure=sure)
        for n in _best(index, docs, np.where(evidence, total, -np.inf), limit)
    ]


def _candidates(index: Index, first: Floats, admitted: Flags, nearest: Mapping[str, Numbers]) -> Numbers:
    """Everything when it is little, else the best by words and by meaning, with what stands around them."""
    if np.count_nonzero(admitted) <= _ALL:
        return np.flatnonzero(admitted).astype(np.int32)
    chosen = np.zeros(len(first), np.bool_)
    chosen[_highest(first)] = True
    for model, rows in nearest.items():
        chosen[index.tables[model].chunks["doc"][rows]] = True
    here = np.flatnonzero(chosen)
    for side in ("before", "after"):
        there = index.catalogue.docs[side][here]
        chosen[there[there >= 0]] = True
    return np.flatnonzero(chosen & admitted).astype(np.int32)


def _highest(scores: Floats) -> NDArray[np.intp]:
    """Where the `_BEST` highest of what is above 0 stand, or a few more.

    By counting: numpy's partition takes twenty times as long where many values are equal, and here most are.
    """
    places = np.flatnonzero(scores > 0)
    if len(places) <= _BEST:
        return places
    level = (scores[places] * (_LEVELS / scores.max())).astype(np.int32)
    above = np.cumsum(np.bincount(level, minlength=_LEVELS + 1)[::-1])[::-1]
    least = int(np.flatnonzero(above >= _BEST)[-1])
    return np.concatenate([places[level > least], places[level == least][-_BEST:]])


def _best(index: Index, docs: Numbers, total: Floats, limit: int) -> list[int]:
    """Positions in `docs`, best first; the newest of equals."""
    if len(total) > limit * 4:
        at_least = np.partition(total, -limit)[-limit]
        places = np.flatnonzero(total >= at_least)
    else:
        places = np.arange(len(total))
    ids = index.catalogue.ids
    rest = [int(place) for place in places if total[place] > -np.inf]
    names = {place: ids[int(docs[place])] for place in rest}
    scores: list[float] = total.tolist()
    rest.sort(key=names.__getitem__, reverse=True)
    rest.sort(key=scores.__getitem__, reverse=True)
    return rest[:limit]


def _ranked(
    index: Index,
    doc: int,
    place: int,
    *,
    words: lexical.Words,
    cosines: dense.Cosines,
    total: Floats,
    parts: Mapping[str, Floats],
    sure: float,
) -> Ranked:
    by_words = float(words.docs[doc])
    near = bool(cosines.near[place])
    start, end = words.best_chunk(index, doc)
    return Ranked(
        id=index.catalogue.ids[doc],
        score=float(total[place]),
        match="both" if by_words and near else "dense" if near else "lexical",
        lexical=by_words,
        dense=float(cosines.normal[place]),
        parts={name: float(each[place]) for name, each in parts.items() if each[place]},
        start=start,
        end=end,
        sure=sure,
    )
