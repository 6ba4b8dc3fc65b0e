"""STORAGE-230 to STORAGE-237: what is asked for twice under one idempotency key is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.changes import (
    AddRelation,
    Applied,
    CastVote,
    Enqueue,
    NewJob,
    Once,
    PutSession,
    PutVectors,
    RemoveEntries,
    RemoveRelation,
    ReplaceEntry,
)
from agent_memory.ports.errors import Conflict, NotFound

from .builders import T0, adds, after, changed, entry, relation, session, vector, vote
from .storage_reads import ids, matches, settled, state_of
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change

    from .storage_harness import StorageHarness

KEPT = 3600.0


def once(harness: StorageHarness, key: str = "k", digest: bytes = b"d") -> Once:
    now = harness.now()
    return Once(key=key, digest=digest, at=now, keep_until=now + timedelta(seconds=KEPT))


class StorageOnce(Suite):
    async def test_storage_230_a_replay_gives_the_same_outcomes(self, harness: StorageHarness) -> None:
        """Of every kind, though done anew they would be others; and it says that it is a replay."""
        one, two = entry(), entry()
        changes: tuple[Change, ...] = (
            *adds(one, two),
            ReplaceEntry(changed(one), 1),
            AddRelation(relation(one, two)),
            PutVectors(one.id, 2, "m", after(1), (vector(1, 0),)),
            RemoveRelation(one.id, two.id, after(2)),
            PutSession(session()),
            CastVote(vote("ada", "yes")),
            RemoveEntries((two.id,), at=after(3)),
            Enqueue(NewJob(kind="embed", key="k"), at=T0),
        )
        async with harness.open() as store:
            key = once(harness)
            first = await store.apply(*changes, once=key)
            again = await store.apply(*changes, once=key)
            assert not first.replayed
            assert again.replayed
            assert again.outcomes == first.outcomes

    async def test_storage_231_a_replay_does_nothing(self, harness: StorageHarness) -> None:
        """Nor would it matter what it came with: the digest speaks for the changes."""
        first = entry()
        async with harness.open() as store:
            await store.apply(*adds(first), once=once(harness))
            before = await state_of(store)
            await store.apply(*adds(first), once=once(harness))
            await store.apply(*adds(entry(), jobs=(NewJob(kind="embed"),)), once=once(harness))
            assert await state_of(store) == before

    async def test_storage_232_a_key_used_for_something_else_is_a_conflict(
        self, harness: StorageHarness
    ) -> None:
        """Another digest under the same key; under another key it is done."""
        async with harness.open() as store:
            await store.apply(*adds(entry()), once=once(harness))
            before = await state_of(store)
            with pytest.raises(Conflict):
                await store.apply(*adds(entry()), once=once(harness, digest=b"other"))
            assert await state_of(store) == before
            applied = await store.apply(*adds(entry()), once=once(harness, key="K"))
            assert not applied.replayed

    @level("concurrent")
    async def test_storage_233_twenty_at_once_have_one_effect(self, harness: StorageHarness) -> None:
        """One does it, all get its outcomes."""
        new = [entry() for _ in range(20)]
        async with harness.open() as store:
            key = once(harness)
            results = await settled(*(store.apply(*adds(e), once=key) for e in new))
            assert all(isinstance(result, Applied) for result in results), results
            assert [result.replayed for result in results].count(False) == 1
            assert len({result.outcomes for result in results}) == 1
            assert ids(await matches(store)) == [results[0].outcomes[0].id]

    @level("concurrent")
    async def test_storage_234_clients_share_the_keys(self, harness: StorageHarness) -> None:
        """Ten over two clients at once have one effect."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            key = once(harness)
            results = await settled(*((one, two)[n % 2].apply(*adds(entry()), once=key) for n in range(10)))
            assert [result.replayed for result in results].count(False) == 1
            assert len(await matches(one)) == 1

    async def test_storage_235_an_expired_key_may_be_used_again(self, harness: StorageHarness) -> None:
        """Not before; then for anything."""
        async with harness.open() as store:
            await store.apply(*adds(entry()), once=once(harness))
            await harness.advance(KEPT - 5)
            assert (await store.apply(*adds(entry()), once=once(harness))).replayed
            await harness.advance(6)
            applied = await store.apply(*adds(entry()), once=once(harness, digest=b"other"))
            assert not applied.replayed
            assert len(await matches(store)) == 2

    async def test_storage_236_a_failed_unit_keeps_no_key(self, harness: StorageHarness) -> None:
        """The same call may succeed later."""
        late = entry()
        async with harness.open() as store:
            key = once(harness)
            with pytest.raises(NotFound):
                await store.apply(ReplaceEntry(changed(late), 1), once=key)
            await store.apply(*adds(late))
            applied = await store.apply(ReplaceEntry(changed(late), 1), once=key)
            assert not applied.replayed
            assert (await store.get([late.id]))[0].version == 2

    async def test_storage_237_a_key_outlives_a_restart(self, harness: StorageHarness) -> None:
        """It is kept with the unit."""
        needs(harness, "durable")
        key = once(harness)
        async with harness.open() as store:
            first = await store.apply(*adds(entry()), once=key)
        async with harness.open() as store:
            again = await store.apply(*adds(entry()), once=key)
            assert msgspec.structs.replace(again, replayed=False, seq=first.seq) == first
            assert again.replayed
