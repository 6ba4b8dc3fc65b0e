"""What stands around an entry: a talk is understood by its turns together."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from .. import limits
from .lexical import idf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .arrays import Flags, Floats, Numbers
    from .catalogue import Catalogue
    from .index import Index
    from .lexical import Words
    from .weights import Weights

_TOGETHER = 3600 * 1_000_000
"""Microseconds. Outside of sessions, what was written within an hour was written about one thing."""
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.float32)
"""Of each byte."""


def session_scores(index: Index, words: Words, admitted: Flags) -> Floats:
    """The share of the question's words, by rarity among sessions, that the session of each document holds.

    Beside sessions, an entry outside of any stands for itself, so that neither kind is preferred.
    """
    scope = index.catalogue.docs["scope"]
    is_session = index.catalogue.scopes.sessions
    sessions = np.zeros(len(is_session), np.bool_)
    sessions[scope[admitted]] = True
    sessions &= is_session
    if not sessions.any():
        return np.zeros(len(scope), np.float32)
    total = int(np.count_nonzero(sessions))
    held = np.zeros(len(is_session), np.float32)
    for docs in words.holders:
        holding = np.zeros(len(is_session), np.bool_)
        holding[scope[docs]] = True
        holding &= is_session
        held[holding] += idf(int(np.count_nonzero(holding)), total)
    best = held.max(initial=0)
    if best > 0:
        held /= best
    return np.where(is_session[scope], held[scope], words.docs)


def lent(index: Index, words: Words, docs: Numbers, meaning: Floats, weights: Weights) -> dict[str, Floats]:
    """What the neighbours in the same scope give of theirs, and nothing twice: a word of the question that an entry
    lacks comes from the nearest who holds it, and who is nearer in `meaning` gives the difference to the best so far.
    `docs` ascend; only they can give.
    """
    catalogue = index.catalogue
    places = np.full(len(catalogue) + 1, -1, np.int32)
    places[docs] = np.arange(len(docs), dtype=np.int32)
    before = _neighbour(catalogue, docs, places, "before")
    after = _neighbour(catalogue, docs, places, "after")
    is_session = catalogue.scopes.sessions[catalogue.docs["scope"][docs]]
    share = np.where(is_session, np.float32(1), np.float32(weights.apart))
    rings = ((before,), (after,), (np.append(before, -1)[before], np.append(after, -1)[after]))
    by_words = _lacking(words, docs, rings)
    by_meaning = _nearer(meaning, rings)
    by_before, by_after, by_beyond = (
        share * (np.float32(weights.lexical) * lacked + np.float32(weights.dense) * nearer)
        for lacked, nearer in zip(by_words, by_meaning, strict=True)
    )
    asks = np.append(catalogue.docs["asks"][docs], False)
    return {
        "before": np.float32(weights.before) * by_before,
        "after": np.float32(weights.after) * by_after,
        "beyond": np.float32(weights.beyond) * by_beyond,
        "answer": np.float32(weights.answer) * by_before * asks[before],
    }


def _lacking(words: Words, docs: Numbers, rings: Sequence[Sequence[Numbers]]) -> list[Floats]:
    """Of each ring the words that none before it holds; of a long entry's no more than its best chunk holds."""
    held = _held(words, docs)
    best = np.append(words.docs[docs], np.float32(0))
    so_far = held[:-1]
    sums = _sums(words)
    given: list[Floats] = []
    for ring in rings:
        theirs = reduce(np.bitwise_or, [held[side] for side in ring])
        most = reduce(np.add, [best[side] for side in ring])
        given.append(np.minimum(_worth(sums, theirs & ~so_far), most))
        so_far = so_far | theirs
    return given


def _held(words: Words, docs: Numbers) -> NDArray[np.uint64]:
    """Which words each of `docs` holds, a bit each; the last row, for no neighbour, holds none."""
    held = np.zeros(len(docs) + 1, np.uint64)
    for bit, holders in enumerate(words.holders):
        holds = np.zeros(len(words.docs), np.bool_)
        holds[holders] = True
        held[:-1] |= holds[docs].astype(np.uint64) << np.uint64(bit)
    return held


def _sums(words: Words) -> list[Floats]:
    """What eight words are worth together, for each choice among them; as many times as there are eight words."""
    shares = np.zeros(limits.QUERY_TERMS, np.float32)
    shares[: len(words.shares)] = list(words.shares.values())
    return [_BITS @ shares[first : first + 8] for first in range(0, len(words.shares), 8)]


def _worth(sums: Sequence[Floats], held: NDArray[np.uint64]) -> Floats:
    """The sum of the shares of the words whose bits are set, eight of them by one look."""
    total = np.zeros(len(held), np.float32)
    for place, each in enumerate(sums):
        total += each[((held >> np.uint64(8 * place)) & np.uint64(255)).astype(np.intp)]
    return total


def _nearer(meaning: Floats, rings: Sequence[Sequence[Numbers]]) -> list[Floats]:
    padded = np.append(meaning, np.float32(0))
    given: list[Floats] = []
    nearest = meaning
    for ring in rings:
        further = reduce(np.maximum, [padded[side] for side in ring], nearest)
        given.append(further - nearest)
        nearest = further
    return given


def in_context(catalogue: Catalogue, docs: Numbers, parts: Mapping[str, Floats]) -> Flags:
    """Found by its neighbours alone: only in a session, where an answer need not repeat the question's words."""
    is_session: Flags = catalogue.scopes.sessions[catalogue.docs["scope"][docs]]
    return is_session & ((parts["before"] > 0) | (parts["after"] > 0))


def _neighbour(catalogue: Catalogue, docs: Numbers, places: Numbers, side: str) -> Numbers:
    """As a place in `docs`, -1 for none."""
    there = catalogue.docs[side][docs]
    place = places[there]
    at = catalogue.docs["at"]
    together = catalogue.scopes.sessions[catalogue.docs["scope"][docs]]
    together = together | (np.abs(at[docs] - at[there]) <= _TOGETHER)
    return np.where((there >= 0) & together, place, -1).astype(np.int32)
