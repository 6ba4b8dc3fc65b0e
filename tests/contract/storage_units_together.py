"""Of STORAGE-01 to STORAGE-17 those on several units of work at once: they are never in each other's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import (
    Applied,
    ReplaceEntry,
)
from agent_memory.ports.errors import Conflict, NotFound, Unavailable

from .builders import adds, changed, entry
from .storage_reads import AbandonedError, ids, matches, safely, settled
from .storage_units import in_unit
from .suite import TURNS, Suite, cancelled, level, needs, running, soon, turns

if TYPE_CHECKING:
    from .storage_harness import StorageHarness


class StorageUnitsTogether(Suite):
    @level("concurrent")
    async def test_storage_05_a_failing_apply_harms_no_other(self, harness: StorageHarness) -> None:
        """One of fifty at once is refused; the rest is kept, and nothing of the one."""
        async with harness.open() as store:
            new = [entry() for _ in range(50)]
            refused = ReplaceEntry(changed(entry()), 1)
            work = [
                store.apply(*adds(e), refused) if n == 25 else store.apply(*adds(e))
                for n, e in enumerate(new)
            ]
            results = await settled(*work)
            assert isinstance(results.pop(25), NotFound)
            assert all(isinstance(result, Applied) for result in results), results
            assert set(ids(await matches(store))) == set(ids(new)) - {new[25].id}

    @level("concurrent")
    async def test_storage_06_two_units_never_mix(self, harness: StorageHarness) -> None:
        """One that gives up takes nothing of another that began beside it."""
        async with harness.open() as store:
            lost, kept = entry(), entry()
            begun = asyncio.Event()

            async def gives_up() -> None:
                async with store.unit() as unit:
                    await unit.apply(*adds(lost))
                    begun.set()
                    await turns(50)
                    raise AbandonedError

            async def goes_on() -> None:
                await begun.wait()
                await in_unit(store, *adds(kept))

            async with safely(), running(gives_up()) as first:
                await goes_on()
                with pytest.raises(AbandonedError):
                    await first
            assert ids(await matches(store)) == [kept.id]

    @level("faulty")
    async def test_storage_13_a_unit_cancelled_while_it_waits_leaves_no_trace(
        self, harness: StorageHarness
    ) -> None:
        """The one before it commits, the one after it begins."""
        async with harness.open() as store:
            for moment in TURNS:
                first, second = entry(), entry()
                async with store.unit() as unit:
                    await unit.apply(*adds(first))
                    async with running(in_unit(store, *adds(second))) as waiting:
                        await turns(moment)
                        await cancelled(waiting)
                await soon(in_unit(store, *adds(entry())))
                assert first.id in ids(await store.get([first.id, second.id]))

    @level("concurrent")
    async def test_storage_14_no_update_is_lost_between_units(self, harness: StorageHarness) -> None:
        """Twenty at once read a number and write the next; who is refused tries again."""
        async with harness.open() as store:
            counter = entry(metadata={"n": 0})
            await store.apply(*adds(counter))

            async def count() -> None:
                async with store.unit() as unit:
                    [now] = await unit.get([counter.id])
                    following = changed(now, metadata={"n": now.metadata["n"] + 1})
                    await unit.apply(ReplaceEntry(following, now.version))

            remaining = 20
            for _ in range(remaining):
                results = await settled(*(count() for _ in range(remaining)))
                assert all(
                    result is None or isinstance(result, (Conflict, Unavailable)) for result in results
                )
                remaining -= results.count(None)
                if not remaining:
                    break
            [last] = await store.get([counter.id])
            assert (last.metadata, last.version) == ({"n": 20}, 21)

    @level("concurrent")
    async def test_storage_15_writers_on_two_clients_lose_nothing(self, harness: StorageHarness) -> None:
        """Sixty units at once over two clients: all are kept."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            new = [entry() for _ in range(60)]
            results = await settled(*((one, two)[n % 2].apply(*adds(e)) for n, e in enumerate(new)))
            assert all(isinstance(result, Applied) for result in results), results
            assert set(ids(await matches(one))) == set(ids(await matches(two))) == set(ids(new))

    @level("concurrent")
    async def test_storage_16_a_read_sees_one_state(self, harness: StorageHarness) -> None:
        """Two entries always changed together are never read apart."""
        async with harness.open() as store:
            pair = [entry(metadata={"n": 0}), entry(metadata={"n": 0})]
            await store.apply(*adds(*pair))
            done = asyncio.Event()

            async def write() -> None:
                current = pair
                for n in range(1, 100):
                    current = [changed(e, metadata={"n": n}) for e in current]
                    await store.apply(*(ReplaceEntry(e, n) for e in current))
                done.set()

            async with safely(), running(write()) as writing:
                while not done.is_set():
                    for read in (await store.get(ids(pair)), await matches(store)):
                        assert len({e.metadata["n"] for e in read}) == 1
                await writing
