"""Which entries may say what a new one says: few, and found at a cost that does not grow with the store."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ...ports.scopes import ScopeFilter, visible

if TYPE_CHECKING:
    from ...ports.records import Entry
    from .index import Index

_RAREST = 8
_ROWS = 512
"""Of a term: the newest chunks that hold it. Where even the rarest words of a text stand in more, the older ones are
not looked at.
"""
_CANDIDATES = 8


def candidates(index: Index, entry: Entry, ceiling: str) -> list[str]:
    """Ids of entries in the same scope and those above it that hold at least half of its rarest words that any entry
    holds, the most alike first. No other entry agrees nearly wholly, unless its words are in each other's place.
    """
    known = {term: index.postings.count(term) for term in set(index.words.terms(entry.content))}
    rarest = sorted((count, term) for term, count in known.items() if count)[:_RAREST]
    doc_of, docs = index.chunks["doc"], index.catalogue.docs
    held: Counter[int] = Counter()
    for _, term in rarest:
        held.update({int(doc_of[row]) for row in index.postings.last(term, _ROWS)})
    seen = index.catalogue.scopes.known(visible(ScopeFilter(scope=entry.scope, ceiling=ceiling)).exact)
    alive, scope = docs["alive"], docs["scope"]
    least = (len(rarest) + 1) // 2
    best = sorted((-count, -doc) for doc, count in held.items() if count >= least)
    found: list[str] = []
    for _, negative in best:
        if alive[-negative] and int(scope[-negative]) in seen:
            found.append(index.catalogue.ids[-negative])
            if len(found) == _CANDIDATES:
                break
    return found
