"""The log is carried over beside the writes."""

# pyright: reportPrivateUsage=false
# When the thread does what stands behind no port.

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite.checkpoints import LOG_PAGES, Checkpoints
from agent_memory.adapters.sqlite.connection import connect
from agent_memory.ports.changes import RemoveEntries
from agent_memory_contract.builders import adds, after, entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_memory.adapters.sqlite import SqliteStorage

_PAGE = 4096


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that carries nothing over by itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE page (body)")
        yield connection


def _write(connection: sqlite3.Connection, commits: int, checkpoints: Checkpoints) -> None:
    """About ten pages each."""
    for _ in range(commits):
        connection.execute("INSERT INTO page VALUES (zeroblob(?))", (9 * _PAGE,))
        checkpoints.committed()


def _held(path: Path) -> tuple[int, bool]:
    """Bytes of the log, and whether the file still holds the secret."""
    return path.with_name(path.name + "-wal").stat().st_size, b"Rumpelstiltskin" in path.read_bytes()


def test_nothing_is_begun_before_the_log_is_long(path: Path, writer: sqlite3.Connection) -> None:
    checkpoints = Checkpoints(partial(connect, path, 0.0), path.name)
    _write(writer, 20, checkpoints)
    checkpoints.close()
    assert checkpoints.done == 0


def test_a_long_log_is_carried_over(path: Path, writer: sqlite3.Connection) -> None:
    checkpoints = Checkpoints(partial(connect, path, 0.0), path.name)
    _write(writer, LOG_PAGES // 10, checkpoints)
    checkpoints.close()
    assert 1 <= checkpoints.done <= 4
    carried = path.stat().st_size
    assert carried >= LOG_PAGES // 4 * _PAGE


def test_how_much_a_commit_adds_is_learned(path: Path, writer: sqlite3.Connection) -> None:
    """A hundred pages, where sixteen were guessed: the next time comes after 30 commits, not after 188."""
    checkpoints = Checkpoints(partial(connect, path, 0.0), path.name)
    for _ in range(4):
        writer.execute("INSERT INTO page VALUES (zeroblob(?))", (99 * _PAGE,))
        checkpoints.committed()
    with closing(connect(path, 0.0)) as own:
        checkpoints._carry_over(own)
    assert checkpoints._seen.each == pytest.approx(101, abs=3)
    begun = checkpoints.done
    for _ in range(30):
        writer.execute("INSERT INTO page VALUES (zeroblob(?))", (99 * _PAGE,))
        checkpoints.committed()
    checkpoints.close()
    assert checkpoints.done > begun


def test_who_cannot_open_the_file_lets_the_writes_go_on(path: Path, writer: sqlite3.Connection) -> None:
    def refused() -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    checkpoints = Checkpoints(refused, path.name)
    _write(writer, LOG_PAGES // 10, checkpoints)
    checkpoints.close()
    assert checkpoints.done == 0
    assert writer.execute("SELECT count(*) FROM page").fetchone() == (LOG_PAGES // 10,)


async def test_the_log_of_a_busy_store_stays_short(storage: SqliteStorage, path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    longest = 0
    for number in range(30):
        await asyncio.gather(
            *(storage.apply(*adds(entry(content=f"{number} {other} " + "x" * 2000))) for other in range(100))
        )
        longest = max(longest, log.stat().st_size)
    assert longest < 3 * LOG_PAGES * _PAGE
    assert await storage.verify() == []


async def test_a_purge_waits_for_one_that_goes_on(storage: SqliteStorage, path: Path) -> None:
    """It would be refused, and the words would stay in the log."""
    kept = entry(content="the secret name is Rumpelstiltskin")
    await storage.apply(*adds(kept))
    alone = storage._writer._checkpoints.alone
    with alone:
        purge = asyncio.create_task(storage.apply(RemoveEntries((kept.id,), after(1), purge=True)))
        done, _ = await asyncio.wait([purge], timeout=0.2)
        assert not done
    await purge
    assert _held(path) == (0, False)
