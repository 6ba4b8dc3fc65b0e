"""STORAGE-200 to STORAGE-212: jobs are handed out when due, to one at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.ports.changes import Enqueue, Enqueued, NewJob, ReplaceEntry
from agent_memory.ports.errors import NotFound, NotHeld
from agent_memory.ports.records import Job

from .builders import adds, changed, entry
from .storage_reads import matches, settled
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from agent_memory.ports.records import JobLease
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

TTL = 30.0


async def enqueue(store: Storage, harness: StorageHarness, kind: str = "embed", **fields: Any) -> int:
    """A job, due at once unless told otherwise; its id."""
    applied = await store.apply(Enqueue(NewJob(kind=kind, **fields), at=harness.now()))
    [outcome] = applied.outcomes
    assert isinstance(outcome, Enqueued)
    return outcome.id


async def lease(
    store: Storage, *kinds: str, limit: int = 1, ttl: float = TTL, owner: str = "w"
) -> list[JobLease]:
    return await store.lease_jobs(kinds or ("embed",), owner=owner, ttl=ttl, limit=limit)


async def lease_one(store: Storage) -> JobLease:
    [taken] = await lease(store)
    return taken


async def leased_at_once(stores: list[Storage], harness: StorageHarness) -> None:
    """Ten jobs, twenty owners over the stores asking for one each: each job to one of them."""
    jobs = {await enqueue(stores[0], harness) for _ in range(10)}
    taken = await settled(*(lease(stores[n % len(stores)], owner=f"w{n}") for n in range(20)))
    given = [one.job.id for leases in taken for one in leases]
    assert len(given) == 10
    assert set(given) == jobs


class StorageJobs(Suite):
    async def test_storage_200_a_job_is_leased_as_it_was_enqueued(self, harness: StorageHarness) -> None:
        """With the lease's owner and end, and this attempt counted."""
        async with harness.open() as store:
            at = harness.now()
            number = await enqueue(store, harness, payload=b"\x00\xffpayload", max_attempts=3, key="k")
            taken = await lease_one(store)
            assert taken.job == Job(
                id=number, kind="embed", payload=b"\x00\xffpayload", enqueued_at=at, run_at=at, attempts=1,
                max_attempts=3, key="k",
            )  # fmt: skip
            assert taken.owner == "w"
            assert abs((taken.expires_at - at).total_seconds() - TTL) < 5

    async def test_storage_201_a_job_comes_with_its_write(self, harness: StorageHarness) -> None:
        """Both or neither."""
        async with harness.open() as store:
            jobs = (NewJob(kind="embed", payload=b"1"), NewJob(kind="notify", payload=b"2"))
            with pytest.raises(NotFound):
                await store.apply(*adds(entry(), jobs=jobs), ReplaceEntry(changed(entry()), 1))
            assert await lease(store, "embed", "notify", limit=9) == []
            first = entry()
            await store.apply(*adds(first, jobs=jobs))
            await store.apply(ReplaceEntry(changed(first), 1, (NewJob(kind="embed", payload=b"3"),)))
            taken = await lease(store, "embed", "notify", limit=9)
            assert sorted(one.job.payload for one in taken) == [b"1", b"2", b"3"]

    async def test_storage_202_a_job_waits_for_its_time(self, harness: StorageHarness) -> None:
        """It is not leased before `run_at`, and due from then on."""
        async with harness.open() as store:
            await enqueue(store, harness, run_at=harness.now() + timedelta(seconds=100))
            await harness.advance(95)
            assert await lease(store) == []
            await harness.advance(5)
            assert len(await lease(store)) == 1

    async def test_storage_203_the_earliest_due_comes_first(self, harness: StorageHarness) -> None:
        """Whatever was enqueued first; at most `limit`, and the rest later."""
        async with harness.open() as store:
            base = harness.now()
            late, early, middle = [
                await enqueue(store, harness, run_at=base + timedelta(seconds=s)) for s in (3, 1, 2)
            ]
            await harness.advance(10)
            assert [one.job.id for one in await lease(store, limit=2)] == [early, middle]
            assert [one.job.id for one in await lease(store, limit=2)] == [late]

    async def test_storage_204_only_the_kinds_asked_for(self, harness: StorageHarness) -> None:
        """Others stay for those who can do them, and take no place in the limit."""
        async with harness.open() as store:
            for _ in range(3):
                await enqueue(store, harness, "notify")
            wanted = await enqueue(store, harness)
            assert [one.job.id for one in await lease(store)] == [wanted]
            assert await lease(store, "other") == []
            assert len(await lease(store, "notify", "other", limit=9)) == 3

    @level("concurrent")
    async def test_storage_205_a_job_is_leased_to_one(self, harness: StorageHarness) -> None:
        """Twenty owners at once: none gets another's job, and all jobs are given."""
        async with harness.open() as store:
            await leased_at_once([store], harness)

    @level("concurrent")
    async def test_storage_206_a_job_is_leased_to_one_across_clients(self, harness: StorageHarness) -> None:
        """As on one."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            await leased_at_once([one, two], harness)

    async def test_storage_207_a_lease_that_ran_out_frees_the_job(self, harness: StorageHarness) -> None:
        """Not before; then to the next, with a higher token and one attempt more."""
        async with harness.open() as store:
            await enqueue(store, harness)
            first = await lease_one(store)
            await harness.advance(TTL - 5)
            assert await lease(store) == []
            await harness.advance(5.001)
            second = await lease_one(store)
            assert second.token > first.token
            assert (second.job.id, second.job.attempts) == (first.job.id, 2)

    async def test_storage_208_an_old_lease_completes_nothing(self, harness: StorageHarness) -> None:
        """Once another has the job: `NotHeld`, none of the changes kept, the other's lease unharmed."""
        async with harness.open() as store:
            await enqueue(store, harness)
            old = await lease_one(store)
            await harness.advance(TTL + 1)
            current = await lease_one(store)
            with pytest.raises(NotHeld):
                await store.complete_job(old, *adds(entry()))
            assert await matches(store) == []
            await store.complete_job(current)

    async def test_storage_209_an_old_lease_renews_and_fails_nothing(self, harness: StorageHarness) -> None:
        """`NotHeld`, and the one who has the job keeps it."""
        async with harness.open() as store:
            await enqueue(store, harness)
            old = await lease_one(store)
            await harness.advance(TTL + 1)
            current = await lease_one(store)
            with pytest.raises(NotHeld):
                await store.renew_job(old, ttl=TTL)
            with pytest.raises(NotHeld):
                await store.fail_job(old, reason="late", retry_in=0)
            assert await lease(store) == []
            await store.complete_job(current)

    async def test_storage_210_a_token_cannot_be_made_up(self, harness: StorageHarness) -> None:
        """A lease with another token, of a job that is held, is `NotHeld`."""
        async with harness.open() as store:
            await enqueue(store, harness)
            taken = await lease_one(store)
            forged = msgspec.structs.replace(taken, token=taken.token + 1)
            with pytest.raises(NotHeld):
                await store.complete_job(forged)
            with pytest.raises(NotHeld):
                await store.renew_job(forged, ttl=TTL)
            await store.complete_job(taken)

    async def test_storage_211_a_renewed_lease_holds_on(self, harness: StorageHarness) -> None:
        """For `ttl` from the renewal; what it returns can be used to finish."""
        async with harness.open() as store:
            await enqueue(store, harness)
            taken = await lease_one(store)
            await harness.advance(TTL - 5)
            renewed = await store.renew_job(taken, ttl=TTL)
            assert renewed.expires_at > taken.expires_at
            await harness.advance(TTL - 5)
            assert await lease(store) == []
            await store.complete_job(renewed)

    async def test_storage_212_a_key_is_unique_while_its_job_lives(self, harness: StorageHarness) -> None:
        """Waiting or leased, of one kind; afterwards, under another kind or without a key it is free."""
        async with harness.open() as store:
            first = await enqueue(store, harness, key="k")
            again = Enqueue(NewJob(kind="embed", key="k"), at=harness.now())
            standing = (Enqueued(first, created=False),)
            assert (await store.apply(again)).outcomes == standing
            assert await enqueue(store, harness, "notify", key="k") != first
            assert len({await enqueue(store, harness, "other") for _ in range(2)}) == 2
            taken = await lease_one(store)
            assert (await store.apply(again)).outcomes == standing
            await store.apply(*adds(entry(), jobs=(NewJob(kind="embed", key="k"),)))
            assert await lease(store) == []
            await store.complete_job(taken)
            assert await enqueue(store, harness, key="k") != first
            assert len(await lease(store)) == 1
