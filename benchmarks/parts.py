"""A question's scores as sums of parts, so that weights can be tried by the thousand.

The parts are those of the index, computed once by its own functions with every weight at 1. What a set of weights finds
is then a product of a matrix and a vector: a hundredth of the time of a search.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from agent_memory.core.search import context, dense, lexical, metadata
from agent_memory.core.search.masks import mask
from agent_memory.core.search.question import read_question
from agent_memory.core.search.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from agent_memory.core.search.arrays import Flags, Floats
    from agent_memory.core.search.index import Asked, Index

EVERYTHING = 2_048
"""Up to so many documents the index scores each with everything."""
_OWN = ("lexical", "dense")
_LENT = ("before", "after", "beyond", "answer")
_BESIDE = ("session", "author", "speaker", "date", "question", "recency", "importance", "title", "tag")
_ONE = Weights(**dict.fromkeys((*_OWN, *_LENT, *_BESIDE), 1.0))


class Parts:
    """`names`: of entries, by id; `relevant`: such names, each once. Holds for weights above 0: at 0 the index also
    drops what only that part found.
    """

    def __init__(
        self, index: Index, asked: Asked, names: Mapping[str, str], relevant: Collection[str]
    ) -> None:
        admitted = mask(index.catalogue, index.tags, asked.where)
        docs = np.flatnonzero(admitted)
        if len(docs) > EVERYTHING:
            raise ValueError(f"{len(docs)} entries; of more than {EVERYTHING} the index scores only some")
        parts, evidence = _parts(index, asked, admitted)
        # Among equals the newest comes first, and the newest have the highest numbers.
        found = docs[evidence][::-1]
        self._names = [names[index.catalogue.ids[int(doc)]] for doc in found]
        self._matrix = np.stack([part[evidence][::-1] for part in parts], axis=1).astype(np.float32)
        self._relevant = np.array([name in relevant for name in self._names], np.bool_)
        self._all = len(relevant)

    def ranked(self, weights: Weights, limit: int) -> list[str]:
        return [self._names[int(place)] for place in self._best(weights, limit)]

    def judged(self, weights: Weights) -> tuple[float, float]:
        """recall@10 and the reciprocal rank, of the first 20."""
        hits = np.flatnonzero(self._relevant[self._best(weights, 20)])
        if not len(hits):
            return 0.0, 0.0
        return int(np.count_nonzero(hits < 10)) / self._all, 1 / (1 + int(hits[0]))

    def _best(self, weights: Weights, limit: int) -> NDArray[np.intp]:
        order: NDArray[np.intp] = np.argsort(-(self._matrix @ _factors(weights)), kind="stable")[:limit]
        return order


def _factors(weights: Weights) -> Floats:
    """In the order of the parts."""
    own = [getattr(weights, name) for name in _OWN]
    lent = [getattr(weights, side) * mine for side, mine in product(_LENT, own)]
    return np.array([*own, *lent, *(getattr(weights, name) for name in _BESIDE)], np.float32)


def _parts(index: Index, asked: Asked, admitted: Flags) -> tuple[list[Floats], Flags]:
    """What each weight is multiplied by, of every admitted document, and which of them are found at all."""
    question, catalogue = read_question(asked.text), index.catalogue
    docs = np.flatnonzero(admitted)
    words = lexical.score(index, question, admitted)
    vectors = {model: np.frombuffer(vector, "<f4") for model, vector in asked.vectors.items()}
    cosines = dense.score(index, docs, vectors)
    own = {"lexical": words.docs[docs], "dense": cosines.normal}
    one = msgspec.structs.replace(_ONE, apart=asked.weights.apart)
    is_session = context.in_sessions(catalogue, docs)
    lent = {
        name: context.lent(
            index,
            words,
            docs,
            own["dense"],
            is_session=is_session,
            weights=msgspec.structs.replace(one, **{other: 0.0}),
        )
        for name, other in zip(_OWN, reversed(_OWN), strict=True)
    }
    by_field = metadata.author(catalogue, question, admitted, msgspec.structs.replace(one, speaker=0.0))
    by_both = metadata.author(catalogue, question, admitted, one)
    beside: Mapping[str, Floats] = {
        "session": context.session_scores(index, words, admitted)[docs],
        "author": by_field[docs],
        "speaker": (by_both - by_field)[docs],
        "date": metadata.date(catalogue, question, admitted, asked.now, one)[docs],
        **metadata.small(
            index, docs, metadata.filed(index, question, words, one), now=asked.now, weights=one
        ),
    }
    evidence = (own["lexical"] > 0) | cosines.near | (by_both[docs] > 0) | (beside["date"] > 0)
    for each in lent.values():
        evidence |= context.in_context(is_session, each)
    sides = [lent[mine][side] for side, mine in product(_LENT, _OWN)]
    return [*own.values(), *sides, *(beside[name] for name in _BESIDE)], evidence
