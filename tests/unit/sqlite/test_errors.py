"""What SQLite reports, as what it means; and files that cannot be used."""

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite import SqliteLock, SqliteStorage
from agent_memory.adapters.sqlite.errors import port_error
from agent_memory.ports.errors import Corrupt, Misconfigured, PortError, Rejected, Unavailable
from agent_memory_contract.builders import adds, entry

if TYPE_CHECKING:
    from agent_memory_contract.manual_clock import ManualClock


def failure(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_BUSY, Unavailable),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Unavailable),
        (sqlite3.SQLITE_LOCKED, Unavailable),
        (sqlite3.SQLITE_FULL, Unavailable),
        (sqlite3.SQLITE_READONLY_DIRECTORY, Unavailable),
        (sqlite3.SQLITE_IOERR_FSYNC, Unavailable),
        (sqlite3.SQLITE_CANTOPEN, Unavailable),
        (sqlite3.SQLITE_CORRUPT_VTAB, Corrupt),
        (sqlite3.SQLITE_NOTADB, Corrupt),
        (sqlite3.SQLITE_TOOBIG, Rejected),
        (sqlite3.SQLITE_CONSTRAINT_NOTNULL, Rejected),
    ],
)
def test_result_codes_are_mapped_with_their_extensions(code: int, meaning: type[PortError]) -> None:
    error = failure(code)
    mapped = port_error(error, "memory.db")
    assert type(mapped) is meaning
    assert mapped.__cause__ is error
    assert "memory.db" in str(mapped)


def test_what_is_no_error_of_the_driver_stays_what_it_is() -> None:
    error = ZeroDivisionError()
    assert port_error(error, "memory.db") is error


async def test_a_full_disk_is_reported_and_healed_by_room(storage: SqliteStorage) -> None:
    kept = entry()
    await storage.apply(*adds(kept))
    pages = await storage._writer.submit(lambda t: t.execute("PRAGMA page_count").fetchone()[0])
    await storage._writer.submit(lambda t: t.execute(f"PRAGMA max_page_count={pages}").fetchone())
    large = [entry(f"{n} " * 20_000) for n in range(20)]
    with pytest.raises(Unavailable, match="full"):
        await storage.apply(*adds(*large))
    assert await storage.get([each.id for each in (kept, *large)]) == [kept]
    await storage._writer.submit(lambda t: t.execute("PRAGMA max_page_count=1000000").fetchone())
    await storage.apply(*adds(*large))
    assert len(await storage.get([each.id for each in large])) == 20
    assert await storage.verify() == []


async def test_a_read_only_file_is_reported(storage: SqliteStorage) -> None:
    await storage._writer.submit(lambda t: t.connection.execute("PRAGMA query_only=1"))
    with pytest.raises(Unavailable, match="read-only"):
        await storage.apply(*adds(entry()))


@pytest.fixture
def foreign(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
        other.commit()
    return path.read_bytes()


@pytest.fixture
def garbage(path: Path) -> bytes:
    path.write_bytes(b"This is no database at all. " * 100)
    return path.read_bytes()


async def open_and_read(path: Path, clock: ManualClock) -> tuple[PortError, bytes]:
    with pytest.raises(PortError) as caught:
        await SqliteStorage(path, clock=clock, origin="a").__aenter__()
    return caught.value, await asyncio.to_thread(path.read_bytes)


async def test_a_file_of_another_kind_is_refused(path: Path, clock: ManualClock, garbage: bytes) -> None:
    error, after = await open_and_read(path, clock)
    assert isinstance(error, Corrupt)
    assert "not an SQLite database" in str(error)
    assert after == garbage


async def test_the_database_of_another_program_is_refused_untouched(
    path: Path, clock: ManualClock, foreign: bytes
) -> None:
    error, after = await open_and_read(path, clock)
    assert isinstance(error, Misconfigured)
    assert "another program" in str(error)
    assert after == foreign


async def test_a_store_and_a_lock_file_are_not_taken_for_each_other(path: Path, clock: ManualClock) -> None:
    async with SqliteLock(path, clock=clock):
        pass
    with pytest.raises(Misconfigured, match="another program"):
        async with SqliteStorage(path.with_name("memory.db-locks"), clock=clock, origin="a"):
            pass


async def test_a_folder_is_no_database(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(Misconfigured, match="AGENT_MEMORY_DB_PATH"):
        async with SqliteStorage(tmp_path, clock=clock, origin="a"):
            pass


async def test_a_path_below_a_file_is_misconfigured(clock: ManualClock) -> None:
    with pytest.raises(Misconfigured, match="AGENT_MEMORY_DB_PATH"):
        async with SqliteStorage(Path(__file__) / "memory.db", clock=clock, origin="a"):
            pass
