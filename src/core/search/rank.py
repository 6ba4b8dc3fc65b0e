"""Ranking: what stands for an entry being the answer, added up. Every number can be asked for (`explain`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import context, dense, lexical, metadata
from .fusion import fused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .arrays import Flags, Floats, Places
    from .index import Index
    from .question import Question
    from .weights import Weights

_ALL = 1_024
"""Up to so many admitted documents, each is scored with everything."""
_BEST = 128
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
    filed = metadata.filed(index, question, words, weights)
    first = weights.lexical * words.docs + sessions + author + date
    # Among many that hold the same words.
    first += (weights.importance * index.catalogue.docs["importance"] + filed["title"] + filed["tag"]) * (
        first > 0
    )
    first[~admitted] = 0
    nearest = {
        model: index.tables[model].nearest(vector, admitted, limit) for model, vector in vectors.items()
    }
    docs = _candidates(index, first, admitted, nearest)
    if not len(docs):
        return []
    cosines = dense.score(index, docs, vectors)
    by_words = words.docs.take(docs)
    own = fused(by_words, cosines.normal, weights)
    is_session = context.in_sessions(index.catalogue, docs)
    lent = context.lent(index, words, docs, cosines.normal, is_session=is_session, weights=weights)
    parts = {
        "own": own,
        **lent,
        "session": sessions.take(docs),
        "author": author.take(docs),
        "date": date.take(docs),
        **metadata.small(index, docs, filed, now=now, weights=weights),
    }
    total: Floats = np.zeros(len(docs), np.float32)
    for part in parts.values():
        total += part
    evidence = cosines.near | context.in_context(is_session, lent)
    if weights.lexical:
        evidence |= by_words > 0
    evidence |= (parts["author"] > 0) | (parts["date"] > 0)
    named = bool(words.shares and weights.lexical) or author.any() or date.any()
    sure = 1.0 if named else cosines.sure
    best = _best(index, docs, np.where(evidence, total, -np.inf), limit)
    given = {name: part[best].tolist() for name, part in parts.items()}
    return [
        _ranked(
            index,
            int(docs[place]),
            place,
            words=words,
            cosines=cosines,
            score=float(total[place]),
            parts={name: part[n] for name, part in given.items() if part[n]},
            sure=sure,
            by_meaning_alone=not weights.lexical,
        )
        for n, place in enumerate(best)
    ]


def _candidates(index: Index, first: Floats, admitted: Flags, nearest: Mapping[str, Places]) -> Places:
    """Everything when it is little, else the best by words and by meaning, with what stands around them."""
    if np.count_nonzero(admitted) <= _ALL:
        return np.flatnonzero(admitted)
    chosen = np.zeros(len(first), np.bool_)
    chosen[_highest(first)] = True
    for model, rows in nearest.items():
        chosen[index.tables[model].chunks["doc"].take(rows)] = True
    here = np.flatnonzero(chosen)
    for side in ("before", "after"):
        there = index.catalogue.docs[side].take(here)
        chosen[there[there >= 0]] = True
    return np.flatnonzero(chosen & admitted)


def _highest(scores: Floats) -> Places:
    """Where the `_BEST` highest of what is above 0 stand, or a few more.

    By counting: numpy's partition takes twenty times as long where many values are equal, and here most are.
    """
    places = np.flatnonzero(scores > 0)
    if len(places) <= _BEST:
        return places
    level = (scores.take(places) * (_LEVELS / scores.max())).astype(np.int32)
    above = np.cumsum(np.bincount(level, minlength=_LEVELS + 1)[::-1])[::-1]
    least = int(np.flatnonzero(above >= _BEST)[-1])
    return np.concatenate([places[level > least], places[level == least][-_BEST:]])


def _best(index: Index, docs: Places, total: Floats, limit: int) -> list[int]:
    """Positions in `docs`, best first; the newest of equals."""
    if len(total) > limit * 4:
        at_least = np.partition(total, -limit)[-limit]
        places = np.flatnonzero(total >= at_least)
    else:
        places = np.arange(len(total))
    ids = index.catalogue.ids
    places = places[total[places] > -np.inf]
    rest: list[int] = places.tolist()
    chosen: list[int] = docs[places].tolist()
    names = {place: ids[doc] for place, doc in zip(rest, chosen, strict=True)}
    scores: dict[int, float] = dict(zip(rest, total[places].tolist(), strict=True))
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
    score: float,
    parts: dict[str, float],
    sure: float,
    by_meaning_alone: bool,
) -> Ranked:
    by_words = 0.0 if by_meaning_alone else float(words.docs[doc])
    near = by_meaning_alone or bool(cosines.near[place])
    start, end = words.best_chunk(index, doc)
    return Ranked(
        id=index.catalogue.ids[doc],
        score=score,
        match="both" if by_words and near else "dense" if near else "lexical",
        lexical=by_words,
        dense=float(cosines.normal[place]),
        parts=parts,
        start=start,
        end=end,
        sure=sure,
    )
