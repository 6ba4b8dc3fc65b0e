"""STORAGE-80 to STORAGE-86: filters together, in every kind of read, before every limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.changes import PutVectors
from agent_memory.ports.queries import EntryFilter, EntryQuery, LexicalQuery, VectorQuery
from agent_memory.ports.scopes import ScopeFilter

from . import storage_corpus as corpus
from .builders import adds, after, entry, unit_vector, vector
from .storage_reads import ids, matches
from .suite import Suite

if TYPE_CHECKING:
    from agent_memory.ports.records import Entry

    from .storage_harness import StorageHarness

MINE = EntryFilter(where=ScopeFilter(scope="acme/web"), tags=("mine",))


def versions(entries: list[Entry]) -> list[tuple[str, int]]:
    return [(e.id, e.version) for e in entries]


def crowd() -> tuple[list[Entry], list[Entry]]:
    """Ten that are wanted, and 400 of a sibling scope all around them that match better."""
    others = [entry(f"kiwi kiwi kiwi {n}", scope="acme/api", at=after(n), tags=("mine",)) for n in range(400)]
    mine = [
        entry(f"kiwi and much else besides, {n}", scope="acme/web", at=after(195 + n), tags=("mine",))
        for n in range(10)
    ]
    return mine, others


class StorageFiltersCombined(Suite):
    async def test_storage_80_queries_combine_filters(self, harness: StorageHarness) -> None:
        """Each filter alone and each with each other, against a plain reading of the rules; in order."""
        world = corpus.build()
        async with harness.open() as store:
            await store.apply(*world.changes)
            for asked in corpus.pairs():
                assert versions(await matches(store, asked)) == world.expected(asked), asked

    async def test_storage_81_search_combines_filters(self, harness: StorageHarness) -> None:
        """The same set as a query, for a word that all have."""
        world = corpus.build()
        async with harness.open() as store:
            await store.apply(*world.changes)
            for asked in corpus.pairs():
                if asked.states == ("deleted",):
                    continue  # a tombstone is in no index
                hits = await store.search(LexicalQuery(terms=(corpus.WORD,), filter=asked, limit=1000))
                assert sorted(versions([hit.entry for hit in hits])) == sorted(world.expected(asked)), asked

    async def test_storage_82_nearest_combines_filters(self, harness: StorageHarness) -> None:
        """The same set as a query, where all have a vector."""
        world = corpus.build()
        toward = unit_vector(1, 1)
        async with harness.open() as store:
            await store.apply(*world.changes)
            for asked in corpus.pairs():
                if asked.as_of is not None or asked.states == ("deleted",):
                    continue  # vectors have no past and no tombstones
                hits = await store.nearest(
                    VectorQuery(vector=toward, model=corpus.MODEL, filter=asked, limit=1000)
                )
                assert sorted(versions([hit.entry for hit in hits])) == sorted(world.expected(asked)), asked

    async def test_storage_83_scan_combines_filters(self, harness: StorageHarness) -> None:
        """The same set in the same order as a query, whatever the batch."""
        world = corpus.build()
        async with harness.open() as store:
            await store.apply(*world.changes)
            for n, asked in enumerate(corpus.pairs()):
                scanned = [e async for e in store.scan(asked, batch=1 + n % 50)]
                assert versions(scanned) == world.expected(asked), asked

    async def test_storage_84_query_filters_before_it_limits(self, harness: StorageHarness) -> None:
        """400 matches in a sibling scope never hide the ones in mine."""
        mine, others = crowd()
        async with harness.open() as store:
            await store.apply(*adds(*others[:200], *mine, *others[200:]))
            oldest = await store.query(EntryQuery(filter=MINE, order="oldest", limit=5))
            newest = await store.query(EntryQuery(filter=MINE, limit=5))
            assert ids(oldest.items) == ids(mine[:5])
            assert ids(newest.items) == ids(mine[:4:-1])

    async def test_storage_85_search_filters_before_it_limits(self, harness: StorageHarness) -> None:
        """As the query does, though the others score higher."""
        mine, others = crowd()
        async with harness.open() as store:
            await store.apply(*adds(*others[:200], *mine, *others[200:]))
            hits = await store.search(LexicalQuery(terms=("kiwi",), filter=MINE, limit=10))
            assert {hit.entry.id for hit in hits} == set(ids(mine))

    async def test_storage_86_nearest_filters_before_it_limits(self, harness: StorageHarness) -> None:
        """As the query does, though the others are nearer."""
        mine, others = crowd()
        far = [PutVectors(e.id, 1, "m", after(500), (vector(1, 1),)) for e in mine]
        near = [PutVectors(e.id, 1, "m", after(500), (vector(1, 0),)) for e in others]
        async with harness.open() as store:
            await store.apply(*adds(*others, *mine), *near, *far)
            hits = await store.nearest(
                VectorQuery(vector=unit_vector(1, 0), model="m", filter=MINE, limit=10)
            )
            assert {hit.entry.id for hit in hits} == set(ids(mine))
