"""STORAGE-20 to STORAGE-34: entries, their versions and their removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import (
    AddEntry,
    AddRelation,
    Applied,
    PutVectors,
    Removed,
    RemoveEntries,
    Replaced,
    ReplaceEntry,
)
from agent_memory.ports.errors import Conflict, NotFound, PortError
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import Provenance
from agent_memory.ports.scopes import ScopeFilter

from .builders import adds, after, changed, entry, relation, vector
from .storage_reads import ALL_SCOPES, WHATEVER, ids, matches, search, settled, state_of
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from .storage_harness import StorageHarness


class StorageEntries(Suite):
    async def test_storage_20_an_entry_comes_back_as_it_went_in(self, harness: StorageHarness) -> None:
        """Every field, to the microsecond and the last digit."""
        full = entry(
            "content",
            scope="acme/web/s1",
            at=after(0.000001),
            kind="guideline",
            title="A title",
            tags=("b", "a", "ü"),
            metadata={
                "deep": {"list": [1, 2.5, None, True, "x"]},
                "empty": {},
                "zahl": 2**53,
                "ключ": "значение",
            },
            author="Ada",
            importance=0.1 + 0.2,
            occurred_at=after(-86400.123456),
            valid_from=after(-1.000001),
            valid_until=after(1e9),
            expires_at=after(2e9),
            provenance=Provenance(client="c", agent="a", tool="t"),
        )
        bare = entry()
        async with harness.open() as store:
            await store.apply(*adds(full, bare))
            assert await store.get([full.id, bare.id]) == [full, bare]

    async def test_storage_21_get_answers_in_the_order_asked(self, harness: StorageHarness) -> None:
        """A repeated id once, an unknown one left out."""
        new = [entry() for _ in range(5)]
        wanted = [new[3], new[0], new[4]]
        async with harness.open() as store:
            await store.apply(*adds(*new))
            assert await store.get([new[3].id, new[0].id, entry().id, new[3].id, new[4].id]) == wanted
            assert await store.get([]) == []

    async def test_storage_22_get_stays_under_its_ceiling(self, harness: StorageHarness) -> None:
        """The ceiling's own scope and what is below it; not what merely begins like it, and nothing above."""
        seen = [entry(scope=scope) for scope in ("acme/web", "acme/web/s1")]
        hidden = [
            entry(scope=scope) for scope in ("global", "acme", "acme/web2", "acme/api", "acme/web.x/s1")
        ]
        async with harness.open() as store:
            await store.apply(*adds(*seen, *hidden))
            assert await store.get(ids(hidden + seen), ceiling="acme/web") == seen

    async def test_storage_23_a_replacement_is_the_current_version(self, harness: StorageHarness) -> None:
        """Every field of it; the outcome names the new version."""
        first = entry(tags=("a",), title="old", metadata={"a": 1})
        second = changed(
            first, content="new", tags=("b",), title="", metadata={}, kind="tool", author="Bo",
            importance=1.0, valid_until=after(9), state="archived",
        )  # fmt: skip
        async with harness.open() as store:
            await store.apply(*adds(first))
            applied = await store.apply(ReplaceEntry(second, 1))
            assert applied.outcomes == (Replaced(first.id, 2),)
            assert await store.get([first.id]) == [second]

    async def test_storage_24_a_stale_update_is_refused_with_the_current_entry(
        self, harness: StorageHarness
    ) -> None:
        """So that the caller can decide and call again."""
        first = entry()
        second = changed(first, title="by another")
        async with harness.open() as store:
            await store.apply(*adds(first))
            await store.apply(ReplaceEntry(second, 1))
            before = await state_of(store)
            with pytest.raises(Conflict) as refusal:
                await store.apply(ReplaceEntry(changed(first, title="mine"), 1))
            assert refusal.value.current == second
            assert await state_of(store) == before

    async def test_storage_25_what_is_not_there_cannot_be_replaced(self, harness: StorageHarness) -> None:
        """`NotFound` for an entry that never was and for one that was deleted."""
        gone = entry()
        async with harness.open() as store:
            await store.apply(*adds(gone), RemoveEntries((gone.id,), at=after(1)))
            tombstone = changed(gone)
            for absent, version in ((entry(), 1), (gone, 1), (tombstone, 2)):
                with pytest.raises(NotFound):
                    await store.apply(ReplaceEntry(changed(absent), version))

    @level("concurrent")
    async def test_storage_26_one_of_many_updates_of_a_version_wins(self, harness: StorageHarness) -> None:
        """Twenty at once: one is applied, the others are refused with the winner."""
        first = entry()
        async with harness.open() as store:
            await store.apply(*adds(first))
            results = await settled(
                *(store.apply(ReplaceEntry(changed(first, title=f"{n}"), 1)) for n in range(20))
            )
            [current] = await store.get([first.id])
            losers = [result for result in results if isinstance(result, Conflict)]
            assert [isinstance(result, Applied) for result in results].count(True) == 1
            assert len(losers) == 19
            assert all(loser.current == current for loser in losers)

    @level("concurrent")
    async def test_storage_27_one_of_many_updates_wins_across_clients(self, harness: StorageHarness) -> None:
        """As on one."""
        needs(harness, "second_client")
        first = entry()
        async with harness.open() as one, harness.second_client() as two:
            await one.apply(*adds(first))
            results = await settled(
                *((one, two)[n % 2].apply(ReplaceEntry(changed(first, title=f"{n}"), 1)) for n in range(20))
            )
            assert [isinstance(result, Applied) for result in results].count(True) == 1
            assert [isinstance(result, Conflict) for result in results].count(True) == 19
            assert await one.get([first.id]) == await two.get([first.id])

    @level("concurrent")
    async def test_storage_28_a_replacement_never_moves_an_entry(self, harness: StorageHarness) -> None:
        """One that names another scope is refused, or the scope stays."""
        first = entry(scope="acme/web")
        async with harness.open() as store:
            await store.apply(*adds(first))
            results = await settled(store.apply(ReplaceEntry(changed(first, scope="other"), 1)))
            assert isinstance(results[0], (Applied, PortError))
            assert [e.scope for e in await store.get([first.id])] == ["acme/web"]
            assert await matches(store, EntryFilter(where=ScopeFilter(scope="other", inherit=False))) == []

    async def test_storage_29_an_id_is_used_once(self, harness: StorageHarness) -> None:
        """Adding other content under it is a `Conflict`, even after deletion."""
        first = entry()
        async with harness.open() as store:
            await store.apply(*adds(first))
            for _ in range(2):
                before = await state_of(store)
                with pytest.raises(Conflict):
                    await store.apply(*adds(entry("other content", id=first.id)))
                assert await state_of(store) == before
                await store.apply(RemoveEntries((first.id,), at=after(1)))

    async def test_storage_30_removal_names_what_it_removed(self, harness: StorageHarness) -> None:
        """Not what was missing, deleted already, or outside the ceiling; that stays as it is."""
        mine, gone = entry(scope="acme/web"), entry(scope="acme/web")
        alien = entry(scope="acme/web2")
        async with harness.open() as store:
            await store.apply(*adds(mine, gone, alien), RemoveEntries((gone.id,), at=after(1)))
            asked = (alien.id, mine.id, entry().id, gone.id)
            applied = await store.apply(RemoveEntries(asked, at=after(2), ceiling="acme/web"))
            assert applied.outcomes == (Removed((mine.id,)),)
            assert await matches(store) == [alien]

    async def test_storage_31_a_removed_entry_is_found_no_more(self, harness: StorageHarness) -> None:
        """Not by id, query, search or tag; unless tombstones are asked for."""
        gone = entry("about giraffes", tags=("animal",))
        async with harness.open() as store:
            await store.apply(*adds(gone), RemoveEntries((gone.id,), at=after(1)))
            assert await store.get([gone.id]) == []
            assert await matches(store) == []
            assert await matches(store, EntryFilter(where=ALL_SCOPES, states=())) == []
            assert await search(store, "giraffes") == []
            assert await store.tags(ALL_SCOPES) == []
            [tombstone] = await matches(store, EntryFilter(where=ALL_SCOPES, states=("deleted",)))
            assert (tombstone.id, tombstone.version, tombstone.state) == (gone.id, 2, "deleted")

    async def test_storage_32_a_purge_leaves_nothing(self, harness: StorageHarness) -> None:
        """No row, revision, tag, index, vector or relation."""
        gone, other = entry("about giraffes", tags=("animal",)), entry("about okapis")
        async with harness.open() as store:
            await store.apply(
                *adds(gone, other),
                AddRelation(relation(gone, other)),
                PutVectors(gone.id, 1, "m", after(0), (vector(1, 0),)),
                ReplaceEntry(changed(gone, title="giraffes again"), 1),
            )
            applied = await store.apply(RemoveEntries((gone.id,), at=after(2), purge=True))
            assert applied.outcomes == (Removed((gone.id,)),)
            assert await matches(store, WHATEVER) == [other]
            assert await store.history(gone.id) == []
            assert await search(store, "giraffes", asked=WHATEVER) == []
            assert await store.tags(ALL_SCOPES) == []
            assert await store.relations([gone.id, other.id]) == []
            assert (await store.stats(ALL_SCOPES)).vectors == 0

    async def test_storage_33_what_was_deleted_can_still_be_purged(self, harness: StorageHarness) -> None:
        """Once; then there is nothing left to purge."""
        gone = entry()
        async with harness.open() as store:
            await store.apply(*adds(gone), RemoveEntries((gone.id,), at=after(1)))
            purge = RemoveEntries((gone.id,), at=after(2), purge=True)
            assert (await store.apply(purge)).outcomes == (Removed((gone.id,)),)
            assert await store.history(gone.id) == []
            assert await matches(store, WHATEVER) == []
            assert (await store.apply(purge)).outcomes == (Removed(()),)

    async def test_storage_34_a_version_cannot_be_skipped(self, harness: StorageHarness) -> None:
        """A replacement whose version does not follow the expected one is refused."""
        first = entry()
        async with harness.open() as store:
            await store.apply(AddEntry(first))
            with pytest.raises(PortError):
                await store.apply(ReplaceEntry(changed(changed(first)), 1))
            assert await store.get([first.id]) == [first]
