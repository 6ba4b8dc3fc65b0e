"""Whatever becomes of a caller, the one thread that writes goes on to the next."""

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.ports.changes import ReplaceEntry
from agent_memory.ports.errors import NotFound, Unavailable
from agent_memory_contract.builders import adds, changed, entry

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.adapters.sqlite.transaction import Transaction
    from agent_memory.ports.records import Entry
    from agent_memory_contract.manual_clock import ManualClock

SAFETY = 20.0


async def works(storage: SqliteStorage) -> None:
    async with asyncio.timeout(SAFETY):
        added = entry()
        await storage.apply(*adds(added))
        assert await storage.get([added.id]) == [added]


async def two_writes(storage: SqliteStorage, first: Entry, second: Entry) -> None:
    async with storage.unit() as unit:
        await unit.apply(*adds(first))
        await unit.get([first.id])
        await unit.apply(*adds(second))


class Held:
    """The writer's thread, busy until told otherwise."""

    def __init__(self, storage: SqliteStorage) -> None:
        self.begun = asyncio.Event()
        self.go_on = threading.Event()
        self._loop = asyncio.get_running_loop()
        self.task = asyncio.create_task(storage._writer.submit(self._work))

    def _work(self, transaction: Transaction) -> None:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.go_on.wait(SAFETY)


@pytest.mark.parametrize("moment", [*range(12), 20, 50, 200])
async def test_a_unit_cancelled_at_any_moment_is_whole_or_absent(storage: SqliteStorage, moment: int) -> None:
    first, second = entry(), entry()
    task = asyncio.create_task(two_writes(storage, first, second))
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await works(storage)
    assert len(await storage.get([first.id, second.id])) in {0, 2}


async def test_a_unit_cancelled_while_it_waits_for_its_turn_does_nothing(storage: SqliteStorage) -> None:
    held = Held(storage)
    await held.begun.wait()
    first, second = entry(), entry()
    task = asyncio.create_task(two_writes(storage, first, second))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    held.go_on.set()
    await held.task
    await works(storage)
    assert await storage.get([first.id, second.id]) == []


async def test_a_write_cancelled_before_it_began_is_dropped(storage: SqliteStorage) -> None:
    held = Held(storage)
    await held.begun.wait()
    dropped = entry()
    task = asyncio.create_task(storage.apply(*adds(dropped)))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    held.go_on.set()
    await works(storage)
    assert await storage.get([dropped.id]) == []


async def idles(storage: SqliteStorage, begun: Entry, *, reads: bool) -> None:
    async with storage.unit() as unit:
        await unit.apply(*adds(begun))
        await works(storage)
        if reads:
            await unit.get([begun.id])


@pytest.mark.parametrize("reads", [True, False])
async def test_a_unit_that_idles_is_rolled_back_and_says_so(storage: SqliteStorage, *, reads: bool) -> None:
    begun = entry()
    with pytest.raises(Unavailable, match="idle"):
        await idles(storage, begun, reads=reads)
    assert await storage.get([begun.id]) == []


async def catches(storage: SqliteStorage, begun: Entry, failing: ReplaceEntry) -> None:
    async with storage.unit() as unit:
        await unit.apply(*adds(begun))
        with suppress(NotFound):
            await unit.apply(failing)


async def test_a_unit_that_caught_its_error_cannot_commit(storage: SqliteStorage) -> None:
    begun = entry()
    with pytest.raises(NotFound):
        await catches(storage, begun, ReplaceEntry(changed(entry()), 1))
    assert await storage.get([begun.id]) == []


async def test_a_unit_that_caught_its_cancellation_cannot_commit(storage: SqliteStorage) -> None:
    begun, late = entry(), entry()
    ready = asyncio.Event()

    async def stubborn() -> None:
        async with storage.unit() as unit:
            await unit.apply(*adds(begun))
            ready.set()
            with suppress(asyncio.CancelledError):
                await unit.apply(*adds(late))

    task = asyncio.create_task(stubborn())
    await ready.wait()
    task.cancel()
    with pytest.raises(Unavailable, match="cancelled"):
        await task
    await works(storage)
    assert await storage.get([begun.id, late.id]) == []


async def test_an_unused_unit_takes_no_turn(storage: SqliteStorage) -> None:
    async with storage.unit():
        await works(storage)


async def test_closing_rolls_an_open_unit_back(path: Path, clock: ManualClock) -> None:
    begun = entry()
    async with SqliteStorage(path, clock=clock, origin="a", unit_idle_timeout=3600.0) as storage:
        unit = await storage.unit().__aenter__()
        await unit.apply(*adds(begun))
        async with asyncio.timeout(SAFETY):
            await storage.__aexit__(None, None, None)
        with pytest.raises(Unavailable):
            await unit.apply(*adds(entry()))
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        assert await storage.get([begun.id]) == []


async def test_closing_finishes_what_was_handed_in(path: Path, clock: ManualClock) -> None:
    entries = [entry() for _ in range(20)]
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        writes = [asyncio.create_task(storage.apply(*adds(each))) for each in entries]
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        assert len(await storage.get([each.id for each in entries])) == 20


async def test_a_closed_store_answers_that_it_is_closed(path: Path, clock: ManualClock) -> None:
    storage = SqliteStorage(path, clock=clock, origin="a")
    async with storage:
        pass
    with pytest.raises(Unavailable):
        await storage.apply(*adds(entry()))
    with pytest.raises(Unavailable):
        await storage.get([entry().id])
    assert (await storage.health())["connected"] is False


async def test_no_thread_outlives_the_store(path: Path, clock: ManualClock) -> None:
    before = threading.active_count()
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        await works(storage)
        assert threading.active_count() > before
    assert threading.active_count() == before


async def test_another_program_holding_the_file_is_waited_for_and_then_reported(
    storage: SqliteStorage, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="busy timeout"):
        await storage.apply(*adds(entry()))
    other.execute("ROLLBACK")
    other.close()
    await works(storage)
