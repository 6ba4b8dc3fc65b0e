"""STORAGE-273 to STORAGE-283: what waits can be listed, maintenance changes nothing, backups are whole."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest

from agent_memory.ports.changes import Added, Once
from agent_memory.ports.errors import Rejected
from agent_memory.ports.storage import Maintenance

from .builders import adds, entry
from .storage_job_ends import bury
from .storage_jobs import TTL, enqueue, lease_one
from .storage_reads import matches, settled, state_of
from .suite import TURNS, Suite, Undeclared, cancelled, level, running, turns

if TYPE_CHECKING:
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

TASKS: tuple[Maintenance, ...] = get_args(Maintenance)


async def remember_once(store: Storage, harness: StorageHarness, content: str, key: str, kept: float) -> bool:
    """Whether it was done before, by the key."""
    now = harness.now()
    once = Once(key=key, digest=b"d", at=now, keep_until=now + timedelta(seconds=kept))
    return (await store.apply(*adds(entry(content)), once=once)).replayed


async def write_until_cancelled(store: Storage, written: list[str]) -> None:
    while True:
        [outcome] = (await store.apply(*adds(entry()))).outcomes
        assert isinstance(outcome, Added)
        written.append(outcome.id)


async def everything_of(store: Storage) -> object:
    return await state_of(store), await matches(store), await store.pending_jobs(), await store.outbox(0)


def needs_backups(store: Storage) -> None:
    if not store.capabilities.backups:
        raise Undeclared("storage", "backups")


class StorageUpkeep(Suite):
    async def test_storage_273_pending_jobs_are_listed(self, harness: StorageHarness) -> None:
        """Those that wait and those that run, with the end of their lease, by when they can next be leased."""
        async with harness.open() as store:
            first = await enqueue(store, harness)
            later = await enqueue(store, harness, run_at=harness.now() + timedelta(seconds=TTL * 2))
            soon = await enqueue(store, harness, run_at=harness.now() + timedelta(seconds=TTL / 2))
            taken = await lease_one(store)
            listed = await store.pending_jobs()
            assert [one.job.id for one in listed] == [soon, first, later]
            assert [one.leased_until for one in listed] == [None, taken.expires_at, None]
            assert [one.due_at for one in listed] == [
                listed[0].job.run_at, taken.expires_at, listed[2].job.run_at,
            ]  # fmt: skip
            assert listed[1].job == taken.job

    async def test_storage_274_pending_jobs_are_listed_by_kind(self, harness: StorageHarness) -> None:
        """Of the kinds named; the limit cuts those due last."""
        async with harness.open() as store:
            for kind in ("notify", "embed", "notify"):
                await enqueue(store, harness, kind)
                await harness.advance(1)
            every = await store.pending_jobs()
            assert [one.job.kind for one in every] == ["notify", "embed", "notify"]
            assert await store.pending_jobs(["notify"]) == [every[0], every[2]]
            assert await store.pending_jobs(["notify", "embed", "none"], limit=2) == every[:2]
            assert await store.pending_jobs(["none"]) == []

    async def test_storage_275_what_has_ended_is_not_pending(self, harness: StorageHarness) -> None:
        """Neither done nor dead."""
        async with harness.open() as store:
            await bury(store, harness)
            await enqueue(store, harness)
            await store.complete_job(await lease_one(store))
            assert await store.pending_jobs() == []

    async def test_storage_276_a_lease_that_ran_out_is_none(self, harness: StorageHarness) -> None:
        """Its job is listed as one that waits."""
        async with harness.open() as store:
            await enqueue(store, harness)
            await lease_one(store)
            await harness.advance(TTL + 1)
            [listed] = await store.pending_jobs()
            assert listed.leased_until is None

    async def test_storage_277_maintenance_changes_nothing(self, harness: StorageHarness) -> None:
        """Whatever is read before and after each task is the same, on an empty store as on one in use."""
        async with harness.open() as store:
            for used in (False, True):
                for _ in range(3 if used else 0):
                    await store.apply(*adds(*(entry() for _ in range(5))))
                    await enqueue(store, harness)
                before = await everything_of(store)
                for task in TASKS:
                    await store.maintain(task)
                    assert await everything_of(store) == before
                assert await store.verify() == []

    async def test_storage_278_maintenance_keeps_keys_that_hold(self, harness: StorageHarness) -> None:
        """One that is kept still answers again; one that is over does not."""
        async with harness.open() as store:
            assert not await remember_once(store, harness, "one", "short", 10)
            assert not await remember_once(store, harness, "two", "long", 1000)
            await harness.advance(11)
            await store.maintain("keys")
            assert await remember_once(store, harness, "two", "long", 1000)
            assert not await remember_once(store, harness, "three", "short", 10)

    @level("concurrent")
    async def test_storage_279_writers_go_on_during_maintenance(self, harness: StorageHarness) -> None:
        """No error, and nothing of what was acknowledged is lost."""
        written: list[str] = []
        async with harness.open() as store:
            async with running(write_until_cancelled(store, written)) as writer:
                for task in TASKS:
                    await store.maintain(task)
                while len(written) < 10:
                    assert not writer.done()
                    await turns(1)
            kept = {one.id for one in await matches(store)}
            assert kept >= set(written)
            assert await store.verify() == []

    async def test_storage_280_a_backup_is_a_store(self, harness: StorageHarness) -> None:
        """With everything committed before it began, and nothing of what came after."""
        async with harness.open() as store:
            needs_backups(store)
            await store.apply(*adds(*(entry() for _ in range(20))))
            await enqueue(store, harness)
            before = await everything_of(store)
            place = harness.backup_place()
            await store.backup(place)
            await store.apply(*adds(entry()))
        async with harness.open_backup(place) as copy:
            assert await everything_of(copy) == before
            assert await copy.verify() == []
            await copy.apply(*adds(entry()))

    @level("concurrent")
    async def test_storage_281_a_backup_is_of_one_instant(self, harness: StorageHarness) -> None:
        """While others write, two entries at a time: both are in it or none."""

        async def write_pairs() -> None:
            while True:
                await store.apply(*adds(entry(tags=("pair",)), entry(tags=("pair",))))

        async with harness.open() as store:
            needs_backups(store)
            await store.apply(*adds(*(entry(f"{n} " + "long " * 2000) for n in range(50))))
            place = harness.backup_place()
            async with running(write_pairs()):
                head = await store.outbox_head()
                while await store.outbox_head() == head:
                    await turns(1)
                await store.backup(place)
        async with harness.open_backup(place) as copy:
            pairs = [one for one in await matches(copy) if one.tags]
            assert pairs
            assert len(pairs) % 2 == 0
            assert await copy.verify() == []

    @level("concurrent")
    async def test_storage_282_a_backup_replaces_nothing(self, harness: StorageHarness) -> None:
        """`Rejected` where one stands, which stays as it was; of two at once for one place, one is made."""
        async with harness.open() as store:
            needs_backups(store)
            place, other = harness.backup_place(), harness.backup_place()
            await store.backup(place)
            await store.apply(*adds(entry()))
            with pytest.raises(Rejected):
                await store.backup(place)
            results = await settled(store.backup(other), store.backup(other))
            assert sorted(isinstance(result, Rejected) for result in results) == [False, True]
        async with harness.open_backup(place) as copy:
            assert await matches(copy) == []

    @level("faulty")
    async def test_storage_283_a_cancelled_backup_leaves_nothing(self, harness: StorageHarness) -> None:
        """At whatever moment it is cancelled; the place is free for the next, unless it was done before."""
        async with harness.open() as store:
            needs_backups(store)
            await store.apply(*adds(*(entry(f"{n} " + "long " * 2000) for n in range(50))))
            for count in TURNS:
                place = harness.backup_place()
                async with running(store.backup(place)) as task:
                    await turns(count)
                    await cancelled(task)
                    done = not task.cancelled()
                assert harness.backup_leftovers() == []
                if not done:
                    await store.backup(place)
