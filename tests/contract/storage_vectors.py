"""STORAGE-160 to STORAGE-169: vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import AddEntry, Embedded, PutVectors, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import EntryFilter, VectorQuery

from .builders import adds, after, changed, entry, unit_vector, vector
from .storage_reads import ACTIVE, ALL_SCOPES, ids, state_of
from .suite import Suite

if TYPE_CHECKING:
    from agent_memory.ports.queries import Hit
    from agent_memory.ports.records import Entry, Vector
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


def put(e: Entry, *vectors: Vector, model: str = "m", version: int = 1) -> PutVectors:
    return PutVectors(e.id, version, model, after(1), vectors)


async def nearest(
    store: Storage, *toward: float, model: str = "m", limit: int = 10, asked: EntryFilter = ACTIVE
) -> list[Hit]:
    query = VectorQuery(vector=unit_vector(*toward), model=model, limit=limit, filter=asked)
    return await store.nearest(query)


def found(hits: list[Hit]) -> list[str]:
    return ids(hit.entry for hit in hits)


class StorageVectors(Suite):
    async def test_storage_160_the_nearest_come_first_with_their_cosine(
        self, harness: StorageHarness
    ) -> None:
        """The opposite direction last, below zero."""
        angles = (40, 10, 180, 90, 25)
        new = [entry() for _ in angles]
        points = [vector(math.cos(math.radians(a)), math.sin(math.radians(a))) for a in angles]
        async with harness.open() as store:
            await store.apply(*adds(*new), *(put(e, p) for e, p in zip(new, points, strict=True)))
            hits = await nearest(store, 1, 0)
            assert found(hits) == ids(new[n] for n in (1, 4, 0, 3, 2))
            cosines = [math.cos(math.radians(a)) for a in sorted(angles)]
            assert [hit.score for hit in hits] == pytest.approx(cosines, abs=1e-4)
            assert found(await nearest(store, 1, 0, limit=2)) == ids([new[1], new[4]])

    async def test_storage_161_an_entry_is_found_once_by_its_best_chunk(
        self, harness: StorageHarness
    ) -> None:
        """And says where that chunk stands; many chunks of one do not crowd out another."""
        long, short = entry(), entry()
        chunks = [vector(1, n / 10, start=n, end=n + 5) for n in range(30, -1, -1)]
        async with harness.open() as store:
            await store.apply(*adds(long, short), put(long, *chunks), put(short, vector(0, 1)))
            first, second = await nearest(store, 1, 0, limit=2)
            assert (first.entry.id, first.start, first.end) == (long.id, 0, 5)
            assert first.score == pytest.approx(1, abs=1e-4)
            assert second.entry.id == short.id

    async def test_storage_162_models_are_apart(self, harness: StorageHarness) -> None:
        """Only vectors of the model asked for are compared; an entry may have several models."""
        one, two = entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(one, two), put(one, vector(1, 0)), put(two, vector(1, 0, 0), model="m2"))
            assert found(await nearest(store, 1, 0)) == [one.id]
            assert found(await nearest(store, 1, 0, 0, model="m2")) == [two.id]
            assert await nearest(store, 1, 0, model="m3") == []
            await store.apply(put(one, vector(0, 0, 1), model="m2"))
            assert found(await nearest(store, 1, 0, 0, model="m2")) == [two.id, one.id]
            assert found(await nearest(store, 1, 0)) == [one.id]

    async def test_storage_163_a_model_has_one_dimension(self, harness: StorageHarness) -> None:
        """Another is `Rejected`, in one call as in a later one."""
        one, two = entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(one, two), put(one, vector(1, 0)))
            before = await state_of(store)
            for bad in (
                put(two, vector(1, 0, 0)),
                put(two, vector(1, 0), vector(1, 0, 0)),
                put(two, vector(1, 0), vector(1, 0, 0), model="new"),
            ):
                with pytest.raises(Rejected):
                    await store.apply(bad)
            assert await state_of(store) == before

    async def test_storage_164_vectors_of_a_former_version_are_not_stored(
        self, harness: StorageHarness
    ) -> None:
        """Nothing is written, and the outcome says so; for an entry that is gone as well."""
        first, gone = entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(first, gone), ReplaceEntry(changed(first, content="other"), 1))
            await store.apply(RemoveEntries((gone.id,), at=after(1)))
            before = await state_of(store)
            for late in (put(first, vector(1, 0)), put(gone, vector(1, 0)), put(entry(), vector(1, 0))):
                assert (await store.apply(late)).outcomes == (Embedded(stored=False),)
            assert await state_of(store) == before
            assert await nearest(store, 1, 0) == []
            timely = await store.apply(put(first, vector(1, 0), version=2))
            assert timely.outcomes == (Embedded(stored=True),)

    async def test_storage_165_vectors_are_replaced_together(self, harness: StorageHarness) -> None:
        """Of the former chunks none is left."""
        first = entry()
        async with harness.open() as store:
            await store.apply(*adds(first), put(first, vector(1, 0), vector(0, 1)))
            await store.apply(put(first, vector(-1, 0, end=7)))
            [hit] = await nearest(store, 0, 1)
            assert hit.score == pytest.approx(0, abs=1e-4)
            assert hit.end == 7

    async def test_storage_166_the_removed_is_not_near(self, harness: StorageHarness) -> None:
        """Nor does it take another's place."""
        gone, purged, kept = entry(), entry(), entry()
        async with harness.open() as store:
            await store.apply(*adds(gone, purged, kept), *(put(e, vector(1, 0)) for e in (gone, purged)))
            await store.apply(put(kept, vector(0, 1)))
            await store.apply(RemoveEntries((gone.id,), at=after(1)))
            await store.apply(RemoveEntries((purged.id,), at=after(1), purge=True))
            for asked in (ACTIVE, EntryFilter(where=ALL_SCOPES, states=())):
                assert found(await nearest(store, 1, 0, limit=1, asked=asked)) == [kept.id]

    async def test_storage_167_near_entries_are_filtered_as_they_now_are(
        self, harness: StorageHarness
    ) -> None:
        """A change of tags or state counts, though the vector stays."""
        first = entry(tags=("old",))
        second = changed(first, tags=("new",), state="archived")
        archived = EntryFilter(where=ALL_SCOPES, states=("archived",), tags=("new",))
        async with harness.open() as store:
            await store.apply(AddEntry(first), ReplaceEntry(second, 1), put(first, vector(1, 0), version=2))
            assert await nearest(store, 1, 0) == []
            assert [hit.entry for hit in await nearest(store, 1, 0, asked=archived)] == [second]

    async def test_storage_168_vectors_are_counted(self, harness: StorageHarness) -> None:
        """By what the scopes hold; none of what was removed."""
        one, two = entry(), entry(scope="other")
        async with harness.open() as store:
            await store.apply(*adds(one, two), put(one, vector(1, 0)), put(two, vector(0, 1)))
            assert (await store.stats(ALL_SCOPES)).vectors == 2
            await store.apply(RemoveEntries((two.id,), at=after(1)))
            assert (await store.stats(ALL_SCOPES)).vectors == 1

    async def test_storage_169_vectors_can_be_read_again(self, harness: StorageHarness) -> None:
        """As they were put, chunk by chunk; of one model, of what still has the text that they were made from."""
        long, other, changes, gone = entry(), entry(), entry(), entry()
        chunks = (vector(1, 0, end=5), vector(0.6, -0.8, start=4, end=9), vector(0, 1, start=8, end=12))
        async with harness.open() as store:
            await store.apply(*adds(long, other, changes, gone), put(long, *chunks))
            await store.apply(
                *(put(e, vector(1, 0)) for e in (changes, gone)), put(long, vector(1), model="m2")
            )
            await store.apply(ReplaceEntry(changed(changes, content="another text"), 1))
            await store.apply(RemoveEntries((gone.id,), at=after(1)))
            asked = [other.id, gone.id, long.id, changes.id, long.id, "unknown"]
            assert await store.vectors(asked, model="m") == {long.id: chunks}
            assert await store.vectors(asked, model="m2") == {long.id: (vector(1),)}
            assert await store.vectors(asked, model="m3") == await store.vectors([], model="m") == {}
