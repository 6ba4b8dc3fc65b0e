"""STORAGE-213 to STORAGE-224, 229 and 319: how jobs end, and what becomes of those that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import Added, NewJob, ReplaceEntry
from agent_memory.ports.errors import NotFound, NotHeld
from agent_memory.ports.queries import JobCounts

from .builders import adds, changed, entry
from .storage_jobs import TTL, enqueue, lease, lease_one
from .storage_reads import matches, settled, state_of
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


async def bury(store: Storage, harness: StorageHarness, reason: str = "broken") -> int:
    """A job that failed for good; its id."""
    number = await enqueue(store, harness, max_attempts=1)
    taken = await lease_one(store)
    assert not await store.fail_job(taken, reason=reason, retry_in=0)
    return number


class StorageJobEnds(Suite):
    async def test_storage_213_a_completed_job_is_gone(self, harness: StorageHarness) -> None:
        """Never leased again, nor counted, nor finished twice."""
        async with harness.open() as store:
            await enqueue(store, harness)
            taken = await lease_one(store)
            await store.complete_job(taken)
            stats = await store.job_stats()
            assert (stats.waiting, stats.leased, stats.dead) == (0, 0, 0)
            with pytest.raises(NotHeld):
                await store.complete_job(taken)
            with pytest.raises(NotHeld):
                await store.fail_job(taken, reason="late", retry_in=0)
            await harness.advance(TTL + 1)
            assert await lease(store) == []

    async def test_storage_214_a_job_ends_with_what_it_did(self, harness: StorageHarness) -> None:
        """Changes and completion are one unit: kept together."""
        new = entry()
        async with harness.open() as store:
            await enqueue(store, harness)
            taken = await lease_one(store)
            applied = await store.complete_job(taken, *adds(new, jobs=(NewJob(kind="next"),)))
            assert applied.outcomes == (Added(new.id, 1, duplicate=False),)
            assert applied.seq == await store.outbox_head()
            assert await matches(store) == [new]
            assert len(await lease(store, "next")) == 1

    async def test_storage_215_a_job_whose_changes_fail_goes_on(self, harness: StorageHarness) -> None:
        """Nothing is kept of them, and the lease is what it was."""
        async with harness.open() as store:
            await enqueue(store, harness)
            taken = await lease_one(store)
            before = await state_of(store)
            with pytest.raises(NotFound):
                await store.complete_job(taken, *adds(entry()), ReplaceEntry(changed(entry()), 1))
            assert await state_of(store) == before
            await store.complete_job(taken)

    async def test_storage_216_a_failed_job_is_tried_again_later(self, harness: StorageHarness) -> None:
        """Not before `retry_in`; with the reason and the attempts so far."""
        async with harness.open() as store:
            await enqueue(store, harness)
            taken = await lease_one(store)
            assert await store.fail_job(taken, reason="no network", retry_in=60)
            await harness.advance(55)
            assert await lease(store) == []
            await harness.advance(5.001)
            again = await lease_one(store)
            assert (again.job.last_error, again.job.attempts) == ("no network", 2)
            assert again.token > taken.token

    async def test_storage_217_the_last_failure_is_a_dead_letter(self, harness: StorageHarness) -> None:
        """With its reason and payload, never leased again."""
        async with harness.open() as store:
            number = await enqueue(store, harness, max_attempts=2, payload=b"p")
            for attempt, more in ((1, True), (2, False)):
                taken = await lease_one(store)
                assert await store.fail_job(taken, reason=f"failure {attempt}", retry_in=0) is more
            [dead] = await store.dead_jobs()
            assert (dead.id, dead.payload, dead.attempts, dead.last_error) == (number, b"p", 2, "failure 2")
            await harness.advance(10_000)
            assert await lease(store) == []

    async def test_storage_218_dead_letters_come_newest_first(self, harness: StorageHarness) -> None:
        """By when they died."""
        async with harness.open() as store:
            buried: list[int] = []
            for n in range(3):
                buried.append(await bury(store, harness, f"{n}"))
                await harness.advance(1)
            assert [job.id for job in await store.dead_jobs()] == buried[::-1]
            assert [job.id for job in await store.dead_jobs(limit=2)] == buried[:0:-1]

    async def test_storage_219_dead_letters_can_be_revived(self, harness: StorageHarness) -> None:
        """With all their attempts before them; only the dead, and it says how many."""
        async with harness.open() as store:
            number = await bury(store, harness)
            waiting = await enqueue(store, harness, "other")
            assert await store.revive_jobs([number, waiting, 10**9]) == 1
            assert await store.dead_jobs() == []
            taken = await lease_one(store)
            assert (taken.job.id, taken.job.attempts) == (number, 1)
            assert await store.revive_jobs([number]) == 0

    async def test_storage_220_dead_letters_can_be_discarded(self, harness: StorageHarness) -> None:
        """For good; a job that is not dead is not discarded."""
        async with harness.open() as store:
            number = await bury(store, harness)
            waiting = await enqueue(store, harness)
            assert await store.discard_jobs([number, waiting]) == 1
            assert await store.dead_jobs() == []
            assert await store.revive_jobs([number]) == 0
            assert [one.job.id for one in await lease(store)] == [waiting]

    async def test_storage_221_a_worker_that_dies_uses_up_attempts(self, harness: StorageHarness) -> None:
        """A lease that ran out at the last attempt makes a dead letter, with a reason."""
        async with harness.open() as store:
            number = await enqueue(store, harness, max_attempts=2)
            for _ in range(2):
                assert len(await lease(store)) == 1
                await harness.advance(TTL + 1)
            assert await lease(store) == []
            [dead] = await store.dead_jobs()
            assert (dead.id, dead.attempts) == (number, 2)
            assert dead.last_error

    async def test_storage_222_jobs_are_counted(self, harness: StorageHarness) -> None:
        """Waiting, leased and dead, and what has been due the longest."""
        async with harness.open() as store:
            assert (await store.job_stats()).oldest_due is None
            await bury(store, harness)
            await enqueue(store, harness)
            await lease_one(store)
            due = harness.now()
            await enqueue(store, harness)
            await harness.advance(10)
            await enqueue(store, harness)
            stats = await store.job_stats()
            assert (stats.waiting, stats.leased, stats.dead) == (2, 1, 1)
            assert stats.oldest_due == due

    async def test_storage_229_jobs_are_counted_by_kind(self, harness: StorageHarness) -> None:
        """A kind of which there is none is not named."""
        async with harness.open() as store:
            assert (await store.job_stats()).by_kind == {}
            await bury(store, harness)
            await enqueue(store, harness)
            await lease_one(store)
            await enqueue(store, harness)
            await enqueue(store, harness, kind="other")
            stats = await store.job_stats()
            assert stats.by_kind == {
                "embed": JobCounts(waiting=1, leased=1, dead=1),
                "other": JobCounts(waiting=1, leased=0, dead=0),
            }

    @level("concurrent")
    async def test_storage_223_one_key_at_once_makes_one_job(self, harness: StorageHarness) -> None:
        """Twenty enqueue it together: one is created, and all are told its id."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            numbers = await settled(*(enqueue((one, two)[n % 2], harness, key="k") for n in range(20)))
            assert len(set(numbers)) == 1
            assert len(await lease(one, limit=20)) == 1

    async def test_storage_224_a_dead_letter_does_not_hold_its_key(self, harness: StorageHarness) -> None:
        """Its key is for jobs that wait or run."""
        async with harness.open() as store:
            await enqueue(store, harness, key="k", max_attempts=1)
            await store.fail_job(await lease_one(store), reason="broken", retry_in=0)
            again = await enqueue(store, harness, key="k")
            assert [one.job.id for one in await lease(store, limit=9)] == [again]
            assert len(await store.dead_jobs()) == 1

    async def test_storage_319_a_key_taken_since_keeps_the_dead_dead(self, harness: StorageHarness) -> None:
        """A dead letter is not revived beside a job of its key, nor lost: it can be once that is done."""
        async with harness.open() as store:
            buried = await enqueue(store, harness, key="k", max_attempts=1)
            await store.fail_job(await lease_one(store), reason="broken", retry_in=0)
            again = await enqueue(store, harness, key="k")
            assert await store.revive_jobs([buried]) == 0
            assert [job.id for job in await store.dead_jobs()] == [buried]
            taken = await lease_one(store)
            assert taken.job.id == again
            await store.complete_job(taken)
            assert await store.revive_jobs([buried]) == 1
            assert (await lease_one(store)).job.id == buried
