"""What maintenance leaves behind in the file."""

# pyright: reportPrivateUsage=false
# The file itself is what is tested here, and it stands behind no port.

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.ports.changes import Once, RemoveEntries
from agent_memory_contract.builders import T0, adds, entry

if TYPE_CHECKING:
    from pathlib import Path

SEGMENTS = "SELECT count(DISTINCT segid) FROM entries_fts_idx"


def asked(path: Path, statement: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (value,) = connection.execute(statement).fetchone()
        return int(value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


def opened(path: Path) -> SqliteStorage:
    return SqliteStorage(path, clock=SystemClock(), origin="t")


async def test_room_is_given_back(path: Path) -> None:
    big = [entry(f"{n} " + "long " * 8000) for n in range(50)]
    async with opened(path) as store:
        await store.apply(*adds(*big))
        await store.apply(RemoveEntries(tuple(one.id for one in big), T0, purge=True))
        await store.maintain("space")
        assert asked(path, "PRAGMA freelist_count") == 0
        health = await store.health()
        assert int(str(health["size_bytes"])) < 1_000_000
        assert health["wal_bytes"] == 0
        assert await store.verify() == []


async def test_a_file_that_was_made_without_room_to_shrink_is_left_as_it_is(path: Path) -> None:
    async with opened(path) as store:
        await store.apply(*adds(*(entry(f"{n} " + "long " * 8000) for n in range(20))))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("VACUUM")
        connection.execute("DELETE FROM outbox")
    async with opened(path) as store:
        await store.apply(*adds(*(entry(f"x{n}") for n in range(20))))
        await store.maintain("space")
        assert await store.verify() == []


async def test_the_index_is_one_segment_afterwards(path: Path) -> None:
    async with opened(path) as store:
        for _ in range(7):
            await store.apply(*adds(*(entry() for _ in range(20))))
        assert asked(path, SEGMENTS) > 1
        await store.maintain("index")
        assert asked(path, SEGMENTS) == 1


async def test_keys_that_are_over_are_dropped(path: Path) -> None:
    async with opened(path) as store:
        for n, kept in enumerate((-5, -5, 3600)):
            now = SystemClock().now()
            once = Once(key=f"k{n}", digest=b"d", at=now, keep_until=now + timedelta(seconds=kept))
            await store.apply(*adds(entry()), once=once)
        await store.maintain("keys")
        assert asked(path, "SELECT count(*) FROM idempotency") == 1


async def test_the_planner_knows_the_tables(path: Path) -> None:
    async with opened(path) as store:
        await store.apply(*adds(*(entry() for _ in range(50))))
        await store.maintain("statistics")
        assert asked(path, "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'entries'") > 0


async def test_a_backup_is_one_file_for_its_owner(path: Path) -> None:
    target = path.with_name("copy.db")
    async with opened(path) as store:
        await store.apply(*adds(entry()))
        await store.backup(str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in path.parent.iterdir() if "copy" in file.name) == ["copy.db"]
    with closing(sqlite3.connect(f"file:{target}?mode=ro&immutable=1", uri=True)) as copy:
        assert copy.execute("SELECT count(*) FROM entries").fetchone() == (1,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_writes_one_by_one_merge_no_whole_level_at_once(path: Path) -> None:
    """FTS5's own rule does at 16 segments, which stops a write at 100,000 entries for 0.3 s."""
    async with opened(path) as store:
        for _ in range(20):
            await store.apply(*adds(entry()))
        assert asked(path, SEGMENTS) == 20


async def test_writes_one_by_one_leave_few_segments(path: Path) -> None:
    async with opened(path) as store:
        for _ in range(400):
            await store.apply(*adds(entry()))
        assert asked(path, SEGMENTS) < 100
        assert await store.verify() == []


async def test_a_file_of_before_merges_like_a_new_one(path: Path) -> None:
    setting = "SELECT v FROM {}_fts_config WHERE k = '{}'"
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        for table in ("entries", "revisions"):
            connection.execute(f"INSERT INTO {table}_fts ({table}_fts, rank) VALUES ('automerge', 8)")
            connection.execute(f"INSERT INTO {table}_fts ({table}_fts, rank) VALUES ('crisismerge', 16)")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    async with opened(path):
        for table in ("entries", "revisions"):
            assert asked(path, setting.format(table, "automerge")) == 16
            assert asked(path, setting.format(table, "crisismerge")) == 64
