"""STORAGE-50 to STORAGE-62: former revisions, and the store as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import EntryFilter, EntryQuery, VectorQuery
from agent_memory.ports.records import Revision

from .builders import MICROSECOND, adds, after, changed, entry, unit_vector
from .storage_reads import ACTIVE, ALL_SCOPES, WHATEVER, ids, matches, pages, search
from .suite import Suite

if TYPE_CHECKING:
    from datetime import datetime

    from .storage_harness import StorageHarness


def as_of(instant: datetime, asked: EntryFilter = ACTIVE) -> EntryFilter:
    return msgspec.structs.replace(asked, as_of=instant)


class StorageHistory(Suite):
    async def test_storage_50_every_revision_is_kept(self, harness: StorageHarness) -> None:
        """Newest first, in full, each until the next began; the current one has no end."""
        first = entry("one", tags=("a",), metadata={"n": 1})
        second = changed(first, at=after(10), content="two", tags=("b",), title="Two")
        third = changed(second, at=after(20), state="archived", metadata={})
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            await store.apply(ReplaceEntry(third, 2))
            assert await store.history(first.id) == [
                Revision(entry=third, until=None),
                Revision(entry=second, until=after(20)),
                Revision(entry=first, until=after(10)),
            ]

    async def test_storage_51_history_ends_with_the_tombstone(self, harness: StorageHarness) -> None:
        """Deletion is a revision of its own, from its instant on; the last words stay readable under it."""
        first = entry("one")
        async with harness.open() as store:
            await store.apply(*adds(first), RemoveEntries((first.id,), at=after(10)))
            tombstone, former = await store.history(first.id)
            assert former == Revision(entry=first, until=after(10))
            assert tombstone.until is None
            assert (tombstone.entry.state, tombstone.entry.version) == ("deleted", 2)
            assert tombstone.entry.updated_at == after(10)

    async def test_storage_52_history_is_limited_from_the_newest(self, harness: StorageHarness) -> None:
        """The limit cuts the oldest revisions."""
        current = entry()
        async with harness.open() as store:
            await store.apply(*adds(current))
            for version in range(1, 6):
                current = changed(current, title=f"{version}")
                await store.apply(ReplaceEntry(current, version))
            assert [r.entry.version for r in await store.history(current.id, limit=2)] == [6, 5]

    async def test_storage_53_history_stays_under_its_ceiling(self, harness: StorageHarness) -> None:
        """Empty for what is outside it, and for what never was."""
        inside, outside = entry(scope="acme/web/s1"), entry(scope="acme/web2")
        async with harness.open() as store:
            await store.apply(*adds(inside, outside))
            assert len(await store.history(inside.id, ceiling="acme/web")) == 1
            assert await store.history(outside.id, ceiling="acme/web") == []
            assert await store.history(entry().id) == []

    async def test_storage_54_as_of_gives_the_revision_of_that_time(self, harness: StorageHarness) -> None:
        """From the instant of a change on, not a microsecond before."""
        first = entry("one")
        second = changed(first, at=after(10), content="two")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            assert await matches(store, as_of(after(10) - MICROSECOND)) == [first]
            assert await matches(store, as_of(after(10))) == [second]

    async def test_storage_55_as_of_does_not_know_the_future(self, harness: StorageHarness) -> None:
        """What was added later is absent, from the instant of its creation on it is there."""
        early, late = entry(at=after(0)), entry(at=after(10), occurred_at=after(-50))
        async with harness.open() as store:
            await store.apply(*adds(early, late))
            assert await matches(store, as_of(after(10) - MICROSECOND)) == [early]
            assert ids(await matches(store, as_of(after(10)))) == [late.id, early.id]
            assert await matches(store, as_of(after(-1))) == []

    async def test_storage_56_as_of_sees_what_was_deleted_since(self, harness: StorageHarness) -> None:
        """As it stood; from its deletion on it is gone."""
        gone = entry()
        async with harness.open() as store:
            await store.apply(*adds(gone), RemoveEntries((gone.id,), at=after(10)))
            assert await matches(store, as_of(after(10) - MICROSECOND)) == [gone]
            assert await matches(store, as_of(after(10))) == []
            assert ids(await matches(store, as_of(after(10), WHATEVER))) == [gone.id]

    async def test_storage_57_as_of_judges_by_the_fields_of_that_time(self, harness: StorageHarness) -> None:
        """Kind, state, tags and instants of then decide, not those of now."""
        first = entry(kind="tool", tags=("then",), occurred_at=after(-100))
        second = changed(
            first, at=after(10), kind="note", tags=("now",), state="superseded", occurred_at=after(-50)
        )
        then, now = after(5), after(15)
        asked = {
            "kinds": (("tool",), ("note",)),
            "tags": (("then",), ("now",)),
            "tags_any": (("then",), ("now",)),
            "states": (("active",), ("superseded",)),
            "until": (after(-60), None),
        }
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            for field, (value_then, value_now) in asked.items():
                of_then = msgspec.structs.replace(WHATEVER, **{field: value_then})
                of_now = msgspec.structs.replace(WHATEVER, **{field: value_now})
                assert await matches(store, as_of(then, of_then)) == [first], field
                assert await matches(store, as_of(now, of_now)) == [second], field
                assert await matches(store, as_of(now, of_then)) == [], field

    async def test_storage_58_as_of_never_sees_the_purged(self, harness: StorageHarness) -> None:
        """A purge takes the past with it."""
        gone = entry("about giraffes")
        async with harness.open() as store:
            await store.apply(*adds(gone), ReplaceEntry(changed(gone, at=after(5), title="x"), 1))
            await store.apply(RemoveEntries((gone.id,), at=after(10), purge=True))
            for seconds in (1, 6, 11):
                assert await matches(store, as_of(after(seconds), WHATEVER)) == []
                assert await search(store, "giraffes", asked=as_of(after(seconds), WHATEVER)) == []

    async def test_storage_59_as_of_searches_the_text_of_that_time(self, harness: StorageHarness) -> None:
        """It finds the old words then and not the new ones; now it is the other way round."""
        first = entry("about giraffes", title="savanna")
        second = changed(first, at=after(10), content="about okapis", title="forest")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            for old, new in (("giraffes", "okapis"), ("savanna", "forest")):
                assert await search(store, old, asked=as_of(after(5))) == [first.id]
                assert await search(store, new, asked=as_of(after(5))) == []
                assert await search(store, old, asked=as_of(after(15))) == []
                assert await search(store, new, asked=as_of(after(15))) == [first.id]
                assert await search(store, old) == []

    async def test_storage_60_as_of_searches_what_was_deleted_since(self, harness: StorageHarness) -> None:
        """The words of a deleted entry are found before its deletion, as it then was."""
        gone = entry("about giraffes")
        async with harness.open() as store:
            await store.apply(*adds(gone), RemoveEntries((gone.id,), at=after(10)))
            assert await search(store, "giraffes", asked=as_of(after(5))) == [gone.id]
            assert await search(store, "giraffes", asked=as_of(after(10))) == []

    async def test_storage_61_nearest_has_no_past(self, harness: StorageHarness) -> None:
        """Vectors follow the current version: `as_of` is `Rejected`, not ignored."""
        async with harness.open() as store:
            with pytest.raises(Rejected):
                await store.nearest(VectorQuery(vector=unit_vector(1, 0), model="m", filter=as_of(after(1))))

    async def test_storage_62_the_past_has_pages_too(self, harness: StorageHarness) -> None:
        """Whatever is written in between: the past does not change."""
        then = [entry(at=after(n)) for n in range(10)]
        async with harness.open() as store:
            await store.apply(*adds(*then))
            for e in then[::2]:
                await store.apply(ReplaceEntry(changed(e, at=after(100), title="later"), 1))
            query = EntryQuery(filter=EntryFilter(where=ALL_SCOPES, as_of=after(50)), order="oldest", limit=3)
            first = await store.query(query)
            await store.apply(RemoveEntries((then[7].id,), at=after(101)), *adds(entry(at=after(60))))
            rest = await pages(store, msgspec.structs.replace(query, cursor=first.cursor))
            assert [e for page in (first.items, *rest) for e in page] == then
