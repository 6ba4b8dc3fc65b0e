"""What stands around an entry: a talk is understood by its turns together."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from .lexical import idf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .arrays import Flags, Floats, Places
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
    if not is_session.any():
        return np.zeros(len(scope), np.float32)
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


def in_sessions(catalogue: Catalogue, docs: Places) -> Flags:
    """Which of `docs` were written in a session."""
    flags: Flags = catalogue.scopes.sessions.take(catalogue.docs["scope"].take(docs))
    return flags


def lent(
    index: Index, words: Words, docs: Places, meaning: Floats, *, is_session: Flags, weights: Weights
) -> dict[str, Floats]:
    """What the neighbours in the same scope give of theirs, and nothing twice: a word of the question that an entry
    lacks comes from the nearest who holds it, and who is nearer in `meaning` gives the difference to the best so far.
    `docs` ascend; only they can give.
    """
    catalogue = index.catalogue
    places = np.full(len(catalogue) + 1, -1)
    places[docs] = np.arange(len(docs))
    before = _neighbour(catalogue, docs, is_session, places, "before")
    after = _neighbour(catalogue, docs, is_session, places, "after")
    share = np.where(is_session, np.float32(1), np.float32(weights.apart))
    rings = ((before,), (after,), (_with(-1, before).take(before), _with(-1, after).take(after)))
    by_words = _lacking(words, docs, rings)
    by_meaning = _nearer(meaning, rings)
    by_before, by_after, by_beyond = (
        share * (np.float32(weights.lexical) * lacked + np.float32(weights.dense) * nearer)
        for lacked, nearer in zip(by_words, by_meaning, strict=True)
    )
    asks = _with(False, catalogue.docs["asks"].take(docs))  # noqa: FBT003 - what no neighbour is
    return {
        "before": np.float32(weights.before) * by_before,
        "after": np.float32(weights.after) * by_after,
        "beyond": np.float32(weights.beyond) * by_beyond,
        "answer": np.float32(weights.answer) * by_before * asks.take(before),
    }


def _lacking(words: Words, docs: Places, rings: Sequence[Sequence[Places]]) -> list[Floats]:
    """Of each ring the words that none before it holds; of a long entry's no more than its best chunk holds."""
    held = _held(words, docs)
    best = _with(0, words.docs.take(docs))
    so_far = held[:-1]
    sums = _sums(words)
    given: list[Floats] = []
    for ring in rings:
        theirs = reduce(np.bitwise_or, [held.take(side) for side in ring])
        most = reduce(np.add, [best.take(side) for side in ring])
        given.append(np.minimum(_worth(sums, theirs & ~so_far), most))
        so_far = so_far | theirs
    return given


def _held(words: Words, docs: Places) -> NDArray[np.uint64]:
    """Which words each of `docs` holds, a bit each; the last row, for no neighbour, holds none."""
    held = np.zeros(len(docs) + 1, np.uint64)
    for bit, holders in enumerate(words.holders):
        holds = np.zeros(len(words.docs), np.bool_)
        holds[holders] = True
        held[:-1] |= holds.take(docs).astype(np.uint64) << np.uint64(bit)
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
        total += each.take(((held >> np.uint64(8 * place)) & np.uint64(255)).view(np.intp))
    return total


def _nearer(meaning: Floats, rings: Sequence[Sequence[Places]]) -> list[Floats]:
    padded = _with(0, meaning)
    given: list[Floats] = []
    nearest = meaning
    for ring in rings:
        further = reduce(np.maximum, [padded.take(side) for side in ring], nearest)
        given.append(further - nearest)
        nearest = further
    return given


def in_context(is_session: Flags, parts: Mapping[str, Floats]) -> Flags:
    """Found by its neighbours alone: only in a session, where an answer need not repeat the question's words."""
    return is_session & ((parts["before"] > 0) | (parts["after"] > 0))


def _neighbour(catalogue: Catalogue, docs: Places, is_session: Flags, places: Places, side: str) -> Places:
    """As a place in `docs`, -1 for none."""
    there = catalogue.docs[side].take(docs).astype(np.intp)
    place = places.take(there)
    if not is_session.all():
        at = catalogue.docs["at"]
        together = np.abs(at.take(docs) - at.take(there)) <= _TOGETHER
        together |= is_session
        place[~together] = -1
    place[there < 0] = -1
    return place


def _with(none: Any, values: NDArray[Any]) -> NDArray[Any]:
    """`none` behind them, which is what -1 leads to."""
    longer = np.empty(len(values) + 1, values.dtype)
    longer[:-1] = values
    longer[-1] = none
    return longer
