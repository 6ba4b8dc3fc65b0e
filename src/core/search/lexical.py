"""The words' side: the sum of idf over the question's terms that a chunk holds, in shares of the best.

Term frequency and length are left out: memories are short (with BM25's k1 = 0.4 and b = 0 recall is the same), and
long ones are cut into chunks of one size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from .. import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .arrays import Flags, Floats, Numbers
    from .index import Index
    from .question import Question

    _Held: TypeAlias = tuple[str, Numbers, Numbers]
    """A term, the admitted chunks that hold it, and their documents."""


class Words(NamedTuple):
    """`docs`, `chunks`: the score of each, 0 to 1. `shares`: what each term that is found gives to it; `holders`: the
    admitted documents that hold that term.
    """

    docs: Floats
    chunks: Floats
    shares: dict[str, float]
    holders: list[Numbers]

    def best_chunk(self, index: Index, doc: int) -> tuple[int, int]:
        """Its place in the text; (0, 0) for the only one, or where no word is found."""
        if len(index.chunks) == len(index.first_chunk):
            return 0, 0
        first = int(index.first_chunk["row"][doc])
        last = (
            int(index.first_chunk["row"][doc + 1]) if doc + 1 < len(index.first_chunk) else len(index.chunks)
        )
        scores = self.chunks[first:last]
        if last - first < 2 or not scores.any():
            return 0, 0
        row = first + int(scores.argmax())
        return int(index.chunks["start"][row]), int(index.chunks["end"][row])


def score(index: Index, question: Question, admitted: Flags) -> Words:
    doc_of = index.chunks["doc"]
    scores = np.zeros(len(doc_of), np.float32)
    total = int(np.count_nonzero(admitted))
    shares: dict[str, float] = {}
    holders: list[Numbers] = []
    for term, rows, docs in _rarest(_held(index, question, admitted)):
        shares[term] = idf(min(len(rows), total), total)
        scores[rows] += shares[term]
        holders.append(docs)
    best = scores.max(initial=0)
    if best > 0:
        scores /= best
        shares = {term: share / float(best) for term, share in shares.items()}
    if len(scores) == len(admitted):
        return Words(scores, scores, shares, holders)
    by_doc = np.zeros(len(admitted), np.float32)
    hit = np.flatnonzero(scores)
    np.maximum.at(by_doc, doc_of[hit], scores[hit])
    return Words(by_doc, scores, shares, holders)


def _held(index: Index, question: Question, admitted: Flags) -> Iterator[_Held]:
    doc_of = index.chunks["doc"]
    for term in question.terms:
        rows = index.postings.rows(term)
        docs = doc_of.take(rows)
        seen = admitted.take(docs)
        if seen.any():
            yield term, rows[seen], docs[seen]


def _rarest(held: Iterable[_Held]) -> list[_Held]:
    """Of a long request those words that say most, in their order."""
    found = list(held)
    if len(found) <= limits.QUERY_TERMS:
        return found
    rare = sorted(range(len(found)), key=lambda place: (len(found[place][1]), -place))
    return [found[place] for place in sorted(rare[: limits.QUERY_TERMS])]


def idf(holding: int, total: int) -> float:
    """As in BM25, never negative."""
    return float(np.log1p((total - holding + 0.5) / (holding + 0.5)))
