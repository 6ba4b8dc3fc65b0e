"""Brief reads on the event loop: when they are made there, when not, and that nobody can tell by what they give."""

# pyright: reportPrivateUsage=false
# On which thread a read is made stands behind no port.

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.adapters.sqlite.loop_reads import LoopReads, Pauses
from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import adds, after, changed, entry
from agent_memory_contract.storage_marks import mark_of

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.ports.records import Entry
    from agent_memory_contract.manual_clock import ManualClock

LIMIT = 0.001


class Timer:
    """Goes on only when told to, or by `step` with each look at it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.0
        self.disk_reads: int | None = 0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
async def reads(storage: SqliteStorage, timer: Timer) -> LoopReads:
    """Of a store whose connection for the loop is open."""
    await mark_of(storage)
    storage._loop_reads = LoopReads(
        storage._on_loop, limit=LIMIT, timer=timer, disk_reads=lambda: timer.disk_reads
    )
    return storage._loop_reads


def ends(pauses: Pauses, at: float) -> bool:
    """Whether the pause does, to a hundredth of a second."""
    return not pauses.over(at - 0.01) and pauses.over(at + 0.01)


def test_after_a_slow_read_there_is_a_pause_in_proportion() -> None:
    pauses = Pauses()
    assert pauses.over(0)
    pauses.quick()
    assert pauses.over(0)
    pauses.slow(0.01, 2, disk=True)
    assert ends(pauses, 2.5)


def test_each_wait_for_the_disk_doubles_the_pause_up_to_half_a_minute() -> None:
    pauses = Pauses()
    for length in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, *[30] * 40):
        pauses.slow(0.002, 100, disk=True)
        assert ends(pauses, 100 + length)


@pytest.mark.parametrize(("quick", "pause"), [(63, 0.8), (64, 0.1)])
def test_quick_reads_in_a_row_make_the_next_wait_the_first_again(quick: int, pause: float) -> None:
    pauses = Pauses()
    for _ in range(3):
        pauses.slow(0.002, 0, disk=True)
    for _ in range(quick):
        pauses.quick()
    pauses.slow(0.002, 100, disk=True)
    assert ends(pauses, 100 + pause)


def test_what_did_not_wait_for_the_disk_pauses_for_less_and_doubles_nothing() -> None:
    pauses = Pauses()
    for _ in range(5):
        pauses.slow(0.01, 100, disk=False)
        assert ends(pauses, 100.1)
    pauses.slow(0.01, 200, disk=True)
    assert ends(pauses, 200.5)


async def test_a_brief_read_is_made_on_the_loop(storage: SqliteStorage, reads: LoopReads) -> None:
    one = entry()
    await storage.apply(*adds(one))
    assert await storage.get([one.id]) == [one]
    await storage.outlook(ScopeFilter(), now=after(0))
    await storage.outbox(0)
    assert reads.done == 3


async def test_its_connection_is_opened_by_a_thread_after_the_first_one(storage: SqliteStorage) -> None:
    assert storage._on_loop.opened == 0
    await storage.outbox_head()
    await mark_of(storage)
    assert (storage._on_loop.opened, storage._loop_reads.done) == (1, 0)
    await storage.outbox_head()
    assert (storage._on_loop.opened, storage._loop_reads.done) == (1, 1)


async def test_what_asks_for_many_is_not(storage: SqliteStorage, reads: LoopReads) -> None:
    many = [entry() for _ in range(17)]
    await storage.apply(*adds(*many))
    assert await storage.get([one.id for one in many]) == many
    assert reads.done == 0
    assert await storage.get([one.id for one in many[:16]]) == many[:16]
    assert reads.done == 1


@pytest.mark.parametrize(
    ("disk_reads", "pause"), [(1, 50 * 0.002), (None, 50 * 0.002), (0, 10 * 0.002)], ids=str
)
async def test_a_slow_read_is_the_last_one_for_a_while(
    storage: SqliteStorage, reads: LoopReads, timer: Timer, disk_reads: int | None, pause: float
) -> None:
    """For longer where it waited for the disk, or may have."""
    one = entry()
    await storage.apply(*adds(one))
    timer.step, timer.disk_reads = 0.002, disk_reads
    assert await storage.get([one.id]) == [one]
    timer.step = 0
    assert (reads.done, reads.slow) == (1, 1)
    for passed in (0, pause - 0.003):
        timer.now += passed
        assert await storage.get([one.id]) == [one]
        assert reads.done == 1
    timer.now += 0.003
    assert await storage.get([one.id]) == [one]
    assert (reads.done, reads.slow) == (2, 1)


async def test_a_read_that_takes_too_long_is_left_to_a_thread_half_way(
    storage: SqliteStorage, reads: LoopReads, timer: Timer, path: Path
) -> None:
    """And holds no snapshot from then on, or the log could never be emptied."""
    many = [entry() for _ in range(10)]
    await storage.apply(*adds(*many))
    timer.step = LIMIT / 4
    assert await storage.get([one.id for one in many]) == many
    assert (reads.done, reads.slow) == (0, 1)
    assert timer.now < 10 * LIMIT / 4
    await storage.apply(*adds(entry()))
    with closing(sqlite3.connect(path)) as other:
        (busy, *_) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


async def test_a_snapshot_of_several_statements_ends_with_the_read(
    storage: SqliteStorage, reads: LoopReads, timer: Timer
) -> None:
    await storage.apply(*adds(*(entry(valid_until=after(n)) for n in range(1, 30))))
    timer.step = LIMIT / 4
    outlook = await storage.outlook(ScopeFilter(scope="acme"), now=after(0))
    assert outlook.until == after(1)
    assert reads.slow == 1
    connection = storage._on_loop.current
    assert connection is not None
    assert not connection.in_transaction


def failing(code: int, _: sqlite3.Connection) -> None:
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    raise error


async def test_a_lock_in_the_way_sends_the_read_to_a_thread(storage: SqliteStorage, reads: LoopReads) -> None:
    connection = storage._on_loop.current
    assert reads.attempt(partial(failing, sqlite3.SQLITE_BUSY)) is None
    assert storage._on_loop.current is connection
    assert (await storage.outbox_head(), reads.done) == (0, 1)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, 0])
async def test_after_any_other_error_the_loop_has_a_new_connection(
    storage: SqliteStorage, reads: LoopReads, code: int
) -> None:
    one = entry()
    await storage.apply(*adds(one))
    former = storage._on_loop.current
    assert reads.attempt(partial(failing, code)) is None
    assert storage._on_loop.current is None
    assert await storage.get([one.id]) == [one]
    assert reads.done == 0
    await mark_of(storage)
    assert await storage.get([one.id]) == [one]
    assert reads.done > 0
    assert storage._on_loop.current is not former


async def test_what_is_wrong_with_the_question_is_said_as_ever(
    storage: SqliteStorage, reads: LoopReads
) -> None:
    connection = storage._on_loop.current
    with pytest.raises(Rejected):
        await storage.get(["\ud800"])
    assert storage._on_loop.current is connection
    assert reads.done == 0


async def test_an_id_with_a_nul_names_nothing(storage: SqliteStorage) -> None:
    """SQLite's JSON would end it there, and find the entry that the rest names."""
    one, two = entry(), entry()
    await storage.apply(*adds(one, two))
    assert await storage.get([f"{one.id}\0x", two.id]) == [two]
    assert await storage.get([f"{one.id}\0x", two.id, one.id]) == [two, one]
    assert await storage.get([f"{one.id}\0x"]) == []


async def test_it_waits_for_no_writer_and_sees_what_was_committed(
    storage: SqliteStorage, reads: LoopReads, path: Path
) -> None:
    one = entry("before")
    await storage.apply(*adds(one))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for n in range(20):
            other.execute("BEGIN EXCLUSIVE")
            other.execute("UPDATE entries SET title = ?", (f"t{n + 1}",))
            (former,) = await storage.get([one.id])
            other.execute("COMMIT")
            (now,) = await storage.get([one.id])
            assert former.title == (f"t{n}" if n else "")
            assert now.title == f"t{n + 1}"
    assert reads.done == 40
    assert reads.slow == 0


async def test_it_reads_while_the_file_is_kept_in_order(
    storage: SqliteStorage, reads: LoopReads, path: Path
) -> None:
    """Copied, merged, shortened and checked, with a purge that rewrites the index: always what stands."""
    kept = [entry(f"kept {n} " + "word " * 300) for n in range(40)]
    gone = [entry(f"gone {n} " + "word " * 3000) for n in range(40)]
    await storage.apply(*adds(*kept, *gone))
    ends = asyncio.Event()

    async def keep_in_order() -> None:
        await storage.backup(str(path.with_name("copy.db")))
        await storage.apply(RemoveEntries(tuple(one.id for one in gone), after(1), purge=True))
        for task in ("index", "statistics", "space", "keys"):
            await storage.maintain(task)
        assert await storage.verify() == []
        ends.set()

    work = asyncio.create_task(keep_in_order())
    count = 0
    while not ends.is_set() and not work.done():
        for some in (kept[:16], kept[16:32]):
            assert await storage.get([one.id for one in some]) == some
        count += 2
        await asyncio.sleep(0)
    await work
    assert count
    assert await storage.get([one.id for one in gone]) == []
    assert reads.done > count / 2
    # No reader is in the way of emptying the log now.
    await storage.maintain("space")
    assert not path.with_name(path.name + "-wal").stat().st_size


async def test_reading_in_a_row_lets_others_run(storage: SqliteStorage, reads: LoopReads) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    for _ in range(1000):
        await storage.outbox_head()
    task.cancel()
    assert reads.done == 1000
    assert turns >= 10


async def test_after_the_end_it_is_refused(storage: SqliteStorage) -> None:
    await mark_of(storage)
    await storage.__aexit__(None, None, None)
    with pytest.raises(Unavailable):
        await storage.outbox_head()
    assert storage._on_loop.current is None


@pytest.mark.parametrize("seed", range(5))
async def test_on_the_loop_and_on_a_thread_the_same_is_read(
    path: Path, clock: ManualClock, seed: int
) -> None:
    """Ceilings, deleted and purged entries, repeated and unknown ids, after each of many random writes."""
    random = Random(seed)
    known: dict[str, Entry] = {}
    scopes = ("global", "acme", "acme/web", "acme/web/s1", "globex")

    async with (
        SqliteStorage(path, clock=clock, origin="a", loop_limit=1e9) as here,
        SqliteStorage(path, clock=clock, origin="b", loop_limit=0) as there,
    ):
        await mark_of(here)
        for step in range(60):
            ids = list(known)
            match random.randrange(4):
                case 0 | 1:
                    new = entry(scope=random.choice(scopes), tags=("a", "b"), expires_at=after(step + 9))
                    await there.apply(*adds(new))
                    known[new.id] = new
                case 2 if ids:
                    former = known[random.choice(ids)]
                    if former.state == "active":
                        known[former.id] = new = changed(former, at=after(step), content=f"text {step}")
                        await there.apply(ReplaceEntry(new, former.version))
                case _ if ids:
                    lost = known.pop(random.choice(ids))
                    await there.apply(RemoveEntries((lost.id,), after(step), purge=random.random() < 0.3))
                case _:
                    continue
            asked = random.choices([*ids, "unknown"], k=random.randint(1, 16))
            ceiling = random.choice(scopes)
            where = ScopeFilter(scope=ceiling, descendants=random.random() < 0.5)
            assert await here.get(asked, ceiling=ceiling) == await there.get(asked, ceiling=ceiling)
            assert await here.outbox_head() == await there.outbox_head()
            assert await here.outbox(step) == await there.outbox(step)
            assert await here.generation(where) == await there.generation(where)
            assert await here.outlook(where, now=after(step)) == await there.outlook(where, now=after(step))
        assert here._loop_reads.done > 100
        assert there._loop_reads.done == 0
        assert there._on_loop.opened == 0
