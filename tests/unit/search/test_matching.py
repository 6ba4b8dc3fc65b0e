"""One filter, three readings of it: the store's, that of one entry, that of the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent_memory.core.search.index import Index
from agent_memory.core.search.masks import mask
from agent_memory.core.search.matching import matches
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract import storage_corpus as corpus
from agent_memory_contract import storage_reads

if TYPE_CHECKING:
    from agent_memory.adapters.sqlite import SqliteStorage

_ALL = EntryFilter(where=ScopeFilter(descendants=True), states=())


async def test_they_agree_on_every_pair_of_conditions(storage: SqliteStorage) -> None:
    await storage.apply(*corpus.build().changes)
    entries = await storage_reads.matches(storage, _ALL)
    index = Index()
    for entry in entries:
        index.put(entry)
    judged = 0
    for asked in corpus.pairs():
        if asked.as_of is not None or "deleted" in asked.states:
            continue
        expected = {entry.id for entry in await storage_reads.matches(storage, asked)}
        assert {entry.id for entry in entries if matches(entry, asked)} == expected, asked
        if asked.states == ("active",):
            admitted = np.flatnonzero(mask(index.catalogue, index.tags, asked))
            assert {index.catalogue.ids[doc] for doc in admitted} == expected, asked
            judged += bool(expected)
    assert judged > 20
