"""What stands around an entry: a talk is understood by its turns together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .lexical import idf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .arrays import Flags, Floats, Numbers
    from .catalogue import Catalogue
    from .index import Index
    from .lexical import Words
    from .weights import Weights

_TOGETHER = 3600 * 1_000_000
"""Microseconds. Outside of sessions, what was written within an hour was written about one thing."""


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


def lent(catalogue: Catalogue, docs: Numbers, own: Floats, weights: Weights) -> dict[str, Floats]:
    """What the neighbours in the same scope give of their own scores. `docs` ascend; only they can give."""
    places = np.full(len(catalogue) + 1, -1, np.int32)
    places[docs] = np.arange(len(docs), dtype=np.int32)
    before = _neighbour(catalogue, docs, places, "before")
    after = _neighbour(catalogue, docs, places, "after")
    is_session = catalogue.scopes.sessions[catalogue.docs["scope"][docs]]
    share = np.where(is_session, np.float32(1), np.float32(weights.apart))
    padded = np.append(own, np.float32(0))
    asks = np.append(catalogue.docs["asks"][docs], False)
    beyond = padded[np.append(before, -1)[before]] + padded[np.append(after, -1)[after]]
    return {
        "before": weights.before * share * padded[before],
        "after": weights.after * share * padded[after],
        "beyond": weights.beyond * share * beyond,
        "answer": weights.answer * share * padded[before] * asks[before],
    }


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
