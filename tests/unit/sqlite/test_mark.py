"""The change mark, asked on the event loop."""

# pyright: reportPrivateUsage=false
# How the mark comes by its connection stands behind no port.

from __future__ import annotations

import sqlite3
from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING

from agent_memory_contract.builders import adds, entry
from agent_memory_contract.storage_marks import mark_of

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.adapters.sqlite import SqliteStorage


async def test_nothing_is_opened_before_it_is_asked_for(storage: SqliteStorage) -> None:
    await storage.apply(*adds(entry()))
    assert storage._on_loop.opened == 0
    assert storage.mark() is None
    await storage.outbox_head()
    assert storage.mark() is not None
    assert storage._on_loop.opened == 1


async def test_it_holds_no_snapshot(storage: SqliteStorage, path: Path) -> None:
    """Or the log could never be emptied."""
    await mark_of(storage)
    for _ in range(3):
        await storage.apply(*adds(entry()))
        assert storage.mark() is not None
    with closing(sqlite3.connect(path)) as other:
        (busy, *_) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


async def test_it_waits_for_no_writer(storage: SqliteStorage, path: Path) -> None:
    before = await mark_of(storage)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE store SET job_token = job_token + 1")
        started = perf_counter()
        assert {storage.mark() for _ in range(100)} == {before}
        assert perf_counter() - started < 1
        other.execute("COMMIT")
    assert storage.mark() != before


async def test_after_an_error_it_is_unknown_until_it_was_opened_again(storage: SqliteStorage) -> None:
    """By numbers that did not occur before, though another connection counts from elsewhere."""
    seen = {await mark_of(storage)}
    for _ in range(3):
        connection = storage._on_loop.current
        assert connection is not None
        connection.close()
        assert storage.mark() is None
        mark = await mark_of(storage)
        assert mark not in seen
        seen.add(mark)


async def test_asking_after_the_end_opens_nothing(storage: SqliteStorage) -> None:
    await mark_of(storage)
    await storage.__aexit__(None, None, None)
    assert storage.mark() is None
    assert storage._on_loop.current is None
    assert storage._on_loop._opening is None
