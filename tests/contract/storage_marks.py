"""STORAGE-263 to STORAGE-267: between two equal marks nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.changes import CastVote, RemoveEntries, ReplaceEntry

from .builders import adds, after, changed, entry, vote
from .storage_jobs import enqueue, lease_one
from .storage_reads import matches
from .suite import Suite, Undeclared, level, needs

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

_READS = 1_000
"""A mark that is not known at first is known after a few reads."""


async def mark_of(store: Storage) -> int:
    for _ in range(_READS):
        mark = store.mark()
        if mark is not None:
            return mark
        await store.outbox_head()
    raise AssertionError("declared, and never known")


def marking(store: Storage) -> None:
    if not store.capabilities.marks:
        raise Undeclared("storage", "marks")


class StorageMarks(Suite):
    async def test_storage_263_a_mark_is_known_where_declared(self, harness: StorageHarness) -> None:
        """And never where it is not, nor after closing."""
        async with harness.open() as store:
            if store.capabilities.marks:
                await mark_of(store)
            for _ in range(3):
                await store.outbox_head()
                assert (store.mark() is not None) == store.capabilities.marks
        assert store.mark() is None

    async def test_storage_264_reading_keeps_the_mark(self, harness: StorageHarness) -> None:
        """Or nothing could be kept under it."""
        async with harness.open() as store:
            marking(store)
            await store.apply(*adds(entry()))
            before = await mark_of(store)
            for _ in range(5):
                await matches(store)
                assert store.mark() == before

    async def test_storage_265_own_commits_change_the_mark(self, harness: StorageHarness) -> None:
        """Each kind of write, before it returns to its caller; no mark comes twice."""
        first = entry()
        async with harness.open() as store:
            marking(store)
            marks = [await mark_of(store)]

            def note() -> None:
                mark = store.mark()
                assert mark is not None
                assert mark not in marks
                marks.append(mark)

            changes: list[Change] = [
                *adds(first),
                ReplaceEntry(changed(first), 1),
                RemoveEntries((first.id,), at=after(5)),
                CastVote(vote("ada", "yes")),
            ]
            for change in changes:
                await store.apply(change)
                note()
            async with store.unit() as unit:
                await unit.apply(*adds(entry()))
            note()
            await enqueue(store, harness)
            note()
            taken = await lease_one(store)
            note()
            await store.complete_job(taken, *adds(entry()))
            note()
            await store.trim_outbox(await store.outbox_head())
            note()

    @level("concurrent")
    async def test_storage_266_anothers_commits_change_the_mark(self, harness: StorageHarness) -> None:
        """Before the other's call returns."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            marking(one)
            marks = [await mark_of(one)]
            for _ in range(20):
                await two.apply(*adds(entry()))
                mark = one.mark()
                assert mark is not None
                assert mark not in marks
                marks.append(mark)

    @level("concurrent")
    async def test_storage_267_what_is_read_between_equal_marks_is_one_state(
        self, harness: StorageHarness
    ) -> None:
        """Two reads agree whenever the marks around them do, while another client writes."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            marking(one)
            await mark_of(one)
            agreed = 0
            for number in range(60):
                before = one.mark()
                first = len(await matches(one))
                if number % 3 == 0:
                    await two.apply(*adds(entry()))
                second = len(await matches(one))
                if before is not None and before == one.mark():
                    assert first == second
                    agreed += 1
        assert agreed
