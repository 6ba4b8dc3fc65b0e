"""STORAGE-90 to STORAGE-99: pages and scans."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.changes import RemoveEntries
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import EntryFilter, EntryQuery

from .builders import adds, after, entry
from .storage_reads import ACTIVE, ALL_SCOPES, ids, pages, safely
from .suite import Suite, level, running

if TYPE_CHECKING:
    from agent_memory.ports.queries import Order
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

ORDERS: tuple[Order, ...] = ("newest", "oldest")


def in_order(entries: list[Entry], order: Order) -> list[str]:
    return ids(sorted(entries, key=lambda e: (e.at, e.id), reverse=order == "newest"))


def scattered(count: int = 23) -> list[Entry]:
    """Instants neither in the order of ids nor all different."""
    return [
        entry(at=after(n * 7 % 5), occurred_at=after(-n % 4) if n % 3 == 0 else None) for n in range(count)
    ]


async def read_while_changing(store: Storage, order: Order) -> tuple[list[str], list[Entry]]:
    """Read page by page while others around are added and removed; what was read, and what stood throughout."""
    stable = [entry(at=after(2 * n)) for n in range(20)]
    doomed = [entry(at=after(2 * n + 1)) for n in range(20)]
    await store.apply(*adds(*(e for pair in zip(stable, doomed, strict=True) for e in pair)))
    query, found = EntryQuery(filter=ACTIVE, order=order, limit=3), list[str]()
    while True:
        page = await store.query(query)
        found += ids(page.items)
        if page.cursor is None:
            return found, stable
        query = msgspec.structs.replace(query, cursor=page.cursor)
        gone = (doomed.pop(0).id, doomed.pop().id) if doomed else ()
        around = [entry(at=after(second)) for second in (-1, 0, 20.5, 50)]
        await store.apply(RemoveEntries(gone, at=after(100)), *adds(*around))
        if len(found) > 200:
            pytest.fail("the pages never end")


class StoragePages(Suite):
    async def test_storage_90_newest_first_is_the_default(self, harness: StorageHarness) -> None:
        """By (at, id), descending."""
        new = scattered()
        async with harness.open() as store:
            await store.apply(*adds(*new))
            page = await store.query(EntryQuery(filter=ACTIVE))
            assert ids(page.items) == in_order(new, "newest")

    async def test_storage_91_oldest_first_is_its_reverse(self, harness: StorageHarness) -> None:
        """By (at, id), ascending."""
        new = scattered()
        async with harness.open() as store:
            await store.apply(*adds(*new))
            page = await store.query(EntryQuery(filter=ACTIVE, order="oldest"))
            assert ids(page.items) == in_order(new, "oldest")

    async def test_storage_92_pages_join_without_seam(self, harness: StorageHarness) -> None:
        """None skipped, none repeated, all full but the last; also within one instant."""
        new = [*scattered(), *(entry(at=after(2)) for _ in range(8))]
        async with harness.open() as store:
            await store.apply(*adds(*new))
            for order in ORDERS:
                for limit in (1, 2, 3, 7, 30):
                    found = await pages(store, EntryQuery(filter=ACTIVE, order=order, limit=limit))
                    assert ids([e for page in found for e in page]) == in_order(new, order)
                    assert {len(page) for page in found[:-1]} <= {limit}

    async def test_storage_93_the_last_page_says_so(self, harness: StorageHarness) -> None:
        """No cursor when nothing follows, also when the last page is just full, or the only one empty."""
        async with harness.open() as store:
            assert (await store.query(EntryQuery(filter=ACTIVE, limit=3))).cursor is None
            await store.apply(*adds(*(entry() for _ in range(6))))
            assert [len(page) for page in await pages(store, EntryQuery(filter=ACTIVE, limit=3))] == [3, 3]
            assert (await store.query(EntryQuery(filter=ACTIVE, limit=6))).cursor is None
            assert (await store.query(EntryQuery(filter=ACTIVE, limit=5))).cursor is not None

    async def test_storage_94_pages_hold_while_others_write(self, harness: StorageHarness) -> None:
        """What stood throughout is read once, in order, whatever is added or removed between pages."""
        async with harness.open() as store:
            found, stable = await read_while_changing(store, "newest")
            assert len(set(found)) == len(found)
            assert [e for e in found if e in ids(stable)] == in_order(stable, "newest")

    async def test_storage_95_a_cursor_not_ours_is_rejected(self, harness: StorageHarness) -> None:
        """Never an error of the driver, never the first page."""
        async with harness.open() as store:
            await store.apply(*adds(*(entry() for _ in range(3))))
            cursor = (await store.query(EntryQuery(filter=ACTIVE, limit=1))).cursor
            assert cursor is not None
            for alien in (
                "nonsense",
                "1",
                "é",
                "' OR 1=1 --",
                "bm9uc2Vuc2U=",
                "[]",
                "0,0",
                cursor + "x",
                cursor[:-3],
            ):
                with pytest.raises(Rejected):
                    await store.query(EntryQuery(filter=ACTIVE, limit=1, cursor=alien))

    async def test_storage_96_a_limit_below_nothing_is_rejected(self, harness: StorageHarness) -> None:
        """It does not mean all."""
        async with harness.open() as store:
            await store.apply(*adds(entry()))
            with pytest.raises(Rejected):
                await store.query(EntryQuery(filter=ACTIVE, limit=-1))

    async def test_storage_97_a_scan_is_all_of_it(self, harness: StorageHarness) -> None:
        """Oldest first, each once, whatever the batch."""
        new = scattered()
        async with harness.open() as store:
            await store.apply(*adds(*new))
            for batch in (1, 2, 22, 23, 24, 500):
                scanned = [e.id async for e in store.scan(EntryFilter(where=ALL_SCOPES), batch=batch)]
                assert scanned == in_order(new, "oldest")

    @level("concurrent")
    async def test_storage_98_a_scan_holds_while_others_write(self, harness: StorageHarness) -> None:
        """Writers are not held up by it, and what stood throughout comes once."""
        stable = [entry(at=after(2 * n)) for n in range(60)]
        async with harness.open() as store:
            await store.apply(*adds(*stable))
            begun, done = asyncio.Event(), asyncio.Event()

            async def write() -> None:
                await begun.wait()
                for n in range(60):
                    passing = entry(at=after(2 * n + 1))
                    await store.apply(*adds(passing))
                    if n % 2:
                        await store.apply(RemoveEntries((passing.id,), at=after(200)))
                done.set()

            async with safely(), running(write()) as writing:
                scanned = list[str]()
                async for e in store.scan(EntryFilter(where=ALL_SCOPES), batch=5):
                    scanned.append(e.id)
                    begun.set()
                    if len(scanned) == 30:
                        await done.wait()
                await writing
            assert len(set(scanned)) == len(scanned)
            assert [e for e in scanned if e in ids(stable)] == in_order(stable, "oldest")

    async def test_storage_99_pages_oldest_first_hold_while_others_write(
        self, harness: StorageHarness
    ) -> None:
        """As newest first."""
        async with harness.open() as store:
            found, stable = await read_while_changing(store, "oldest")
            assert len(set(found)) == len(found)
            assert [e for e in found if e in ids(stable)] == in_order(stable, "oldest")
